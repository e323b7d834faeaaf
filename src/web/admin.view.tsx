import type { RingKey } from "../core/auth/keys.ts";
import type { Page } from "../core/page.ts";
import type { Invitation } from "../core/auth/links.ts";
import type { Person } from "../core/auth/operator.ts";
import { describeDuration } from "../locales/index.ts";
import { Field, once } from "./form.view.tsx";
import { Layout, Time, type PageContext } from "./layout.view.tsx";
import { MadeLink, Tags } from "./person.view.tsx";

type State = {
  /** Why it is not ready; null where it is. */
  trouble: string | null;
  database: string;
  keys: Pick<RingKey, "id" | "state" | "algorithm" | "activatedAt">[];
  limits: "on" | "off";
  streams: number;
  backupAgeSeconds: number | undefined;
  now: number;
};

type AdminProps = {
  page: PageContext;
  people: Page<Person>;
  search: string;
  /** Where registration is closed. */
  invitations: Invitation[] | null;
  /** One that was just made. */
  invitation: string | undefined;
  state: State;
};

export const AdminPage = ({ page, people, search, invitations, invitation, state }: AdminProps) => {
  const { admin: t } = page.t;
  const more = people.next && new URLSearchParams({ search, after: people.next });
  return (
    <Layout page={page} title={t.title} className="narrow">
      <h1>{t.title}</h1>
      {invitation && <MadeLink label={t.invitationMade} link={invitation} />}
      <ServerState page={page} state={state} />
      {invitations && <Invitations {...{ page, invitations, state }} />}
      <section class="panel" aria-labelledby="people">
        <h2 id="people">{t.people}</h2>
        <form method="get" action="/admin" role="search">
          <Field name="search" label={t.search}>
            {({ id, name }) => <input {...{ id, name }} type="search" value={search} autocapitalize="none" />}
          </Field>
        </form>
        {people.items.length === 0 && <p class="muted">{t.nobody}</p>}
        <ul class="rows">
          {people.items.map((user) => (
            <li>
              <span class="row-main">
                <a href={`/admin/people/${user.id}`}>{user.username}</a>
                <Tags page={page} user={user} />
                <span class="muted small">
                  {user.email && `${user.email} · `}
                  {t.since} <Time at={user.created_at} />
                </span>
              </span>
            </li>
          ))}
        </ul>
        {more && (
          <p>
            <a class="quiet" href={`/admin?${more}#people`}>
              {page.t.conversations.more}
            </a>
          </p>
        )}
      </section>
    </Layout>
  );
};

type InvitationsProps = Pick<AdminProps, "page" | "state"> & { invitations: Invitation[] };

const Invitations = ({ page, invitations, state }: InvitationsProps) => {
  const { admin: t } = page.t;
  return (
    <section class="panel" aria-labelledby="invitations">
      <h2 id="invitations">{t.invitations}</h2>
      <p class="muted">{t.invitationsNote}</p>
      <form method="post" action={once("/admin/invitations")}>
        <button type="submit">{t.invite}</button>
      </form>
      <ul class="rows">
        {invitations.map(({ id, made_by, created_at, ends_at, used_at }) => (
          <li>
            <span class="row-main">
              <Time at={created_at} /> <span class="muted small">{t.by(made_by)}</span>
              <span class="tag">{used_at !== null ? t.used : ends_at <= state.now ? t.over : t.waiting}</span>
            </span>
            {used_at === null && ends_at > state.now && (
              <form method="post" action={once(`/admin/invitations/${id}/end`)}>
                <button class="secondary" type="submit">
                  {t.takeBack}
                </button>
              </form>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
};

const ServerState = ({ page, state }: { page: PageContext; state: State }) => {
  const { admin: t } = page.t;
  return (
    <section class="panel" aria-labelledby="state">
      <h2 id="state">{t.state}</h2>
      <dl class="fields">
        <dt>{t.database}</dt>
        <dd>
          {state.database} · {state.trouble ?? t.well}
        </dd>
        <dt>{t.keys}</dt>
        <dd>
          {state.keys.map(({ id, state: of, algorithm, activatedAt }) => (
            <div>
              {t.keyStates[of]} · {algorithm} · <code>{id.slice(0, 13)}</code>{" "}
              {activatedAt != null && <Time at={activatedAt} />}
            </div>
          ))}
        </dd>
        <dt>{t.limits}</dt>
        <dd>{t.onOff[state.limits]}</dd>
        <dt>{t.streams}</dt>
        <dd>{state.streams}</dd>
        <dt>{t.backup}</dt>
        <dd>
          {state.backupAgeSeconds === undefined
            ? t.noBackup
            : t.ago(
                describeDuration(page.language, Math.max(60, Math.round(state.backupAgeSeconds / 60) * 60)),
              )}
        </dd>
      </dl>
    </section>
  );
};
