import { DuetError } from "../../errors.ts";
import type { Clock, StepWatch } from "../clock.ts";
import type { Bindings } from "./bindings.ts";
import type { Endings } from "./endings.ts";
import { isDeviceBound } from "./holders.ts";
import type { NamedSessions } from "./named.ts";
import { overlapOf, type OverlapSettings } from "./overlap.ts";
import type { Showing } from "./proofs.ts";
import type { OwnedSession } from "./remembered.ts";
import { decideRotation } from "./rotation.ts";
import type { IssuedTokens, Sessions } from "./sessions.ts";
import type { Throttle } from "./throttle.ts";

export type BoundSessions = ReturnType<typeof createBoundSessions>;

/** What a browser asks by itself for a session that it binds, or has bound, to its device; by the refresh cookie. */
export function createBoundSessions(deps: {
  named: NamedSessions;
  sessions: Sessions;
  bindings: Bindings;
  endings: Endings;
  throttle: Throttle;
  clock: Clock;
  steps: StepWatch;
  settings: OverlapSettings;
}) {
  const { named, sessions, bindings, endings, throttle, clock, steps, settings } = deps;

  /** The session of a refresh token that would be answered now; one that has died ends it, unless a key holds it. */
  async function requireAlive(refreshToken: string, showing: Showing): Promise<OwnedSession> {
    const claims = await named.readRefresh(refreshToken);
    const session = await named.requireLive(claims);
    const shown = { generation: claims.gen, key: session.key_thumbprint };
    const { kind } = decideRotation(session, shown, clock(), overlapOf(session, settings, steps.sinceStep()));
    // Where a key holds it, what is signed decides, not the cookie.
    if (isDeviceBound(session)) return session;
    if (kind === "reuse") return endings.refuse(session, "reuse_detected", showing.device());
    if (kind === "unknown") throw new DuetError("token_invalid");
    return session;
  }

  return {
    /**
     * Registers the browser's key, within a minute of the sign-in. Error codes: as `Sessions.refresh`. Effects: as
     * `Bindings.register`; a copy that has died ends the session.
     */
    async register(
      refreshToken: string,
      showing: Showing,
    ): Promise<{ session: OwnedSession; issued: IssuedTokens }> {
      const found = await requireAlive(refreshToken, showing);
      await throttle.take(["refresh_session", found.id]);
      const session = await bindings.register(found, showing.deviceProof);
      return { session, issued: await sessions.issue(session, session.username) };
    },

    /**
     * A new pair for a signature. `name` is the browser's for the session; null where it is of an earlier sign-in, which is
     * over in this browser. Error codes: as `Sessions.refresh`. Effects: the same; the first signature binds.
     */
    async refresh(
      refreshToken: string,
      name: string | undefined,
      showing: Showing,
    ): Promise<{ session: OwnedSession; issued: IssuedTokens } | null> {
      const found = await requireAlive(refreshToken, showing);
      if (found.device_session === null || found.device_session !== name) return null;
      const session = await bindings.confirm(found, showing.deviceProof, showing.device());
      if (!isDeviceBound(session)) throw bindings.ask(session);
      return { session, issued: await sessions.refresh(refreshToken, showing) };
    },
  };
}
