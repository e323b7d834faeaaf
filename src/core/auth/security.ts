import { invalidField } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Store } from "../../store/index.ts";
import type { SecurityEventRow, ToldEventRow } from "../../store/security.ts";
import type { Clock } from "../clock.ts";
import type { Transaction } from "../commit.ts";
import { isId, newId } from "../ids.ts";
import type { Log } from "../log.ts";
import { pageLimit, pageOf, type Page } from "../page.ts";
import type { ViewerId } from "../viewer.ts";
import type { Device } from "./devices.ts";

/** What is written down about an account. */
export const SECURITY_EVENT_KINDS = [
  "register",
  "login",
  "logout",
  "logout_all",
  "session_revoke",
  "password_change",
  "profile_change",
  "account_delete",
  "account_disable",
  "account_enable",
  "operator_make",
  "operator_unmake",
  "operator_proof",
  "reset_link",
  "password_reset",
  "invitation",
  "invitation_end",
  "reuse_detected",
  "key_bound",
  "key_missing",
  "key_used_late",
] as const;

export type SecurityEventKind = (typeof SECURITY_EVENT_KINDS)[number];

export type SecurityEvent = ToldEventRow;

/** Of an operator's act its owner is told the name, not from where. */
export const whereOf = ({ kind, operator, user_agent, ip }: SecurityEventRow): Partial<Device> =>
  operator === null || kind === "password_reset" ? { userAgent: user_agent, ip } : {};

export type SecurityEvents = ReturnType<typeof createSecurityEvents>;

/** Security events: who did what to an account, when, from where, and whether it succeeded. */
export function createSecurityEvents(deps: { store: Store; clock: Clock; log: Log }) {
  const { store, clock, log } = deps;

  return {
    /**
     * Writes an event down, in the transaction of what it tells of where there is one, and logs it once it is
     * committed. Never a password, a token or the name that was tried. Effects: one row in `auth_events`.
     */
    async note(
      event: {
        kind: SecurityEventKind;
        outcome?: SecurityEventRow["outcome"];
        userId: string | null;
        sessionId?: string | undefined;
        /** Who did it, where that was an operator. */
        operator?: string | undefined;
      },
      device: Device,
      tx?: Transaction,
    ): Promise<void> {
      const { kind, outcome = "success", userId, sessionId, operator } = event;
      const now = clock();
      await (tx ?? store).security.insert({
        id: newId(now),
        user_id: userId,
        session_id: sessionId ?? null,
        kind,
        outcome,
        user_agent: device.userAgent.slice(0, LIMITS.userAgentCharsMax),
        ip: device.ip,
        created_at: now,
        operator: operator ?? null,
      });
      const level = kind === "reuse_detected" || kind === "key_missing" ? "warn" : "info";
      const facts = { outcome, user_id: userId, session_id: sessionId, ip: device.ip, operator };
      const tell = () => log(level, kind, facts);
      if (tx) tx.afterCommit(tell);
      else tell();
    },

    /** Events of a user, newest first; `next` goes on before the last one. Error code: `validation_failed`. */
    async list(
      { userId }: ViewerId,
      page: { limit?: number | undefined; before?: string | undefined } = {},
    ): Promise<Page<SecurityEvent>> {
      const limit = pageLimit(page.limit);
      if (page.before !== undefined && !isId(page.before)) throw invalidField("before", "invalid");
      const rows = await store.security.listBefore(userId, page.before ?? "~", limit + 1);
      return pageOf(rows, limit, ({ id }) => id);
    },
  };
}
