import type { Child } from "#html";
import type { SecurityEvent, SecurityEventKind } from "../core/auth/security.ts";
import type { Session } from "../core/auth/sessions.ts";
import { Icon } from "./icons.view.tsx";
import { Time, type PageContext } from "./layout.view.tsx";

export type ShownSession = Session & {
  device: string | null;
  device_name?: string | null;
  isCurrent?: boolean;
  isBound: boolean;
};
/** Where from, as far as its reader may know it. */
export type Where = { device: string | null; ip: string };
type SessionRowProps = { page: PageContext; session: ShownSession; children?: Child };

/** One of somebody's sessions, and what can be done with it. */
export const SessionRow = ({ page, session, children }: SessionRowProps) => {
  const { account: t } = page.t;
  const isPhone = /iPhone|Android|Mobile/.test(session.user_agent);
  return (
    <li>
      <Icon name={isPhone ? "phone" : "computer"} />
      <span class="row-main">
        <strong dir="auto">{session.device_name ?? session.device ?? t.unknownDevice}</strong>
        {session.isCurrent && <span class="tag">{t.thisDevice}</span>}
        {session.isBound && <span class="tag">{t.bound[session.kind]}</span>}
        <span class="muted small">
          {session.device_name && `${session.device ?? t.unknownDevice} · `}
          {t.kinds[session.kind]} · {session.ip} · {session.isCurrent ? t.seenNow : t.seen}{" "}
          {!session.isCurrent && <Time at={session.seen_at} />}
        </span>
      </span>
      {children}
    </li>
  );
};

/** What it was; one that failed is named as that. */
function nameOf(page: PageContext, { kind, outcome }: SecurityEvent): string {
  const name = page.t.events[kind as SecurityEventKind] ?? kind;
  if (outcome === "success" || /^(?:reuse|key|passkey)_/.test(kind)) return name;
  return page.t.failures[kind as SecurityEventKind] ?? page.t.account.failed(name);
}

type EventRowProps = { page: PageContext; event: SecurityEvent; where: Where | null };

/** What has happened to somebody's account, when, and from where or by which operator. */
export const EventRow = ({ page, event, where }: EventRowProps) => {
  const { account: t } = page.t;
  return (
    <li>
      <span class="row-main">
        <strong class={event.outcome === "failure" && "danger"}>{nameOf(page, event)}</strong>
        {event.operator !== null && <span class="tag">{page.t.admin.by(event.operator)}</span>}
        <span class="muted small">
          <Time at={event.created_at} isOfDay />
          {where && ` · ${where.device ?? t.unknownDevice} · ${where.ip}`}
          {event.session_kind && ` · ${t.kinds[event.session_kind]}`}
          {event.session_kind && event.key_thumbprint && `, ${t.bound.program}`}
        </span>
      </span>
    </li>
  );
};
