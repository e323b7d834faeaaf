import { Elysia } from "elysia";
import { DuetError } from "../errors.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Cross-site request forgery: what changes state must come from our own origin. Browsers say so themselves in
 * `Sec-Fetch-Site`; where they do not, `Origin` must be the configured one. The content type is no defence.
 * A program that sends neither header and no cookie is not a browser and has nothing to forge.
 */
export const refuseCrossOrigin = (publicOrigin: string) =>
  new Elysia({ name: "csrf" }).onRequest(({ request }) => {
    if (SAFE_METHODS.has(request.method)) return;
    const site = request.headers.get("sec-fetch-site");
    const origin = request.headers.get("origin");
    const isOurs =
      site !== null
        ? site === "same-origin"
        : origin !== null
          ? origin === publicOrigin
          : !hasCookie(request);
    if (!isOurs) throw new DuetError("cross_origin_refused");
  });

const hasCookie = (request: Request) => request.headers.has("cookie");
