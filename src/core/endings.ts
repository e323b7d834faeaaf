import type { SessionRow, SessionWithUser } from "../store/sessions.ts";
import type { Store, Tables } from "../store/index.ts";
import type { Bell } from "./bell.ts";
import { DuetError, type EndReason, type SessionEnd } from "./errors.ts";
import type { EventKind, Events } from "./events.ts";
import { isId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { endOf } from "./rotation.ts";
import type { Device } from "./sessions.ts";

export type Endings = ReturnType<typeof createEndings>;

/** Which ends a person or a thief brings about; the others are only time passing. */
const EVENT_OF: Partial<Record<EndReason, EventKind>> = {
  logout: "logout",
  logout_all: "logout_all",
  revoked: "session_revoke",
  reuse_detected: "reuse_detected",
};

/**
 * Ending sessions: for a named reason, written down with the moment and the device before anybody is told, and at
 * once for every token and every open stream of them.
 */
export function createEndings(deps: { store: Store; events: Events; bell: Bell; clock: () => number }) {
  const { store, events, bell, clock } = deps;

  const endRow = (reason: EndReason, by: Device | null, at = clock()) => ({
    at,
    reason,
    userAgent: by?.userAgent.slice(0, LIMITS.userAgentCharsMax) ?? null,
    ip: by?.ip ?? null,
  });

  return {
    /**
     * Ends one session, of `userId` where it is given, now or `at`; false if it is not there or has ended before,
     * and then the earlier end stays. Effects: the session's row and the security event, both or neither.
     */
    async end(
      sessionId: string,
      reason: EndReason,
      by: Device | null,
      only: { userId?: string; at?: number } = {},
    ): Promise<boolean> {
      const ended = await store.tx(async (tables) => {
        const session = await tables.sessions.end(sessionId, endRow(reason, by, only.at), only.userId);
        const kind = EVENT_OF[reason];
        const outcome = reason === "reuse_detected" ? "failure" : "success";
        // The user may be gone already, and their events with them.
        if (session && kind && by && (await tables.users.find(session.user_id)))
          await events.note({ kind, outcome, userId: session.user_id, sessionId }, by, tables);
        return session;
      });
      if (ended) bell.ring([ended.user_id]);
      return ended !== null;
    },

    /** How a session ended, if it has; one that is not there at all has ended with its user. */
    async whyEnded(sessionId: string): Promise<SessionEnd | null> {
      const session = await store.sessions.find(sessionId);
      const now = clock();
      if (!session) return { sessionId, reason: "user_deleted", at: now, userAgent: null, ip: null };
      const expired = endOf(session, now);
      const reason = expired ?? reasonInUser(session);
      const at = expired ? session.idle_ends_at : now;
      return endIn(session) ?? (reason && { sessionId, reason, at, userAgent: null, ip: null });
    },

    /** How a session ended that somebody names by its id alone; null also where there is none. */
    async find(sessionId: string): Promise<SessionEnd | null> {
      const session = isId(sessionId) ? await store.sessions.find(sessionId) : null;
      return session && endIn(session);
    },

    /**
     * For a transaction that comes a while after its session was checked: a session that has ended since does
     * nothing more. Error code: `session_ended`.
     */
    async refuseEnded(tables: Tables, sessionId: string): Promise<void> {
      const session = await tables.sessions.find(sessionId);
      const end = session && endIn(session);
      if (end) throw sessionEnded(end);
    },

    /** Ends all sessions of a user, but for `keptId`, as part of a transaction; ring for the user after it. */
    async endAll(tables: Tables, userId: string, reason: EndReason, by: Device, keptId?: string) {
      return tables.sessions.endAllOf(userId, endRow(reason, by), keptId);
    },
  };
}

/** How a session ended that has; null while its row says nothing of an end. */
export function endIn(row: SessionRow): SessionEnd | null {
  if (row.ended_at === null || row.end_reason === null) return null;
  const { id, end_reason: reason, ended_at: at, ended_user_agent: userAgent, ended_ip: ip } = row;
  return { sessionId: id, reason, at, userAgent, ip };
}

/** The refusal that tells it: `session_ended`. */
export const sessionEnded = (end: SessionEnd) => new DuetError("session_ended", { end });

/** Why no session of this one's user can go on; null while the account is in order. */
export function reasonInUser({ username, disabled_at }: SessionWithUser): EndReason | null {
  if (username === null) return "user_deleted";
  return disabled_at === null ? null : "user_disabled";
}
