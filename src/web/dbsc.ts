import { Elysia } from "elysia";
import type { Showing } from "../core/auth/proofs.ts";
import type { OwnedSession } from "../core/auth/remembered.ts";
import type { IssuedTokens } from "../core/auth/sessions.ts";
import { DuetError } from "../errors.ts";
import type { Incoming } from "../http/connection.ts";
import { challengeHeader, DEVICE_ROUTES, deviceSessionOf } from "../http/dbsc.ts";
import type { Web } from "./page.ts";

type Deps = Pick<Web, "bindings" | "boundSessions" | "shownTokens" | "cookies" | "showingOf" | "settings">;
type ResponseSettings = { headers: Record<string, unknown> };

/** What needs no access cookie: nothing there waits for a new one. */
const EXCLUDED = [
  "/assets",
  "/favicon.ico",
  "/healthz",
  "/readyz",
  "/.well-known",
  "/oauth",
  "/api",
  DEVICE_ROUTES.register,
];

const FIRST_ACCESS_SECONDS = 100;

/** Offers a browser, with a sign-in, to bind the session to its device; one that does not know of it ignores that. */
export function offerBinding(bindings: Web["bindings"], set: ResponseSettings, { sessionId }: IssuedTokens) {
  const challenge = bindings.offer(sessionId);
  if (challenge === null) return;
  const offer = `(ES256 RS256);path="${DEVICE_ROUTES.register}";challenge="${challenge}"`;
  set.headers["secure-session-registration"] = offer;
}

/**
 * The routes that a browser asks by itself (Device Bound Session Credentials). It forgets its key at any 4xx but 403, and at
 * a 403 without a challenge: so a session that is over is `{"continue": false}`, a limit is 503, and every 403 has one.
 */
export function deviceRoutes({ bindings, boundSessions, shownTokens, cookies, showingOf, settings }: Deps) {
  /** What the browser is to do from now on. The attributes are those that the cookie is set with. */
  const instructions = (id: string | null) => ({
    session_identifier: id,
    refresh_url: DEVICE_ROUTES.refresh,
    continue: true,
    scope: {
      origin: settings.issuer,
      include_site: false,
      scope_specification: EXCLUDED.map((path) => ({ type: "exclude", domain: "*", path })),
    },
    credentials: [
      { type: "cookie", name: cookies.names.access, attributes: "Path=/; Secure; HttpOnly; SameSite=Lax" },
    ],
    allowed_refresh_initiators: [],
  });

  /** A new pair, and what to sign for the one after it, which saves asking. */
  function give(set: ResponseSettings, session: OwnedSession, issued: IssuedTokens, accessSeconds?: number) {
    cookies.setTokens(set, issued, accessSeconds === undefined ? {} : { accessSeconds });
    const challenge = bindings.challenge({ id: session.id, generation: issued.generation });
    set.headers["secure-session-challenge"] = challengeHeader({
      challenge,
      id: session.device_session ?? undefined,
    });
    return instructions(session.device_session);
  }

  const itIsOver = (request: Request) => ({ session_identifier: deviceSessionOf(request), continue: false });

  /** Does it with the refresh cookie, and answers refusals as browsers understand them. */
  async function withCookie(
    request: Request,
    set: ResponseSettings,
    work: (token: string) => Promise<object>,
  ): Promise<object> {
    const token = await shownTokens.ourRefreshToken(cookies.refreshTokens(request));
    if (!token) return itIsOver(request);
    try {
      return await work(token);
    } catch (error) {
      if (!(error instanceof DuetError)) throw error;
      const { retryAfterSeconds, end } = error.details;
      const later = (seconds: number) =>
        new DuetError("too_busy", { cause: error, retryAfterSeconds: seconds });
      if (error.status === 429) throw later(retryAfterSeconds ?? 1);
      // By a clock that was set just now, which may be set right again.
      if (end && !end.isRecorded) throw later(10);
      if (error.status !== 401) throw error;
      cookies.refused(set, error, token);
      return itIsOver(request);
    }
  }

  /** A proof of another kind has nothing to say here. */
  const shownBy = (incoming: Incoming): Showing => ({ ...showingOf(incoming, "device"), proof: null });

  return new Elysia({ name: "web/dbsc" })
    .post(DEVICE_ROUTES.register, ({ request, server, set }) =>
      withCookie(request, set, async (token) => {
        const { session, issued } = await boundSessions.register(token, shownBy({ request, server }));
        // Less than a browser lets a cookie grow old (120 s): with its next request it signs, and that binds.
        return give(set, session, issued, FIRST_ACCESS_SECONDS);
      }),
    )
    .post(DEVICE_ROUTES.refresh, ({ request, server, set }) =>
      withCookie(request, set, async (token) => {
        const name = deviceSessionOf(request);
        const renewed = await boundSessions.refresh(token, name, shownBy({ request, server }));
        return renewed ? give(set, renewed.session, renewed.issued) : itIsOver(request);
      }),
    );
}
