import { decodeJwt, decodeProtectedHeader } from "jose";
import { DuetError } from "../../errors.ts";
import type { Store } from "../../store/index.ts";
import type { Clock } from "../clock.ts";
import type { Viewer } from "../viewer.ts";
import type { Diaries } from "./diary.ts";
import { accessSecondsOf, isDeviceBound } from "./holders.ts";
import type { Throttle } from "./throttle.ts";
import type { Tokens } from "./tokens.ts";

export type Lab = ReturnType<typeof createLab>;

/** For the lab: the two tokens of the viewer's own session, decoded, and the diary of what becomes of them. */
export function createLab(deps: {
  store: Store;
  tokens: Tokens;
  diaries: Diaries;
  throttle: Throttle;
  clock: Clock;
  settings: {
    accessTtlSeconds: number;
    refreshTtlSeconds: number;
    sessionTtlSeconds: number;
    refreshOverlapSeconds: number;
  };
}) {
  const { store, tokens, diaries, throttle, clock, settings } = deps;

  return {
    diaries,

    /** The session and generation of a refresh token. Error code: `token_invalid`; one that has expired is read too. */
    async read(refreshToken: string): Promise<{ sessionId: string; generation: number }> {
      const { claims } = await tokens.verify("refresh", refreshToken);
      if (!claims) throw new DuetError("token_invalid");
      return { sessionId: claims.sid, generation: claims.gen };
    },

    /** For what does not reach the rule, and costs a little all the same. Error code: `rate_limited`. */
    permit: (sessionId: string): Promise<void> => throttle.take(["refresh_session", sessionId]),

    /** Whether a device holds a session: then no button can refresh it, only the browser itself. */
    async isBound(sessionId: string): Promise<boolean> {
      const session = await store.sessions.find(sessionId);
      return session !== null && isDeviceBound(session);
    },

    /**
     * Both tokens as the viewer's browser has them: the access token that was shown, and the refresh token that came
     * with it, without its signature. Error code: `session_ended` if it went meanwhile.
     */
    async inspect(viewer: Viewer, accessToken: string) {
      const session = await store.sessions.find(viewer.sessionId);
      if (!session) throw new DuetError("session_ended");
      const diary = await diaries.of(viewer.sessionId);
      const access = openAccess(accessToken);
      const held = access.claims.gen;
      const issued = diary.generations.find(({ generation }) => generation === held);
      const rotatedAt = issued?.issuedAt ?? session.rotated_at;
      const idleEndsAt = Math.min(rotatedAt + settings.refreshTtlSeconds * 1000, session.ends_at);
      return {
        diary,
        now: clock(),
        access,
        refresh: tokens.describeRefresh({
          ...session,
          generation: held,
          rotated_at: rotatedAt,
          idle_ends_at: idleEndsAt,
        }),
        held,
        newest: session.generation,
        isBound: isDeviceBound(session),
        settings: { ...settings, accessTtlSeconds: accessSecondsOf(session, settings) },
      };
    },

    now: clock,
    settings,
  };
}

/** What an access token that was verified says. */
export const openAccess = (accessToken: string) => ({
  header: decodeProtectedHeader(accessToken),
  claims: decodeJwt<{ gen: number }>(accessToken),
});

export type Inspected = Awaited<ReturnType<Lab["inspect"]>>;
