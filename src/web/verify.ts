import { Elysia, t } from "elysia";
import { viewerOf } from "../http/auth.ts";
import { DuetError } from "../errors.ts";
import { about, PROOF_ERRORS, says } from "../http/reference.ts";
import { isFrom } from "../http/csrf.ts";
import type { Incoming } from "../http/connection.ts";
import type { Web } from "./page.ts";

type Deps = Pick<Web, "sessions" | "proofs" | "cookies" | "showingOf" | "toldByProxy" | "settings">;

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * For a proxy that asks before it lets a request through to somebody else's service on the same host (nginx `auth_request`,
 * Caddy `forward_auth`, Traefik `forwardAuth`): 204 with who it is, else 401, and for a navigation 302 to where the browser gets a
 * new access token, or signs in, and comes back from; with `?else=401` that stands in `Duet-Sign-In`, since nginx takes no 302. What changes state must come from our own origin, as everywhere: by the
 * method that a trusted proxy tells; one that is not told counts as one that does.
 */
export const verifyRoutes = ({ toldByProxy, ...guard }: Deps) =>
  new Elysia({ name: "web/verify", ...about("server", "tokenOrCookie") }).get(
    "/auth/verify",
    async ({ request, server, query }) => {
      const incoming: Incoming = { request, server };
      const told = toldByProxy(incoming);
      try {
        const { userId, username } = await whoIs(guard, incoming, told?.method);
        return new Response(null, {
          status: 204,
          // A name is for show, and may be in any script; the id is who it is.
          headers: { "duet-user-id": userId, "duet-username": encodeURIComponent(username) },
        });
      } catch (thrown) {
        const error = asRefusal(thrown);
        const isNavigation = request.headers.get("sec-fetch-mode") === "navigate" && told?.method === "GET";
        if (!(error instanceof DuetError) || error.status !== 401 || !isNavigation || !told?.uri) throw error;
        const url = `${guard.settings.issuer}/auth/refresh?next=${encodeURIComponent(told.uri)}`;
        return query.else === "401"
          ? new Response(null, { status: 401, headers: { "duet-sign-in": url } })
          : new Response(null, { status: 302, headers: { location: url } });
      }
    },
    {
      query: t.Object({ else: t.Optional(t.String()) }),
      ...says("verify", { 204: null, 302: null }, ["cross_origin_refused"], ["DPoP"]),
    },
  );

/** A proxy takes 401 for a no, and 400 for a fault of ours. */
const asRefusal = (error: unknown): unknown =>
  error instanceof DuetError && PROOF_ERRORS.includes(error.code)
    ? new DuetError(error.code, { ...error.details, scheme: "DPoP" })
    : error;

async function whoIs(guard: Omit<Deps, "toldByProxy">, incoming: Incoming, method: string | undefined) {
  const { request } = incoming;
  // Any other scheme is for the service behind.
  if (/^(?:Bearer|DPoP) /i.test(request.headers.get("authorization") ?? "")) return viewerOf(guard, incoming);
  if (!SAFE_METHODS.has(method ?? "") && !isFrom(request, guard.settings.issuer))
    throw new DuetError("cross_origin_refused");
  return guard.sessions.authenticate(guard.cookies.accessToken(request), guard.showingOf(incoming, "cookie"));
}
