import { decodeJwt, decodeProtectedHeader } from "jose";
import type { Store } from "../store/index.ts";
import { DuetError } from "./errors.ts";
import type { Viewer } from "./sessions.ts";
import type { Tokens } from "./tokens.ts";

export type Lab = ReturnType<typeof createLab>;

/** The two tokens of one's own session, laid open; times are epoch milliseconds. Nothing in it opens anything. */
export function createLab(deps: {
  store: Store;
  tokens: Tokens;
  clock: () => number;
  settings: { refreshOverlapSeconds: number };
}) {
  return {
    /** The viewer's session as the rule of rotation sees it. Error code: `session_ended` if it went meanwhile. */
    async inspect(viewer: Viewer, accessToken: string) {
      const session = await deps.store.sessions.find(viewer.sessionId);
      if (!session) throw new DuetError("session_ended");
      return {
        now: deps.clock(),
        overlapMs: deps.settings.refreshOverlapSeconds * 1000,
        access: { header: decodeProtectedHeader(accessToken), claims: decodeJwt(accessToken) },
        refresh: deps.tokens.describeRefresh(session),
        session: {
          generation: session.generation,
          createdAt: session.created_at,
          rotatedAt: session.rotated_at,
          confirmedAt: session.confirmed_at,
          idleEndsAt: session.idle_ends_at,
          endsAt: session.ends_at,
        },
      };
    },
  };
}

export type Inspected = Awaited<ReturnType<Lab["inspect"]>>;
