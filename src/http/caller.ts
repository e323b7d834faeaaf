import { createHash, timingSafeEqual } from "node:crypto";
import { DuetError } from "../errors.ts";
import { viewerOf, type Guard } from "./auth.ts";
import type { Incoming } from "./connection.ts";

/**
 * Who may introspect (RFC 7662 section 2.1): whoever shows an access token of their own, or the secret that the
 * operator gave to resource servers, by HTTP Basic under any name or in the body (RFC 6749 section 2.3.1). Returns the
 * caller's session, null with the secret. Error codes: as `Sessions.authenticate`; a wrong secret is `token_invalid`.
 */
export function createCallerCheck(guard: Guard, secret: string | undefined) {
  return async (incoming: Incoming, postedSecret: string | undefined): Promise<string | null> => {
    const [, basic] = /^Basic +([\w+/]+=*)$/i.exec(incoming.request.headers.get("authorization") ?? "") ?? [];
    const shown = basic ? passwordsIn(basic) : postedSecret === undefined ? [] : [postedSecret];
    if (shown.length === 0) return (await viewerOf(guard, incoming)).sessionId;
    if (!shown.some((text) => isSecret(text, secret))) throw new DuetError("token_invalid");
    return null;
  };
}

/** Whether a text is the operator's secret, if there is one; in the same time whatever it is. */
export const isSecret = (text: string, secret: string | undefined): boolean =>
  secret !== undefined && timingSafeEqual(sha256(text), sha256(secret));

/** RFC 6749 has name and password form-encoded inside Basic; many clients send them as they are. */
function passwordsIn(basic: string): string[] {
  const [, ...parts] = Buffer.from(basic, "base64").toString().split(":");
  const password = parts.join(":");
  return [password, new URLSearchParams(`p=${password}`).get("p") ?? ""];
}

const sha256 = (text: string) => createHash("sha256").update(text).digest();
