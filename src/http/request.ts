import { DuetError } from "../core/errors.ts";

/** RFC 9112 section 3.2: one Host, and one that can be a host. */
export function refuseMalformed(request: Request): void {
  const host = request.headers.get("host");
  if (host !== null && /[\s,/\\@]/.test(host)) throw new DuetError("malformed_request");
}

/**
 * HEAD is GET whose body Bun does not send, and never a navigation: `GET /auth/refresh` acts only on those.
 * Elysia looks for the path from the URL's 12th character on, so that with a host of three it would see another.
 */
export function prepareRequest(request: Request): Request {
  const url = URL.parse(request.url);
  const isHead = request.method === "HEAD";
  if (!isHead && url && url.host.length > 3) return request;
  const headers = new Headers(request.headers);
  if (isHead) headers.set("sec-fetch-mode", "no-cors");
  const path = url ? url.pathname + url.search : "/";
  return new Request(`http://localhost${path}`, {
    method: isHead ? "GET" : request.method,
    headers,
    body: isHead ? null : request.body,
    signal: request.signal,
  });
}
