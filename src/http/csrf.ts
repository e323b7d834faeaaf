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
export const refuseCrossOrigin = (publicOrigin: string) =>
  new Elysia({ name: "csrf" }).onRequest(({ request }) => {
    if (SAFE_METHODS.has(request.method)) return;
    const site = request.headers.get("sec-fetch-site");
    const origin = request.headers.get("origin");
    const isOurs = site !== null ? site === "same-origin" : origin !== null && origin === publicOrigin;
    if (isOurs) return;
    const isBrowsers = site !== null || origin !== null;
    if (!request.headers.has("cookie") && (!isBrowsers || isAskedBeforehand(request))) return;
    throw new DuetError("cross_origin_refused");
  });

/** Whether a browser must have asked (a preflight) before it sent this to another origin. */
const isAskedBeforehand = ({ headers }: Request): boolean =>
  /^(?:Bearer|DPoP) /i.test(headers.get("authorization") ?? "") ||
  (headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase() === "application/json";
