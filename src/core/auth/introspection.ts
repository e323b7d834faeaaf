import type { Store } from "../../store/index.ts";
import type { Clock } from "../clock.ts";
import { decideRotation } from "./rotation.ts";
import type { Claims } from "./signer.ts";
import type { Tokens } from "./tokens.ts";

export type Introspect = ReturnType<typeof createIntrospect>;

/** Whether Duet would accept a token now, for services that were shown one (RFC 7662). */
export function createIntrospect(deps: {
  store: Store;
  tokens: Tokens;
  clock: Clock;
  settings: { refreshOverlapSeconds: number };
}) {
  const { store, tokens, clock, settings } = deps;

  /**
   * The claims of a token of either type that would be accepted now, else null (RFC 7662 section 2.2). Looking is
   * not using: nothing is confirmed and nothing ends.
   */
  return async function introspect(token: string): Promise<Claims | null> {
    for (const type of ["access", "refresh"] as const) {
      const verification = await tokens.verify(type, token);
      if (!verification.ok) continue;
      const { claims } = verification;
      const session = await store.sessions.find(claims.sid);
      if (session?.user_id !== claims.sub) return null;
      const { kind } = decideRotation(session, claims.gen, clock(), settings.refreshOverlapSeconds * 1000);
      // An access token outlives its generation, up to its `exp`; a refresh token does not.
      const isRefused = kind === "ended" || kind === "unknown" || (kind === "reuse" && type === "refresh");
      return isRefused ? null : claims;
    }
    return null;
  };
}
