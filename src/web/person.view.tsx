import type { Person } from "../core/auth/operator.ts";
import type { Session } from "../core/auth/sessions.ts";
import type { SecurityEvent } from "../core/auth/security.ts";
import { stateOf, type HeldFactors } from "./factors.view.tsx";
import { once } from "./form.view.tsx";
import { Layout, Time, type PageContext } from "./layout.view.tsx";
import { EventRow, SessionRow } from "./rows.view.tsx";

type PersonProps = {
  page: PageContext;
  user: Person;
  held: HeldFactors;
  sessions: (Session & { device: string | null })[];
  events: (SecurityEvent & { device: string | null })[];
  moreEvents: string | null;
  /** One that was just made. */
  link: string | undefined;
};

export const PersonPage = ({ page, user, held, sessions, events, moreEvents, link }: PersonProps) => {
  const { admin: t } = page.t;
  const url = `/admin/people/${user.id}`;
  const isProtected = user.operator_since !== null;
  return (
    <Layout page={page} title={user.username} className="narrow">
      <p>
        <a href="/admin">← {t.title}</a>
      </p>
      <h1>{user.username}</h1>
      <p class="muted">
        <Tags page={page} user={user} /> {user.email && `${user.email} · `}
        {t.since} <Time at={user.created_at} />
      </p>
      <p>{stateOf(page, held)}</p>
      {link && <MadeLink label={t.linkMade(user.username)} link={link} />}
      {isProtected && <p class="banner info">{page.t.errors.operator_protected}</p>}
      {!isProtected && (
        <div class="actions">
          {user.disabled_at === null ? (
            <>
              <Act url={`${url}/reset-link`} label={t.resetLink} />
              <Act
                url={`${url}/disable`}
                label={t.disable}
                confirm={t.confirmDisable(user.username)}
                isDanger
              />
            </>
          ) : (
            <Act url={`${url}/enable`} label={t.enable} />
          )}
        </div>
      )}
      <section class="panel" aria-labelledby="devices">
        <h2 id="devices">{page.t.account.devices}</h2>
        {sessions.length === 0 && <p class="muted">{t.nowhere}</p>}
        <ul class="rows">
          {sessions.map((session) => (
            <SessionRow page={page} session={{ ...session, isBound: session.key_thumbprint !== null }}>
              {!isProtected && <Act url={`${url}/sessions/${session.id}/end`} label={t.end} />}
            </SessionRow>
          ))}
        </ul>
      </section>
      <section class="panel" aria-labelledby="events">
        <h2 id="events">{page.t.account.events}</h2>
        <ul class="rows" data-days="">
          {events.map((event) => (
            <EventRow page={page} event={event} where={event} />
          ))}
        </ul>
        {moreEvents && (
          <p>
            <a class="quiet" href={`${url}?events=${moreEvents}#events`}>
              {page.t.conversations.more}
            </a>
          </p>
        )}
      </section>
    </Layout>
  );
};

type ActProps = { url: string; label: string; confirm?: string; isDanger?: boolean };

const Act = ({ url, label, confirm, isDanger }: ActProps) => (
  <form method="post" action={once(url)} data-confirm={confirm}>
    <button class={isDanger ? "secondary danger" : "secondary"} type="submit">
      {label}
    </button>
  </form>
);

/** What sets somebody apart from others. */
export const Tags = ({ page, user }: { page: PageContext; user: Person }) => (
  <>
    {user.operator_since !== null && <span class="tag">{page.t.admin.operator}</span>}
    {user.disabled_at !== null && <span class="tag danger">{page.t.admin.disabled}</span>}
  </>
);

/** A secret that is shown once. */
export const MadeLink = ({ label, link }: { label: string; link: string }) => (
  <div class="banner info" role="status">
    <p>{label}</p>
    <p>
      <code class="link">{link}</code>
    </p>
  </div>
);
