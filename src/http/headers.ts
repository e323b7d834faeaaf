import { requestIdOf } from "./connection.ts";

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "manifest-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "object-src 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types htmx",
].join("; ");

/** For what anybody on any origin may read and keep for a while: keys and metadata. A next key is in the set long before it signs. */
export const PUBLIC_DOCUMENT = {
  "cache-control": "public, max-age=300",
  "access-control-allow-origin": "*",
};

const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** What every answer has, whatever its status and wherever it was made. */
const securityHeaders = (isHttps: boolean): Record<string, string> => ({
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  ...(isHttps && { "strict-transport-security": "max-age=31536000; includeSubDomains" }),
});

const COMPLETE = Symbol("complete");
type Answer = Response & { [COMPLETE]?: true };

/**
 * Puts them on an answer, with the policy for what it is: this wraps the whole application, since Elysia's hooks do not
 * run for everything that answers.
 */
export function createHeaders(isHttps: boolean) {
  const fixed = Object.entries(securityHeaders(isHttps));

  return (response: Response, requestId: () => string): Response => {
    if (isComplete(response)) return response;
    const headers = new Headers(response.headers);
    for (const [name, value] of fixed) headers.set(name, value);
    const isPage = headers.get("content-type")?.startsWith("text/html") ?? false;
    headers.set("content-security-policy", isPage ? PAGE_POLICY : DATA_POLICY);
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    headers.set("x-request-id", requestId());
    return new Response(response.body, { status: response.status, headers });
  };
}

/** For the routes that are asked with every request of somebody else's: small JSON as one answer that nobody makes again. */
export function createJsonAnswer(isHttps: boolean) {
  // One set of them for all: an answer copies it, three times as fast as it reads a record.
  const headers = new Headers({
    "content-type": "application/json;charset=utf-8",
    "content-security-policy": DATA_POLICY,
    "cache-control": "no-store",
    ...securityHeaders(isHttps),
  });
  const init = { headers };
  return (body: object, request: Request): Response => {
    headers.set("x-request-id", requestIdOf(request));
    const answer: Answer = new Response(JSON.stringify(body), init);
    answer[COMPLETE] = true;
    return answer;
  };
}

/** Whether an answer has all its headers. */
export const isComplete = (response: Answer): boolean => response[COMPLETE] === true;
