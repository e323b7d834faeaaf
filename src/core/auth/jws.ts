import { decodeProtectedHeader } from "jose";
import { LIMITS } from "../../limits.ts";
import type { Claims } from "./signer.ts";

/**
 * One spelling per token: base64url without padding or spare bits (RFC 7515 section 2). jose accepts others,
 * and a second spelling of one token is one too many for anything that compares tokens.
 */
export function isCanonical(token: string): boolean {
  if (token.length > LIMITS.tokenCharsMax || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return false;
  return token.split(".").every((part) => Buffer.from(part, "base64url").toString("base64url") === part);
}

/** The `kid` of its header; empty where there is none. */
export function keyIdOf(token: string): string {
  try {
    return decodeProtectedHeader(token).kid ?? "";
  } catch {
    return "";
  }
}

/** Whether what a good signature vouches for is of the right types. */
export function isClaims(payload: unknown): payload is Claims {
  if (typeof payload !== "object" || payload === null) return false;
  const claims = payload as Partial<Record<string, unknown>>;
  const areText = ["iss", "aud", "sub", "sid", "type", "jti"].every(
    (name) => typeof claims[name] === "string",
  );
  return areText && ["gen", "iat", "exp"].every((name) => Number.isSafeInteger(claims[name]));
}
