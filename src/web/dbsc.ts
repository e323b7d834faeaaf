import { Elysia } from "elysia";
import type { OwnedSession } from "../core/auth/remembered.ts";
import type { IssuedTokens } from "../core/auth/sessions.ts";
import { DuetError } from "../errors.ts";
import { challengeHeader, DEVICE_ROUTES, deviceSessionOf } from "../http/dbsc.ts";
import type { Web } from "./page.ts";

type Deps = Pick<Web, "bindings" | "sessions" | "shownTokens" | "cookies" | "showingOf" | "settings">;
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
export function deviceRoutes({ bindings, sessions, shownTokens, cookies, showingOf, settings }: Deps) {
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
  function give(set: ResponseSettings, session: OwnedSession, issued: IssuedTokens) {
    cookies.setTokens(set, issued);
    const challenge = bindings.challenge({ id: session.id, generation: issued.generation });
    set.headers["secure-session-challenge"] = challengeHeader({
      challenge,
      id: session.device_session ?? undefined,
    });
    return instructions(session.device_session);
  }

  const itIsOver = (request: Request) => ({ session_identifier: deviceSessionOf(request), continue: false });

  /** Does it for the session of the refresh cookie, and answers refusals as browsers understand them. */
  async function withSession(
    request: Request,
    set: ResponseSettings,
    work: (session: OwnedSession, token: string) => Promise<object>,
  ): Promise<object> {
    const token = await shownTokens.ourRefreshToken(cookies.refreshTokens(request));
    try {
      const session = token ? await shownTokens.liveSession(token) : null;
      return session ? await work(session, token!) : itIsOver(request);
    } catch (error) {
      if (!(error instanceof DuetError)) throw error;
      const { retryAfterSeconds } = error.details;
      if (error.status === 429)
        throw new DuetError("too_busy", { cause: error, ...(retryAfterSeconds && { retryAfterSeconds }) });
      if (error.status !== 401) throw error;
      cookies.refused(set, error, token!);
      return itIsOver(request);
    }
  }

  return new Elysia({ name: "web/dbsc" })
    .post(DEVICE_ROUTES.register, ({ request, server, set }) =>
      withSession(request, set, async (held) => {
        const { deviceProof, device } = showingOf({ request, server }, "device");
        const session = await bindings.register(held, deviceProof, device());
        return give(set, session, await sessions.issue(session, session.username));
      }),
    )
    .post(DEVICE_ROUTES.refresh, ({ request, server, set }) =>
      withSession(request, set, async (session, token) => {
        // Of an earlier sign-in in this browser: that one is over here.
        if (session.device_session === null || session.device_session !== deviceSessionOf(request))
          return itIsOver(request);
        return give(set, session, await sessions.refresh(token, showingOf({ request, server }, "device")));
      }),
    );
}
