import type { Conversation } from "../core/chat/conversations.ts";
import type { Invite } from "../core/chat/invites.ts";
import { LIMITS } from "../limits.ts";
import { describeDuration } from "../locales/index.ts";
import { Code } from "./code.view.tsx";
import { once } from "./form.view.tsx";
import { Layout, Time, type PageContext } from "./layout.view.tsx";

const DAY_SECONDS = 24 * 60 * 60;

type InviteLinksProps = {
  page: PageContext;
  conversation: Conversation;
  invites: Invite[];
  /** One that was just made: it can be seen now, and never again. */
  link?: string | undefined;
};

/** The links by which a conversation is joined: those that are good, and a new one. */
export const InviteLinks = ({ page, conversation, invites, link }: InviteLinksProps) => {
  const { invites: t } = page.t;
  const url = `/conversations/${conversation.id}/invites`;
  const swap = { "hx-target": "#members", "hx-swap": "outerHTML", "hx-sync": "this:drop" };
  return (
    <section class="invites" aria-label={t.title}>
      <h3>{t.title}</h3>
      {link !== undefined && (
        <div role="status">
          <p class="small">{t.made}</p>
          <Code page={page} text={link} />
        </div>
      )}
      <ul>
        {invites.map((invite) => (
          <li>
            <span class="small">
              {t.used(invite.uses, invite.uses_max)} · {t.until} <Time at={invite.ends_at} />
            </span>
            <form method="post" action={once(`${url}/end`)} hx-post={`${url}/end`} {...swap}>
              <input type="hidden" name="invite" value={invite.id} />
              <button class="quiet" type="submit">
                {t.end}
              </button>
            </form>
          </li>
        ))}
      </ul>
      <form class="new-invite" method="post" action={once(url)} hx-post={url} {...swap}>
        <label>
          {t.days}
          <select name="days">
            {LIMITS.inviteDays.map((days) => (
              <option value={String(days)} selected={days === LIMITS.inviteDays[1]}>
                {describeDuration(page.language, days * DAY_SECONDS)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t.uses}
          <select name="uses">
            {LIMITS.inviteUses.map((uses) => (
              <option value={String(uses)} selected={uses === LIMITS.inviteUses[1]}>
                {t.people(uses)}
              </option>
            ))}
          </select>
        </label>
        <button class="secondary" type="submit">
          {t.make}
        </button>
      </form>
    </section>
  );
};

type JoinProps = { page: PageContext; token: string; title: string; maker: string };

/** Where such a link leads. */
export const JoinPage = ({ page, token, title, maker }: JoinProps) => {
  const { invites: t } = page.t;
  return (
    <Layout page={page} title={t.joinTitle}>
      <section class="card">
        <h1>{t.joinTitle}</h1>
        <p dir="auto">{t.joinLead(maker, title)}</p>
        <form method="post" action={once("/join")}>
          <input type="hidden" name="token" value={token} />
          <button type="submit" autofocus>
            {t.join}
          </button>
        </form>
        <p>
          <a class="quiet" href="/conversations">
            {page.t.conversations.back}
          </a>
        </p>
      </section>
    </Layout>
  );
};

/** Names to choose from. */
export const KnownNames = ({ names }: { names: string[] }) => (
  <>
    {names.map((name) => (
      <option value={name} />
    ))}
  </>
);
