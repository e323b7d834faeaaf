import type { SecurityEvent } from "../core/auth/security.ts";
import { Password, Profile, Removal, type AccountForms } from "./account-forms.view.tsx";
import { once } from "./form.view.tsx";
import { Icon } from "./icons.view.tsx";
import { Layout, type PageContext } from "./layout.view.tsx";
import { Factors } from "./factors.view.tsx";
import { ProofDialog } from "./proof.view.tsx";
import { EventRow, SessionRow, type ShownSession, type Where } from "./rows.view.tsx";
import { SignInDialog } from "./sessions.view.tsx";

export type ShownEvent = SecurityEvent & { where: Where | null };
export type Done = "profile" | "password" | "session" | "added" | "removed" | "email" | "letter" | "proved";

type AccountProps = AccountForms & {
  isOperator: boolean;
  sessions: ShownSession[];
  events: ShownEvent[];
  /** Where either list goes on. */
  moreSessions: string | null;
  moreEvents: string | null;
  done: Done | undefined;
  place: string;
};

export const AccountPage = (props: AccountProps) => {
  const { page, done } = props;
  const { account: t } = page.t;
  return (
    <Layout
      page={page}
      title={t.title}
      className="narrow account"
      dialog={
        <>
          <SignInDialog page={page} />
          <ProofDialog />
        </>
      }
      live={{ place: props.place }}
    >
      <nav class="index" aria-label={t.index}>
        {(
          [
            ["profile", t.profile],
            ["factors", page.t.factors.title],
            ["devices", t.devices],
            ["change-password", t.password],
            ["events", t.events],
            ["export", t.export],
            ["removal", t.remove],
          ] as const
        ).map(([id, name]) => (
          <a class="quiet" href={`#${id}`}>
            {name}
          </a>
        ))}
      </nav>
      <h1>{t.title}</h1>
      {props.isOperator && (
        <p>
          <a class="button secondary" href="/admin">
            {page.t.admin.title}
          </a>
        </p>
      )}
      {done && (
        <p class="banner info" role="status">
          {t.done[done]}
        </p>
      )}
      <Profile {...props} />
      <Factors page={page} held={props.held} />
      <Devices {...props} />
      <Password {...props} />
      <Events {...props} />
      <section class="panel" aria-labelledby="export">
        <h2 id="export">{t.export}</h2>
        <p class="muted">{t.exportNote}</p>
        <p>
          <a class="button secondary" href="/account/export" data-download="">
            {t.exportSubmit}
          </a>
        </p>
      </section>
      <Removal {...props} />
    </Layout>
  );
};

const nameOfDevice = (page: PageContext, { device_name, device }: ShownSession) =>
  device_name ?? device ?? page.t.account.unknownDevice;

/** What somebody calls a device, to be told from the others. */
const DeviceName = ({ page, session }: { page: PageContext; session: ShownSession }) => {
  const { account: t } = page.t;
  return (
    <details class="menu">
      <summary aria-label={t.nameDevice + page.t.colon + nameOfDevice(page, session)} title={t.nameDevice}>
        <Icon name="edit" />
      </summary>
      <form class="popover" method="post" action={once(`/account/sessions/${session.id}/name`)}>
        <label for={`name-${session.id}`}>{t.deviceName}</label>
        <span class="joined">
          <input
            id={`name-${session.id}`}
            name="name"
            value={session.device_name ?? ""}
            maxlength="60"
            autocomplete="off"
          />
          <button type="submit">{page.t.conversation.save}</button>
        </span>
      </form>
    </details>
  );
};

const Devices = ({ page, sessions, moreSessions }: AccountProps) => {
  const { account: t } = page.t;
  return (
    <section class="panel" aria-labelledby="devices">
      <h2 id="devices">{t.devices}</h2>
      <ul class="rows">
        {sessions.map((session) => (
          <SessionRow page={page} session={session}>
            <DeviceName page={page} session={session} />
            {!session.isCurrent && (
              <form method="post" action={once(`/account/sessions/${session.id}/end`)}>
                <button
                  class="secondary"
                  type="submit"
                  aria-label={t.signOutThere + page.t.colon + nameOfDevice(page, session)}
                >
                  {t.signOutThere}
                </button>
              </form>
            )}
          </SessionRow>
        ))}
      </ul>
      <More page={page} list="devices" cursor={moreSessions} />
      <form
        method="post"
        action={once("/account/logout-all")}
        data-confirm={t.confirmEverywhere}
        data-sign-out=""
      >
        <button class="secondary" type="submit">
          {t.signOutEverywhere}
        </button>
      </form>
    </section>
  );
};

const Events = ({ page, events, moreEvents }: AccountProps) => {
  const { account: t } = page.t;
  return (
    <section class="panel" aria-labelledby="events">
      <h2 id="events">{t.events}</h2>
      {events.length === 0 && <p class="muted">{t.noEvents}</p>}
      <ul class="rows" data-days="">
        {events.map((event) => (
          <EventRow page={page} event={event} where={event.where} />
        ))}
      </ul>
      <More page={page} list="events" cursor={moreEvents} />
    </section>
  );
};

type MoreProps = { page: PageContext; list: "devices" | "events"; cursor: string | null };

const More = ({ page, list, cursor }: MoreProps) =>
  cursor === null ? null : (
    <p>
      <a class="quiet" href={`/account?${list}=${encodeURIComponent(cursor)}#${list}`}>
        {page.t.conversations.more}
      </a>
    </p>
  );
