import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Store } from "../../store/index.ts";
import type { SessionRow } from "../../store/sessions.ts";
import type { Clock, StepWatch } from "../clock.ts";
import { newId } from "../ids.ts";
import type { Start, Viewer } from "../viewer.ts";
import type { Device } from "./devices.ts";
import type { Endings } from "./endings.ts";
import { accessSecondsOf, isDeviceBound, isHeld, isTooOld, type Holders } from "./holders.ts";
import { overlapOf, type OverlapSettings } from "./overlap.ts";
import { decideRotation, stepOf } from "./rotation.ts";
import type { SessionObserver } from "./observer.ts";
import type { NamedSessions } from "./named.ts";
import type { OwnedSession, RememberedSessions } from "./remembered.ts";
import type { Proof, Showing } from "./proofs.ts";
import type { Claims } from "./signer.ts";
import type { Throttle } from "./throttle.ts";
import type { TokenPair, Tokens } from "./tokens.ts";

export type Session = SessionRow;

/** A start with the proof of its key, which is used up by it. */
export type ProvedStart = Start & { proof?: Proof | null };

export type IssuedTokens = TokenPair & { sessionId: string; userId: string; isHeld: boolean };

export type Sessions = ReturnType<typeof createSessions>;

/** Sessions: started by a sign-in, carried on by refreshes under the rule in rotation.ts, ended for a named reason. */
export function createSessions(deps: {
  store: Store;
  remembered: RememberedSessions;
  named: NamedSessions;
  tokens: Tokens;
  endings: Endings;
  holders: Holders;
  throttle: Throttle;
  clock: Clock;
  steps: StepWatch;
  observe: SessionObserver;
  settings: {
    accessTtlSeconds: number;
    refreshTtlSeconds: number;
    sessionTtlSeconds: number;
  } & OverlapSettings;
}) {
  const { store, remembered, tokens, endings, holders, throttle, clock, steps, settings } = deps;
  const { readRefresh, findOwned, requireLive } = deps.named;
  const idleEnd = (now: number, endsAt: number) => Math.min(now + settings.refreshTtlSeconds * 1000, endsAt);

  /**
   * A new row that is not in the database yet. The caller inserts it in one transaction with what earned it (a new
   * user, the sign-in's event), then calls `issue`. Each sign-in makes a new session, so that none can be planted
   * (session fixation). How it was started stays so, and a program is held by a key since then or never. `amr` is what was
   * proved for it (RFC 8176), at that moment (ms).
   */
  function draft(
    user: { id: string },
    start: Start,
    device: Device,
    amr: string[],
    at = clock(),
  ): SessionRow {
    const now = clock();
    const endsAt = now + settings.sessionTtlSeconds * 1000;
    return {
      id: newId(now),
      user_id: user.id,
      kind: start.kind,
      key_thumbprint: start.key,
      device_key: null,
      device_session: null,
      generation: 1,
      rotated_at: now,
      confirmed_at: null,
      previous_confirmed_at: null,
      created_at: now,
      authenticated_at: at,
      amr: amr.join(" "),
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
  }

  /** The pair of a session's newest generation. Only handed out when the row is committed. */
  async function issue(session: SessionRow, username: string): Promise<IssuedTokens> {
    const pair = await tokens.issuePair(session, username);
    return { ...pair, sessionId: session.id, userId: session.user_id, isHeld: isHeld(session) };
  }

  /**
   * Exchanges a refresh token for a pair of the newest generation: RFC 6749 section 6, with the rotation of
   * RFC 9700 section 4.14.2 as decided by rotation.ts. Where the session's row says so, and only there, `showing` must hold
   * the proof of its key (RFC 9449 section 5). Error codes: `token_missing`, `token_expired`, `token_invalid`,
   * `token_type_mismatch`, `user_not_found`, `session_ended` with its reason, `rate_limited`; `invalid_dpop_proof`,
   * `use_dpop_nonce`, `key_missing`, `device_proof_required`, `too_busy`. Effects: at most one step of `generation`, or the
   * first use of the newest one; a proof is used up; a reuse ends the session, committed before the refusal is answered,
   * with the device that showed the old token.
   */
  async function refresh(
    refreshToken: string | undefined,
    showing: Showing,
    observe = deps.observe,
  ): Promise<IssuedTokens> {
    const claims = await readRefresh(refreshToken);
    // Looked at once, and used up with what it was shown for.
    const proof = showing.proof === null ? null : await holders.proofFor(await findOwned(claims), showing);
    let isPermitted = false;
    // If another request rotated first, nothing is written: read the row again and decide again. Generations only grow, so
    // this ends.
    for (let known = remembered.findLive(claims.sid, clock()); ; known = undefined) {
      const session = known?.user_id === claims.sub ? known : await findOwned(claims);
      const now = clock();
      const overlap = overlapOf(session, settings, steps.sinceStep());
      const shown = await holders.shownWith(session, claims, proof, showing);
      const decision = decideRotation(session, shown, now, overlap);
      // Memory only says yes: to any other answer the database is asked.
      if (session === known && decision.kind !== "newest") continue;
      const tell = (newestGeneration: number) =>
        observe({
          kind: "refreshed",
          sessionId: session.id,
          at: now,
          decision: decision.kind,
          shownGeneration: shown.generation,
          newestGeneration,
          accessSeconds: accessSecondsOf(session, settings),
        });
      switch (decision.kind) {
        case "ended":
          tell(session.generation);
          return endings.refuse(session, decision.reason);
        case "reuse":
          // A browser may have kept a challenge for long: the key shows that it is no thief's.
          if (isDeviceBound(session)) throw holders.askDevice(session);
          tell(session.generation);
          return endings.refuse(session, "reuse_detected", showing.device());
        case "unproven":
          tell(session.generation);
          return holders.refuse(session, proof, showing);
        case "unknown":
          tell(session.generation);
          throw new DuetError("token_invalid");
      }
      // Signed while it is being written; nobody has it before that.
      const row = decision.kind === "newest" ? successorOf(session, now) : session;
      const isFirstUse = decision.kind === "kept" && session.confirmed_at === null;
      const [isWritten, issued] = await Promise.all([
        store.tx(async (tx) => {
          // Limited only here, after `reuse` and `ended`: no limit may delay the end of a stolen session.
          if (!isPermitted) await throttle.takeIn(tx, ["refresh_session", session.id]);
          if (proof) await holders.spend(tx, proof, refreshToken!);
          if (decision.kind === "newest") return (await tx.sessions.advance(row)) !== null;
          // It may have ended, or been bound to a device, since it was read.
          const current = await tx.sessions.find(row.id);
          if (current?.key_thumbprint !== row.key_thumbprint || current.ended_at !== null) return false;
          return !isFirstUse || (await tx.sessions.confirm(row.id, row.generation, now)) > 0;
        }),
        issue(row, session.username),
      ]);
      isPermitted = true;
      if (!isWritten) continue;
      if (row !== session) remembered.keepNext(session, row);
      if (isFirstUse) observe({ kind: "used", sessionId: session.id, at: now, generation: row.generation });
      tell(row.generation);
      if (decision.kind === "bound") await holders.noteLate(session, showing.device());
      return issued;
    }
  }

  /**
   * The viewer behind an access token: signature, type and times, then the session's row, on every request, so
   * that ending a session is immediate; and a proof, where that row says so. Error codes: as `refresh`, but no
   * `rate_limited`. Effects: the first use of the newest generation is noted, which is what makes the previous refresh token
   * die; a proof is used up.
   */
  async function authenticate(accessToken: string | undefined, showing: Showing): Promise<Viewer> {
    const known = showing.scheme === "DPoP" ? undefined : recall(accessToken);
    if (known) return known;
    const claims = await tokens.read("access", accessToken);
    const session = await requireLive(claims);
    if (isTooOld(session, claims, clock())) throw new DuetError("token_expired");
    await holders.require(session, showing, accessToken!);
    if (claims.gen > session.generation) throw new DuetError("token_invalid");
    if (claims.gen === session.generation && session.confirmed_at === null) {
      const now = clock();
      const isFirst = (await store.sessions.confirm(session.id, claims.gen, now)) > 0;
      if (isFirst) deps.observe({ kind: "used", sessionId: session.id, at: now, generation: claims.gen });
    }
    return viewerOf(session, claims);
  }

  /** The viewer, at once, if memory alone can say yes and no proof is needed; undefined says nothing. */
  function recall(accessToken: string | undefined): Viewer | undefined {
    const now = clock();
    const claims = accessToken === undefined ? undefined : tokens.recall(accessToken, now);
    const row = claims && remembered.findGood(claims, now);
    return row && !isHeld(row) && !isTooOld(row, claims, now) ? viewerOf(row, claims) : undefined;
  }

  /** The row after one step from the generation that was read. */
  const successorOf = (session: OwnedSession, now: number): OwnedSession => ({
    ...session,
    ...stepOf(session, now),
    rotated_at: now,
    seen_at: now,
    idle_ends_at: idleEnd(now, session.ends_at),
  });

  return { draft, issue, refresh, authenticate, recall };
}

const viewerOf = (session: OwnedSession, claims: Claims): Viewer => ({
  userId: session.user_id,
  username: session.username,
  email: session.email,
  sessionId: session.id,
  // A browser binds each session anew.
  start: { kind: session.kind, key: isHeld(session) ? session.key_thumbprint : null },
  generation: claims.gen,
  // Of the token, not of the session: what somebody proves is theirs who hold that token.
  authenticatedAt: (claims.auth_time ?? 0) * 1000,
  amr: claims.amr ?? [],
  tokenIssuedAt: claims.iat * 1000,
  tokenExpiresAt: claims.exp * 1000,
});
