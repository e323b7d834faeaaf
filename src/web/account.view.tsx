import type { SecurityEvent } from "../core/auth/security.ts";
import { Field, FormError, inPlace, once, type FormState } from "./form.view.tsx";
import { Layout, type PageContext } from "./layout.view.tsx";
import { NewPassword } from "./passwords.view.tsx";
import { Factors, type HeldFactors } from "./factors.view.tsx";
import { ProofDialog } from "./proof.view.tsx";
import { Waiting } from "./emails.view.tsx";
import { EventRow, SessionRow, type ShownSession, type Where } from "./rows.view.tsx";
import { SignInDialog } from "./sessions.view.tsx";

export type ShownEvent = SecurityEvent & { where: Where | null };
export type Done = "profile" | "password" | "session" | "added" | "removed" | "email" | "letter" | "proved";

type AccountProps = {
  page: PageContext;
  email: string | null;
  /** One that waits to be confirmed. */
  pending: string | null;
  isOperator: boolean;
  held: HeldFactors;
  sessions: ShownSession[];
  events: ShownEvent[];
  /** Where either list goes on. */
  moreSessions: string | null;
  moreEvents: string | null;
  profile: FormState;
  password: FormState;
  removal: FormState;
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
      className="narrow"
      dialog={
        <>
          <SignInDialog page={page} />
          <ProofDialog />
        </>
      }
      live={{ place: props.place }}
    >
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

const Profile = ({ page, email, pending, profile }: AccountProps) => {
  const { account: t } = page.t;
  return (
    <section class="panel" aria-labelledby="profile">
      <h2 id="profile">{t.profile}</h2>
      <form {...inPlace("/account/profile")}>
        <FormError message={profile.general} />
        <Field name="username" label={t.username} error={profile.errors["username"]}>
          {({ id, name, invalid }) => (
            <input
              {...{ id, name, ...invalid }}
              value={profile.values["username"] ?? page.viewer?.username}
              autocomplete="username"
              autocapitalize="none"
              spellcheck="false"
              required
            />
          )}
        </Field>
        <Field name="email" label={t.email} note={page.t.register.optional} error={profile.errors["email"]}>
          {({ id, name, invalid }) => (
            <input
              {...{ id, name, ...invalid }}
              type="email"
              value={profile.values["email"] ?? email ?? ""}
              autocomplete="email"
            />
          )}
        </Field>
        <p class="actions">
          <button type="submit">{t.save}</button>
        </p>
      </form>
      {page.hasMail && pending !== null && <Waiting page={page} pending={pending} email={email} />}
    </section>
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
            {!session.isCurrent && (
              <form method="post" action={once(`/account/sessions/${session.id}/end`)}>
                <button
                  class="secondary"
                  type="submit"
                  aria-label={`${t.signOutThere}: ${session.device ?? t.unknownDevice}`}
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

const Password = ({ page, password, held }: AccountProps) => {
  const { account: t } = page.t;
  return (
    <section class="panel" aria-labelledby="password">
      <h2 id="password">{t.password}</h2>
      <p class="muted">{t.passwordNote}</p>
      <form {...inPlace("/account/password")}>
        <FormError message={password.general} />
        <input type="hidden" name="username" autocomplete="username" value={page.viewer?.username} />
        {held.items.length === 0 && (
          <Field
            name="current_password"
            label={t.currentPassword}
            error={password.errors["current_password"]}
          >
            {({ id, name, invalid }) => (
              <input {...{ id, name, ...invalid }} type="password" autocomplete="current-password" required />
            )}
          </Field>
        )}
        <NewPassword
          name="new_password"
          label={t.newPassword}
          error={password.errors["new_password"]}
          ratedBy="/account/strength"
        />
        <p class="actions">
          <button type="submit">{t.changePassword}</button>
        </p>
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
      <ul class="rows">
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

const Removal = ({ page, removal, held }: AccountProps) => {
  const { account: t } = page.t;
  return (
    <section class="panel" aria-labelledby="removal">
      <h2 id="removal">{t.remove}</h2>
      <p class="muted">{t.removeNote}</p>
      <form method="post" action={once("/account/delete")} data-confirm={t.confirmRemove} data-sign-out="">
        <FormError message={removal.general} />
        {held.items.length === 0 && (
          <Field name="password-again" label={t.currentPassword} error={removal.errors["password"]}>
            {({ id, invalid }) => (
              <input
                {...{ id, ...invalid }}
                name="password"
                type="password"
                autocomplete="current-password"
                required
              />
            )}
          </Field>
        )}
        <p class="actions">
          <button class="secondary danger" type="submit">
            {t.removeSubmit}
          </button>
        </p>
      </form>
    </section>
  );
};
