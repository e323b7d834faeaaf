import { Elysia } from "elysia";
import { DuetError } from "../errors.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Cross-site request forgery: what changes state and carries cookies must come from our own origin. Browsers say so
 * themselves in `Sec-Fetch-Site`; where they do not, `Origin` must be the configured one. The content type is no defence.
 *
 * Without cookies there is nothing to forge but the caller's address, by which attempts are counted: so another origin may
 * send what a browser asks about beforehand (a Bearer token, or JSON), as apps in a shell do (`tauri://localhost`, `null`),
 * and never a form, or any page could have its visitors guess passwords.
 */
export const refuseCrossOrigin = (publicOrigin: string, isAllowed: (request: Request) => boolean) =>
  new Elysia({ name: "csrf" }).onRequest(({ request }) => {
    if (SAFE_METHODS.has(request.method)) return;
    if (isFrom(request, publicOrigin)) return;
    const isBrowsers = request.headers.has("sec-fetch-site") || request.headers.has("origin");
    // An app that the operator has named may send forms to the OAuth routes; cookies it may not.
    if (isAllowed(request) && !request.headers.has("cookie")) return;
    if (!request.headers.has("cookie") && (!isBrowsers || isAskedBeforehand(request))) return;
    throw new DuetError("cross_origin_refused");
  });

/** Whether a request is one of our own pages': as the browser says, or by its origin. */
export function isFrom(request: Request, publicOrigin: string): boolean {
  const site = request.headers.get("sec-fetch-site");
  return site !== null ? site === "same-origin" : request.headers.get("origin") === publicOrigin;
}

/** Whether a browser must have asked (a preflight) before it sent this to another origin. */
const isAskedBeforehand = ({ headers }: Request): boolean =>
  /^(?:Bearer|DPoP) /i.test(headers.get("authorization") ?? "") ||
  (headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase() === "application/json";
