const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
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

/**
 * The same headers on every answer, whatever its status and wherever it was made: this wraps the whole
 * application, since Elysia's hooks do not run for everything that answers.
 */
export function createHeaders(isHttps: boolean) {
  const fixed: Record<string, string> = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ...(isHttps && { "strict-transport-security": "max-age=31536000; includeSubDomains" }),
  };

  return (response: Response, requestId: string): Response => {
    const headers = new Headers(response.headers);
    for (const [name, value] of Object.entries(fixed)) headers.set(name, value);
    const isPage = headers.get("content-type")?.startsWith("text/html") ?? false;
    headers.set("content-security-policy", isPage ? PAGE_POLICY : DATA_POLICY);
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    headers.set("x-request-id", requestId);
    return new Response(response.body, { status: response.status, headers });
  };
}
