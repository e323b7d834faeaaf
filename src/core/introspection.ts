import type { Store } from "../store/index.ts";
import { decideRotation } from "./rotation.ts";
import type { Claims, Tokens } from "./tokens.ts";

export type Introspect = ReturnType<typeof createIntrospect>;

/** What a token is worth to whoever was shown it (RFC 7662). */
export function createIntrospect(deps: {
  store: Store;
  tokens: Tokens;
  clock: () => number;
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
      if (session?.user_id !== claims.sub || session.username === null || session.disabled_at !== null)
        return null;
      const now = clock();
      const { kind } = decideRotation(session, claims.gen, now, settings.refreshOverlapSeconds * 1000);
      const isCurrent = type === "access" ? kind !== "unknown" : kind !== "unknown" && kind !== "reuse";
      return kind !== "ended" && isCurrent ? claims : null;
    }
    return null;
  };
}
