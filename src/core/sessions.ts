import type { SessionRow, SessionWithUser } from "../store/sessions.ts";
import type { Store } from "../store/index.ts";
import { endIn, reasonInUser, sessionEnded, type Endings } from "./endings.ts";
import { DuetError, type EndReason } from "./errors.ts";
import { newId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { decideRotation, endOf, type RotationDecision } from "./rotation.ts";
import type { Throttle } from "./throttle.ts";
import type { Claims, TokenPair, Tokens } from "./tokens.ts";

/** Who is calling, as the database says now; everything is loaded through the viewer. */
export type Viewer = {
  userId: string;
  username: string;
  email: string | null;
  sessionId: string;
  /** When the access token that was shown expires, in epoch milliseconds. */
  tokenExpiresAt: number;
};

/** Where a request came from, as far as it tells. */
export type Device = { userAgent: string; ip: string };

export type Session = SessionRow;

export type Grant = TokenPair & { sessionId: string; userId: string };

/** What happened to the tokens of a session; times are epoch milliseconds. */
export type SessionEvent = { sessionId: string; at: number } & (
  | { kind: "refreshed"; row: RotationDecision["kind"]; shown: number; newest: number; device: Device }
  | { kind: "used"; generation: number }
);

export type Sessions = ReturnType<typeof createSessions>;

/** Sessions: started by a login, carried on by refreshes under the rule in rotation.ts, ended for a named reason. */
export function createSessions(deps: {
  store: Store;
  tokens: Tokens;
  endings: Endings;
  throttle: Throttle;
  clock: () => number;
  /** Is told what the rule decides, and of each first use. */
  observe: (event: SessionEvent) => void;
  settings: { refreshTtlSeconds: number; sessionTtlSeconds: number; refreshOverlapSeconds: number };
}) {
  const { store, tokens, endings, throttle, clock, observe, settings } = deps;
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
      ended_user_agent: null,
      ended_ip: null,
      user_agent: device.userAgent.slice(0, LIMITS.userAgentCharsMax),
      ip: device.ip,
    };
    await insert(session);
    return grant(session, user.username);
  }

  /**
   * Answers a refresh token with a pair of the newest generation: RFC 6749 section 6, with the rotation of
   * RFC 9700 section 4.14.2 as decided by rotation.ts. Error codes: `token_missing`, `token_expired`,
   * `token_invalid`, `token_type_mismatch`, `user_not_found`, `session_ended` with its reason, `rate_limited`.
   * Effects: at most one step of `generation`; a reuse ends the session, committed before the refusal is answered,
   * with `device` as where the old token came from.
   */
  async function refresh(refreshToken: string | undefined, device: Device): Promise<Grant> {
    const claims = await readRefresh(refreshToken);
    let permitted = false;
    // A lost race shows a newer row; the newest is decided again, and generations only grow, so this ends.
    for (;;) {
      const session = await loadSession(claims);
      const now = clock();
      const decision = decideRotation(session, claims.gen, now, overlapMs);
      const { generation } = session;
      const told = { sessionId: session.id, at: now, row: decision.kind, shown: claims.gen, device };
      if (decision.kind === "ended" || decision.kind === "unknown" || decision.kind === "reuse") {
        observe({ kind: "refreshed", newest: generation, ...told });
        if (decision.kind === "unknown") throw new DuetError("token_invalid");
        if (decision.kind === "ended") return refuse(session, decision.reason);
        return refuse(session, "reuse_detected", device);
      }
      // Only what would be granted counts: no limit stands between an old token and the end of its session.
      if (!permitted) await throttle.take(["refresh_session", session.id]);
      permitted = true;
      const isNewest = decision.kind === "newest";
      const granted = isNewest ? await rotate(session, now) : await grant(session, session.username);
      if (!granted) continue;
      observe({ kind: "refreshed", newest: isNewest ? generation + 1 : generation, ...told });
      return granted;
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
    if (ended) return refuse(session, ended);
    if (claims.gen > session.generation) throw new DuetError("token_invalid");
    if (claims.gen === session.generation && session.confirmed_at === null) {
      const isFirst = (await store.sessions.confirm(session.id, claims.gen, now)) > 0;
      if (isFirst) observe({ kind: "used", sessionId: session.id, at: now, generation: claims.gen });
    }
    return {
      userId: session.user_id,
      username: session.username,
      email: session.email,
      sessionId: session.id,
      tokenExpiresAt: claims.exp * 1000,
    };
  }

  /**
   * Ends the session that a token names, of either type in either place (RFC 7009 section 2.1). An expired token
   * still names its session; what is not a token of ours names none, and the answer is the same: the id, if one was named. Error code: `token_missing`.
   */
  async function logout(
    presented: { accessToken?: string | undefined; refreshToken?: string | undefined },
    device: Device,
  ): Promise<string | undefined> {
    const { accessToken, refreshToken } = presented;
    if (!accessToken && !refreshToken) throw new DuetError("token_missing");
    let named: string | undefined;
    for (const token of [refreshToken, accessToken])
      for (const type of ["refresh", "access"] as const) {
        const claims = token ? (await tokens.verify(type, token)).claims : undefined;
        if (!claims) continue;
        named = claims.sid;
        await endings.end(claims.sid, "logout", device);
      }
    return named;
  }

  /** The viewer's live sessions, the last one seen first. Nothing in them is a credential. */
  const list = (viewer: Viewer): Promise<SessionRow[]> =>
    store.sessions.listLive(viewer.userId, clock(), LIMITS.sessionsListedMax);

  /** Ends one of the viewer's own sessions, from whichever device. Error code: `not_found`. */
  async function revoke(viewer: Viewer, sessionId: string, device: Device) {
    if (!(await endings.end(sessionId, "revoked", device, { userId: viewer.userId })))
      throw new DuetError("not_found");
  }

  /** A new pair for the viewer's own session, as a refresh would give. Error code: `session_ended`. */
  async function renew(viewer: Viewer): Promise<Grant> {
    for (;;) {
      const session = await loadSession({ sid: viewer.sessionId, sub: viewer.userId });
      const now = clock();
      const ended = endOf(session, now);
      if (ended) return refuse(session, ended);
      const renewed = await rotate(session, now);
      if (renewed) return renewed;
    }
  }

  /** An expired refresh token is only refused, but if its whole session is over the caller is told that, and why. */
  async function readRefresh(refreshToken: string | undefined): Promise<Claims> {
    if (!refreshToken) throw new DuetError("token_missing");
    const verification = await tokens.verify("refresh", refreshToken);
    if (verification.ok) return verification.claims;
    // One whose row is cleared away has nothing more to tell.
    if (verification.claims && (await store.sessions.find(verification.claims.sid))) {
      const session = await loadSession(verification.claims);
      const ended = endOf(session, clock());
      if (ended) return refuse(session, ended);
    }
    throw new DuetError(verification.code);
  }

  async function loadSession(claims: Pick<Claims, "sid" | "sub">): Promise<LiveSession> {
    const session = await store.sessions.find(claims.sid);
    if (session?.user_id !== claims.sub)
      throw new DuetError((await store.users.find(claims.sub)) ? "token_invalid" : "user_not_found");
    const end = endIn(session);
    if (end) throw sessionEnded(end);
    if (!hasUser(session)) throw new DuetError("user_not_found");
    const reason = reasonInUser(session);
    if (reason) return refuse(session, reason);
    return session;
  }

  /** Writes the end down before it is told, so that no restart and no clock brings the session back. */
  async function refuse(session: SessionRow, reason: EndReason, by: Device | null = null): Promise<never> {
    const at = reason.startsWith("expired") ? session.idle_ends_at : clock();
    await endings.end(session.id, reason, by, { at });
    throw sessionEnded((await endings.whyEnded(session.id))!);
  }

  /** One step from the generation that was read; null where somebody else has made it or the session has ended. */
  async function rotate(session: LiveSession, now: number): Promise<Grant | null> {
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

  return { start, refresh, renew, authenticate, list, revoke, logout };
}

type LiveSession = SessionWithUser & { username: string };

const hasUser = (session: SessionWithUser): session is LiveSession => session.username !== null;
