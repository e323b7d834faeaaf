/** What a browser's script of an allowed origin may send and read beside what it may anyway. */
const METHODS = "GET, POST, PATCH, DELETE";
const MAY_SEND = "authorization, content-type, dpop, idempotency-key, last-event-id, accept-language";
const MAY_READ = "DPoP-Nonce, WWW-Authenticate, Retry-After, Duet-Error, Content-Language, X-Request-Id";
/** As long as browsers keep it. */
const PREFLIGHT_SECONDS = 7200;

export type Cors = ReturnType<typeof createCors>;

/**
 * Cross-origin requests of browser apps that the operator has named, by their exact origins, to the routes of programs: with
 * a token in a header, never with cookies, which no answer of ours allows (Fetch standard, section 3.3).
 */
export function createCors(origins: string[]) {
  const allowed = new Set(origins);

  const originOf = (request: Request): string | null => {
    const origin = allowed.size === 0 ? null : request.headers.get("origin");
    return origin !== null && allowed.has(origin) && isForPrograms(request) ? origin : null;
  };

  return {
    /** Whether a request comes from such an app; its form may then be taken, too. */
    isAllowed: (request: Request): boolean => originOf(request) !== null,

    /** What a browser asks before it sends a request; undefined where this is something else. */
    preflight(request: Request): Response | undefined {
      const isPreflight =
        request.method === "OPTIONS" && request.headers.has("access-control-request-method");
      if (!isPreflight || originOf(request) === null) return undefined;
      // Whose it is stands on every answer (`open`).
      return new Response(null, {
        status: 204,
        headers: {
          "access-control-allow-methods": METHODS,
          "access-control-allow-headers": MAY_SEND,
          "access-control-max-age": String(PREFLIGHT_SECONDS),
        },
      });
    },

    /** The answer as the app may read it. */
    open(response: Response, request: Request): Response {
      const origin = originOf(request);
      if (origin === null) return response;
      const headers = new Headers(response.headers);
      headers.set("access-control-allow-origin", origin);
      headers.set("access-control-expose-headers", MAY_READ);
      headers.append("vary", "Origin");
      return new Response(response.body, { status: response.status, headers });
    },
  };
}

const isForPrograms = (request: Request): boolean =>
  /^\/(?:api|oauth)\//.test(URL.parse(request.url, "http://localhost")?.pathname ?? "");
