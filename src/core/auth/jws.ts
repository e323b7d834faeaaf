import { decodeProtectedHeader } from "jose";
import { LIMITS } from "../../limits.ts";
import type { Claims } from "./signer.ts";

/**
 * One spelling per token: base64url without padding or spare bits (RFC 7515 section 2). jose accepts others,
 * and a second spelling of one token is one too many for anything that compares tokens.
 */
export function isCanonical(token: string): boolean {
  if (token.length > LIMITS.tokenCharsMax || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return false;
  return token.split(".").every(hasNoSpareBits);
}

/** Base64 has four characters for three bytes; where the last group is shorter, the end of its last character is nothing. */
function hasNoSpareBits(part: string): boolean {
  const last = part.at(-1)!;
  const inGroup = part.length % 4;
  return (
    inGroup === 0 ||
    (inGroup === 2 && "AQgw".includes(last)) ||
    (inGroup === 3 && "AEIMQUYcgkosw048".includes(last))
  );
}

/** By the header as it is written, which is the same for all tokens of a key. */
const keyIds = new Map<string, string>();
const KEY_IDS_MAX = 100;

/** The `kid` of its header; empty where there is none. */
export function keyIdOf(token: string): string {
  const header = token.slice(0, token.indexOf("."));
  const known = keyIds.get(header);
  if (known !== undefined) return known;
  try {
    const kid = decodeProtectedHeader(token).kid ?? "";
    if (keyIds.size >= KEY_IDS_MAX) keyIds.delete(keyIds.keys().next().value!);
    keyIds.set(header, kid);
    return kid;
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
