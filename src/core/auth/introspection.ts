import type { Store } from "../../store/index.ts";
import type { Clock, StepWatch } from "../clock.ts";
import type { Device } from "./devices.ts";
import type { Endings } from "./endings.ts";
import { isDeviceBound, isTooOld } from "./holders.ts";
import { overlapOf, type OverlapSettings } from "./overlap.ts";
import { decideRotation } from "./rotation.ts";
import type { Claims } from "./signer.ts";
import type { Tokens } from "./tokens.ts";

export type Introspect = ReturnType<typeof createIntrospect>;

/** Who asks: by the session of their own access token, or none, by the secret that the operator gave. */
export type Introspector = { sessionId: string | null; device: Device };

/** Whether Duet would accept a token now, for services that were shown one (RFC 7662). */
export function createIntrospect(deps: {
  store: Store;
  tokens: Tokens;
  endings: Endings;
  clock: Clock;
  steps: StepWatch;
  settings: OverlapSettings;
}) {
  const { store, tokens, endings, clock, steps, settings } = deps;

  /**
   * The claims of a token that would be accepted now, else null (RFC 7662 section 2.2). Asking about an access token is
   * not using it: nothing is confirmed. A refresh token is nobody's business but its own session's, to all others it is
   * inactive; and one that is dead counts as shown, or a thief could find out in silence whether his copy is still good.
   * Effect: that session ends (`reuse_detected`).
   */
  return async function introspect(token: string, by: Introspector): Promise<Claims | null> {
    for (const type of ["access", "refresh"] as const) {
      const verification = await tokens.verify(type, token);
      if (!verification.ok) continue;
      const { claims } = verification;
      const session = await store.sessions.find(claims.sid);
      if (session?.user_id !== claims.sub || claims.gen > session.generation) return null;
      const isOwn = by.sessionId === session.id;
      // Whoever asks about their own session has shown its key with the access token that they asked by.
      const shown = { generation: claims.gen, key: isOwn ? session.key_thumbprint : null };
      const { kind } = decideRotation(
        session,
        shown,
        clock(),
        overlapOf(session, settings, steps.sinceStep()),
      );
      if (kind === "ended" || kind === "unknown") return null;
      // An access token outlives its generation, up to its `exp`.
      if (type === "access") return isTooOld(session, claims, clock()) ? null : claims;
      // A copy from a bound browser ends nothing, here as elsewhere.
      if (kind === "reuse" && isDeviceBound(session)) return null;
      if (kind === "reuse") await endings.end(session.id, "reuse_detected", by.device);
      return kind !== "reuse" && isOwn ? claims : null;
    }
    return null;
  };
}
