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
import type { SecurityEventKind } from "./event-kinds.ts";
import type { Letters } from "./letters.ts";

export { SECURITY_EVENT_KINDS, type SecurityEventKind } from "./event-kinds.ts";

/** What its owner did not do. */
const WARNINGS = new Set<SecurityEventKind>(["reuse_detected", "key_missing", "passkey_cloned"]);

export type SecurityEvent = ToldEventRow;

/** Of an operator's act its owner is told the name, not from where. */
export const whereOf = ({ kind, operator, user_agent, ip }: SecurityEventRow): Partial<Device> =>
  operator === null || kind === "password_reset" ? { userAgent: user_agent, ip } : {};

export type SecurityEvents = ReturnType<typeof createSecurityEvents>;

/** Security events: who did what to an account, when, from where, and whether it succeeded. */
export function createSecurityEvents(deps: { store: Store; letters: Letters; clock: Clock; log: Log }) {
  const { store, letters, clock, log } = deps;

  return {
    /**
     * Writes an event down, in the transaction of what it tells of where there is one, and logs it once it is
     * committed; of some its owner is written to. Never a password, a token or the name that was tried. Effects: one row in
     * `auth_events`, and in `letters`.
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
      const id = newId(now);
      const tables = tx ?? store;
      await tables.security.insert({
        id,
        user_id: userId,
        session_id: sessionId ?? null,
        kind,
        outcome,
        user_agent: device.userAgent.slice(0, LIMITS.userAgentCharsMax),
        ip: device.ip,
        created_at: now,
        operator: operator ?? null,
      });
      const level = WARNINGS.has(kind) ? "warn" : "info";
      const facts = { outcome, user_id: userId, session_id: sessionId, ip: device.ip, operator };
      const about = { id, kind, userId, sessionId };
      const isNoticed = await letters.notice(tables, about, outcome === "success", device);
      const tell = () => {
        log(level, kind, facts);
        if (isNoticed) void letters.wake();
      };
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
