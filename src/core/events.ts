import type { EventRow } from "../store/events.ts";
import type { Store, Tables } from "../store/index.ts";
import { pageLimit, type Page } from "./conversations.ts";
import { invalidField } from "./errors.ts";
import { isId, newId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Device, Viewer } from "./sessions.ts";

/** What is written down about an account. */
export const EVENT_KINDS = [
  "register",
  "login",
  "logout",
  "logout_all",
  "session_revoke",
  "password_change",
  "profile_change",
  "account_delete",
  "reuse_detected",
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

export type SecurityEvent = EventRow;

export type Events = ReturnType<typeof createEvents>;

/** Security events: who did what to an account, when, from where, and whether it succeeded. */
export function createEvents(deps: { store: Store; clock: () => number; log: Log }) {
  const { store, clock, log } = deps;

  return {
    /**
     * Writes an event down, in the transaction of what it tells of where there is one, and logs it. Never a
     * password, a token or the name that was tried. Effects: one row in `auth_events`.
     */
    async note(
      event: {
        kind: EventKind;
        outcome?: EventRow["outcome"];
        userId: string | null;
        sessionId?: string | undefined;
      },
      device: Device,
      tables: Pick<Tables, "events"> = store,
    ): Promise<void> {
      const { kind, outcome = "success", userId, sessionId } = event;
      const now = clock();
      await tables.events.insert({
        id: newId(now),
        user_id: userId,
        session_id: sessionId ?? null,
        kind,
        outcome,
        user_agent: device.userAgent.slice(0, LIMITS.userAgentCharsMax),
        ip: device.ip,
        created_at: now,
      });
      const level = kind === "reuse_detected" ? "warn" : "info";
      log(level, kind, { outcome, user_id: userId, session_id: sessionId, ip: device.ip });
    },

    /** The viewer's own events, newest first; `next` goes on before the last one. Error code: `validation_failed`. */
    async list(
      viewer: Viewer,
      page: { limit?: number | undefined; before?: string | undefined } = {},
    ): Promise<Page<SecurityEvent>> {
      const limit = pageLimit(page.limit);
      if (page.before !== undefined && !isId(page.before)) throw invalidField("before", "invalid");
      const rows = await store.events.listBefore(viewer.userId, page.before ?? "~", limit + 1);
      const items = rows.slice(0, limit);
      return { items, next: rows.length > limit ? items.at(-1)!.id : null };
    },
  };
}
