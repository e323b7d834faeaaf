import type { SessionEnd } from "../../errors.ts";
import type { Device } from "./devices.ts";
import type { Endings } from "./endings.ts";
import type { Tokens } from "./tokens.ts";

export type ShownTokens = ReturnType<typeof createShownTokens>;

/** What a token that is shown names, whatever may be done with it: expired ones count, and those of sessions that are over. */
export function createShownTokens({ tokens, endings }: { tokens: Tokens; endings: Endings }) {
  /**
   * Ends the session of each token that is given, of either type (RFC 7009 section 2.1). Expired tokens count, what is
   * no token of ours is ignored.
   */
  async function logout(presented: string[], device: Device): Promise<void> {
    for (const token of presented) {
      const sessionId = await sessionOf(token);
      if (sessionId) await endings.end(sessionId, "logout", device);
    }
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

  return { logout, recordedEnd, ourRefreshToken };
}
