import { DuetError, type EndReason, type SessionEnd } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Store, Tables } from "../../store/index.ts";
import type { SessionWithUser } from "../../store/sessions.ts";
import type { Clock, StepWatch } from "../clock.ts";
import type { Commit, Transaction } from "../commit.ts";
import { isId } from "../ids.ts";
import type { Device } from "./devices.ts";
import { endReasonOf } from "./rotation.ts";
import type { SecurityEventKind, SecurityEvents } from "./security.ts";

export type Endings = ReturnType<typeof createEndings>;

/** The ends of one session that are a security event of their own; what ends all of them notes one event for all. */
const EVENT_OF: Partial<Record<EndReason, SecurityEventKind>> = {
  logout: "logout",
  revoked: "session_revoke",
  revoked_by_operator: "session_revoke",
  reuse_detected: "reuse_detected",
};

/**
 * Ending sessions, each once, for a named reason. The end is written down with its moment and device before anybody is
 * told; from then on every token of the session is refused, and its open streams are closed.
 */
export function createEndings(deps: {
  store: Store;
  commit: Commit;
  security: SecurityEvents;
  clock: Clock;
  steps: StepWatch;
}) {
  const { store, commit, security, clock, steps } = deps;

  const endRow = (reason: EndReason, by: Device | null, at = clock()) => ({
    at,
    reason,
    userAgent: by?.userAgent.slice(0, LIMITS.userAgentCharsMax) ?? null,
    ip: by?.ip ?? null,
  });

  /**
   * Ends one session, of `userId` where it is given, now or `at`. Returns false if it is not there or has ended
   * before, and then the earlier end stays. Effects: the session's row and the security event, both or neither.
   */
  const end = (
    sessionId: string,
    reason: EndReason,
    by: Device | null,
    options: { userId?: string; at?: number; operator?: string } = {},
  ): Promise<boolean> =>
    commit(async (tx) => {
      // Where an operator sits is nobody's business.
      const told = options.operator === undefined ? by : null;
      const ended = await tx.sessions.end(sessionId, endRow(reason, told, options.at), options.userId);
      if (!ended) return false;
      tx.notify([ended.user_id]);
      const kind = EVENT_OF[reason];
      const outcome = reason === "reuse_detected" ? "failure" : "success";
      // The user may be gone already, and their events with them.
      if (kind && by && (await tx.users.find(ended.user_id)))
        await security.note(
          { kind, outcome, userId: ended.user_id, sessionId, operator: options.operator },
          by,
          tx,
        );
      return true;
    });

  return {
    end,

    /** How a session ended, if it is over. One whose row is cleared away, or not restored, counts as its user's end. */
    async endOfSession(sessionId: string): Promise<SessionEnd | null> {
      const session = await store.sessions.find(sessionId);
      if (session) return endOf(session, clock());
      return {
        sessionId,
        reason: "user_deleted",
        at: clock(),
        userAgent: null,
        ip: null,
        isRecorded: true,
      };
    },

    /** The end that is written in a session's row, for whoever names it by its id; null if there is none. */
    async recordedEnd(sessionId: string): Promise<SessionEnd | null> {
      const session = isId(sessionId) ? await store.sessions.find(sessionId) : null;
      return session?.ended_at != null ? endOf(session, clock()) : null;
    },

    /**
     * Throws `session_ended`. If the end is not in the row yet (time ran out, the user was disabled, a reuse) it is
     * written first, so that no restart and no clock brings the session back; but not where time ran out by a clock that
     * was set just now, which may be wrong. The first end that was written is told.
     */
    async refuse(session: SessionWithUser, reason: EndReason, by: Device | null = null): Promise<never> {
      const { at } = endOf(session, clock()) ?? { at: clock() };
      const isSure = !reason.startsWith("expired") || steps.isSteady();
      if (session.ended_at === null && isSure) await end(session.id, reason, by, { at });
      throw new DuetError("session_ended", { end: (await this.endOfSession(session.id))! });
    },

    /**
     * For a transaction that comes a while after its session was checked: one that has been ended since does nothing
     * more. Error code: `session_ended`.
     */
    async assertNotEnded(tables: Tables, sessionId: string): Promise<void> {
      const session = await tables.sessions.find(sessionId);
      if (session?.ended_at != null) throw new DuetError("session_ended", { end: endOf(session, clock())! });
    },

    /** Ends all sessions of a user, as part of a transaction. */
    async endAll(tx: Transaction, userId: string, reason: EndReason, by: Device | null) {
      await tx.eras.end(userId, endRow(reason, by));
      tx.notify([userId]);
    },
  };
}

/** How a session ended: as its row says, or as time and its user's state say at `now`. Null while it lives. */
export function endOf(session: SessionWithUser, now: number): SessionEnd | null {
  const reason = endReasonOf(session, now);
  if (!reason) return null;
  const { id: sessionId, ended_at, ended_user_agent: userAgent, ended_ip: ip, idle_ends_at } = session;
  const at = ended_at ?? (reason.startsWith("expired") ? idle_ends_at : now);
  return { sessionId, reason, at, userAgent, ip, isRecorded: ended_at !== null };
}
