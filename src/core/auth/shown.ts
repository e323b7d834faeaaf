import type { SessionEnd } from "../../errors.ts";
import type { Store } from "../../store/index.ts";
import type { Endings } from "./endings.ts";
import { isDeviceBound, type Holders } from "./holders.ts";
import type { Showing } from "./proofs.ts";
import type { Tokens } from "./tokens.ts";

export type ShownTokens = ReturnType<typeof createShownTokens>;

/** What a token that is shown names, whatever may be done with it: expired ones count, and those of sessions that are over. */
export function createShownTokens(deps: {
  store: Store;
  tokens: Tokens;
  endings: Endings;
  holders: Holders;
}) {
  const { store, tokens, endings, holders } = deps;

  /**
   * Ends the session of each token that is given, of either type (RFC 7009 section 2.1). Expired tokens count, what is
   * no token of ours is ignored. Where a key holds the session a copy without it ends nothing. Error codes:
   * `invalid_dpop_proof`, `use_dpop_nonce`, `token_invalid`, `key_missing`, `too_busy`.
   */
  async function logout(presented: string[], showing: Showing): Promise<void> {
    let refusal: unknown;
    for (const token of presented) {
      const access = await tokens.verify("access", token);
      const claims = access.claims ?? (await tokens.verify("refresh", token)).claims;
      const session = claims && (await store.sessions.find(claims.sid));
      if (!session || session.ended_at !== null) continue;
      try {
        // One proof for all that is presented with it.
        await holders.mayEnd(
          session,
          showing,
          access.ok ? access.claims : undefined,
          `end ${presented.join()}`,
        );
        await endings.end(session.id, "logout", showing.device());
      } catch (error) {
        // The others end all the same: somebody may have planted this one.
        refusal ??= error;
      }
    }
    if (refusal) throw refusal;
  }

  /** The session that a token of ours, of either type and expired or not, is of. */
  async function sessionOf(token: string): Promise<string | undefined> {
    for (const type of ["refresh", "access"] as const) {
      const { claims } = await tokens.verify(type, token);
      if (claims) return claims.sid;
    }
    return undefined;
  }

  /** How the session of a token ended, where that is written down; null for what is no token of ours. */
  async function recordedEnd(token: string | undefined): Promise<SessionEnd | null> {
    const sessionId = token && (await sessionOf(token));
    return sessionId ? endings.recordedEnd(sessionId) : null;
  }

  /** Of several refresh tokens the one that we have signed, or the only one. */
  async function ourRefreshToken(candidates: string[]): Promise<string | undefined> {
    for (const token of candidates.length > 1 ? candidates : [])
      if ((await tokens.verify("refresh", token)).claims) return token;
    return candidates[0];
  }

  /** Whether one of these refresh tokens, whatever its age, is of a session that is not over. */
  async function isOfSession(candidates: string[]): Promise<boolean> {
    for (const token of candidates) {
      const { claims } = await tokens.verify("refresh", token);
      if (claims && (await endings.endOfSession(claims.sid)) === null) return true;
    }
    return false;
  }

  /** Whether an access token of a session that a device holds is a leftover beside its refresh token: its time is over. */
  async function isLeftOver(accessToken: string | undefined, refreshToken: string): Promise<boolean> {
    if (accessToken === undefined) return false;
    const [access, refresh] = [
      await tokens.verify("access", accessToken),
      await tokens.verify("refresh", refreshToken),
    ];
    if (!access.claims || access.claims.sid !== refresh.claims?.sid) return false;
    const session = await store.sessions.find(access.claims.sid);
    return session !== null && isDeviceBound(session);
  }

  return { logout, recordedEnd, ourRefreshToken, isOfSession, isLeftOver };
}
