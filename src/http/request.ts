import { DuetError } from "../errors.ts";

/** Hosts that were looked at before and are as they should be. */
const goodHosts = new Set<string>();
const GOOD_HOSTS_MAX = 100;

/** Whether a request is `GET` of exactly this address on a host that was looked at before, without a body. */
export function isPlainGet(request: Request, path: string): boolean {
  if (request.method !== "GET") return false;
  const { headers } = request;
  const host = headers.get("host") ?? "";
  const isHere = goodHosts.has(host) && request.url === `http://${host}${path}`;
  return isHere && !headers.has("content-length") && !headers.has("transfer-encoding");
}

/**
 * The request as the routes may see it. Error code: `malformed_request` for a Host that can be none (RFC 9112
 * section 3.2; without one, as in HTTP/1.0, Bun gives the path alone).
 *
 * HEAD becomes GET, whose body Bun does not send, and never a navigation: `GET /auth/refresh` acts only on those.
 * Elysia looks for the path from the URL's 12th character on, so a host of three would show it another path.
 */
export function prepareRequest(request: Request): Request {
  const host = request.headers.get("host") ?? "localhost";
  const isHead = request.method === "HEAD";
  if (!isHead && goodHosts.has(host) && request.url.startsWith(`http://${host}/`)) return request;
  const url = URL.parse(request.url, "http://localhost");
  if (!url || !/^[\w.-]+(?::\d+)?$|^\[[\da-f:.]+\](?::\d+)?$/i.test(host))
    throw new DuetError("malformed_request");
  if (!isHead && url.host.length > 3 && URL.canParse(request.url)) {
    if (goodHosts.size >= GOOD_HOSTS_MAX) goodHosts.delete(goodHosts.values().next().value!);
    if (url.host === host) goodHosts.add(host);
    return request;
  }
  const headers = new Headers(request.headers);
  if (isHead) headers.set("sec-fetch-mode", "no-cors");
  return new Request(`http://localhost${url.pathname}${url.search}`, {
    method: isHead ? "GET" : request.method,
    headers,
    body: isHead ? null : request.body,
    signal: request.signal,
  });
}
