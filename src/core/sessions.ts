import type { SessionRow, SessionWithUser } from "../store/sessions.ts";
import type { Store } from "../store/index.ts";
import { DuetError, type EndReason } from "./errors.ts";
import { newId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import type { Log } from "./log.ts";
import { decideRotation, endOf } from "./rotation.ts";
import type { Claims, TokenPair, Tokens } from "./tokens.ts";

/** Who is calling, as the database says now; everything is loaded through the viewer. */
export type Viewer = {
  userId: string;
  username: string;
  email: string | null;
  sessionId: string;
};

/** Where a session was started from, as far as the request tells. */
export type Device = { userAgent: string; ip: string };

export type Session = SessionRow;

export type Grant = TokenPair & { sessionId: string; userId: string };

export type Sessions = ReturnType<typeof createSessions>;

/** Sessions: started by a login, carried on by refreshes under the rule in rotation.ts, ended for a named reason. */
export function createSessions(deps: {
  store: Store;
  tokens: Tokens;
  clock: () => number;
  log: Log;
  settings: { refreshTtlSeconds: number; sessionTtlSeconds: number; refreshOverlapSeconds: number };
}) {
  const { store, tokens, clock, log, settings } = deps;
  const overlapMs = settings.refreshOverlapSeconds * 1000;
  const idleEnd = (now: number, endsAt: number) => Math.min(now + settings.refreshTtlSeconds * 1000, endsAt);

  /**
   * Starts a session for a user whose password was just checked; its tokens are of generation 1. A presented
   * session is never carried on, so none can be planted (session fixation). Effects: one row in `sessions`,
   * written by `insert` where it must be written together with something else.
   */
  async function start(
    user: { id: string; username: string },
    device: Device,
    insert: (session: SessionRow) => Promise<unknown> = store.sessions.insert,
  ): Promise<Grant> {
    const now = clock();
    const endsAt = now + settings.sessionTtlSeconds * 1000;
    const session: SessionRow = {
      id: newId(now),
      user_id: user.id,
      generation: 1,
      rotated_at: now,
      confirmed_at: null,
      created_at: now,
      seen_at: now,
      idle_ends_at: idleEnd(now, endsAt),
      ends_at: endsAt,
      ended_at: null,
      end_reason: null,
      user_agent: device.userAgent.slice(0, LIMITS.userAgentCharsMax),
      ip: device.ip,
    };
    await insert(session);
    return grant(session, user.username);
  }

  /**
   * Answers a refresh token with a pair of the newest generation: RFC 6749 section 6, with the rotation of
   * RFC 9700 section 4.14.2 as decided by rotation.ts. Error codes: `token_missing`, `token_expired`,
   * `token_invalid`, `token_type_mismatch`, `user_not_found`, `session_ended` with its reason. Effects: at most
   * one step of `generation`; a reuse ends the session, committed before the refusal is answered.
   */
  async function refresh(refreshToken: string | undefined): Promise<Grant> {
    const claims = await readRefresh(refreshToken);
    // A lost race shows a newer row; the newest is decided again, and generations only grow, so this ends.
    for (;;) {
      const session = await loadSession(claims);
      const now = clock();
      const decision = decideRotation(session, claims.gen, now, overlapMs);
      switch (decision.kind) {
        case "newest": {
          const rotated = await rotate(session, now);
          if (rotated) return rotated;
          continue;
        }
        case "unconfirmed":
        case "overlap":
          return grant(session, session.username);
        case "ended":
          return refuse(session, decision.reason, now);
        case "reuse":
          // Of many who show it at once the first one ends the session, and is told of once.
          if ((await store.sessions.end(session.id, "reuse_detected", now)) > 0)
            log("warn", "reuse_detected", {
              session_id: session.id,
              user_id: session.user_id,
              generation: claims.gen,
            });
          throw new DuetError("session_ended", { reason: "reuse_detected" });
        case "unknown":
          throw new DuetError("token_invalid");
      }
    }
  }

  /**
   * The viewer behind an access token: signature, type and times, then the session's row, on every request, so
   * that ending a session is immediate. Error codes: as `refresh`. Effects: the first use of the newest
   * generation is noted, which is what makes the previous refresh token die.
   */
  async function authenticate(accessToken: string | undefined): Promise<Viewer> {
    const claims = await tokens.read("access", accessToken);
    const session = await loadSession(claims);
    const now = clock();
    const ended = endOf(session, now);
    if (ended) return refuse(session, ended, now);
    if (claims.gen > session.generation) throw new DuetError("token_invalid");
    if (claims.gen === session.generation && session.confirmed_at === null)
      await store.sessions.confirm(session.id, claims.gen, now);
    return {
      userId: session.user_id,
      username: session.username,
      email: session.email,
      sessionId: session.id,
    };
  }

  /**
   * Ends the session that a token names, of either type in either place (RFC 7009 section 2.1). An expired token
   * still names its session; what is not a token of ours names none, and the answer is the same. Error code: `token_missing`.
   */
  async function logout(presented: { accessToken?: string | undefined; refreshToken?: string | undefined }) {
    const { accessToken, refreshToken } = presented;
    if (!accessToken && !refreshToken) throw new DuetError("token_missing");
    for (const token of [refreshToken, accessToken])
      for (const type of ["refresh", "access"] as const) {
        const claims = token ? (await tokens.verify(type, token)).claims : undefined;
        if (claims) await end(claims.sid, "logout");
      }
  }

  /** Ends one session, at once for every token of it. Effects: `ended_at`, `end_reason`; an earlier end stays. */
  async function end(sessionId: string, reason: EndReason) {
    if ((await store.sessions.end(sessionId, reason, clock())) > 0)
      log("info", "session_ended", { session_id: sessionId, reason });
  }

  /** The viewer's live sessions, the last one seen first. Nothing in them is a credential. */
  const list = (viewer: Viewer): Promise<SessionRow[]> =>
    store.sessions.listLive(viewer.userId, clock(), LIMITS.sessionsListedMax);

  /** Ends one of the viewer's own sessions, from whichever device. Error code: `not_found`. */
  async function revoke(viewer: Viewer, sessionId: string) {
    if ((await store.sessions.endOwn(sessionId, viewer.userId, "revoked", clock())) === 0)
      throw new DuetError("not_found");
    log("info", "session_ended", {
      session_id: sessionId,
      reason: "revoked",
      by_session_id: viewer.sessionId,
    });
  }

  /** A new pair for the viewer's own session, as a refresh would give. Error code: `session_ended`. */
  async function renew(viewer: Viewer): Promise<Grant> {
    for (;;) {
      const session = await loadSession({ sid: viewer.sessionId, sub: viewer.userId });
      const now = clock();
      const ended = endOf(session, now);
      if (ended) return refuse(session, ended, now);
      const renewed = await rotate(session, now);
      if (renewed) return renewed;
    }
  }

  /** Ends every live session of a user. */
  async function endAll(userId: string, reason: EndReason) {
    const count = await store.sessions.endAllOf(userId, reason, clock());
    log("info", "sessions_ended", { user_id: userId, reason, count });
  }

  /** An expired refresh token is only refused, but if its whole session is over the caller is told that, and why. */
  async function readRefresh(refreshToken: string | undefined): Promise<Claims> {
    if (!refreshToken) throw new DuetError("token_missing");
    const verification = await tokens.verify("refresh", refreshToken);
    if (verification.ok) return verification.claims;
    if (verification.claims) {
      const session = await loadSession(verification.claims);
      const ended = endOf(session, clock());
      if (ended) return refuse(session, ended, clock());
    }
    throw new DuetError(verification.code);
  }

  async function loadSession(claims: Pick<Claims, "sid" | "sub">): Promise<SessionWithUser> {
    const session = await store.sessions.find(claims.sid);
    if (session?.user_id === claims.sub) {
      if (session.disabled_at !== null && session.ended_at === null)
        return refuse(session, "user_disabled", clock());
      return session;
    }
    // A user's sessions go with the user; one that is gone alone was removed by hand.
    if (await store.users.find(claims.sub))
      throw new DuetError("session_ended", { reason: "expired_absolute" });
    throw new DuetError("user_not_found");
  }

  /** Writes the end down before it is told, so that no restart and no clock brings the session back. */
  async function refuse(session: SessionRow, reason: EndReason, now: number): Promise<never> {
    if (session.ended_at === null) await store.sessions.end(session.id, reason, now);
    throw new DuetError("session_ended", { reason });
  }

  /** One step from the generation that was read; null where somebody else has made it or the session has ended. */
  async function rotate(session: SessionWithUser, now: number): Promise<Grant | null> {
    const { id, generation, username } = session;
    const rotated = await store.sessions.advance(id, generation, now, idleEnd(now, session.ends_at));
    return rotated && grant(rotated, username);
  }

  async function grant(session: SessionRow, username: string): Promise<Grant> {
    return {
      ...(await tokens.issuePair(session, username)),
      sessionId: session.id,
      userId: session.user_id,
    };
  }

  return { start, refresh, renew, authenticate, list, revoke, logout, endAll };
}
