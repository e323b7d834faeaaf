// Device Bound Session Credentials, on the wire: what a browser asks and is told in headers.

/** The routes that browsers ask by themselves. */
export const DEVICE_ROUTES = { register: "/auth/dbsc/register", refresh: "/auth/dbsc/refresh" };

export const isAboutDevice = (request: Request): boolean =>
  URL.parse(request.url)?.pathname.startsWith("/auth/dbsc/") ?? false;

/** The header `Secure-Session-Challenge`: a string with the session that it is for, if there is one yet (RFC 9651). */
export const challengeHeader = ({ challenge, id }: { challenge: string; id?: string | undefined }): string =>
  `"${challenge}"${id === undefined ? "" : `;id="${id}"`}`;

/** By which name a browser knows the session that it asks for. */
export function deviceSessionOf(request: Request): string | undefined {
  const id = request.headers.get("sec-secure-session-id")?.replaceAll('"', "");
  return id && /^[\w-]{1,100}$/.test(id) ? id : undefined;
}

/** Whether a browser that holds a key could not reach us for a new cookie, or may not sign now: it has not lost its session. */
export const isSkipped = (request: Request): boolean => request.headers.has("secure-session-skipped");
