import type { ErrorCode } from "../../errors.ts";

export type TokenType = "access" | "refresh";

/** JOSE header `typ` of each token: explicit, so that neither passes for the other (RFC 9068 section 2.1, RFC 8725 section 3.11). */
export const TOKEN_TYP = { access: "at+jwt", refresh: "rt+jwt" } as const;

/** What both tokens claim. `sid` names the session, `gen` counts its rotations; times are seconds (RFC 7519). */
export type Claims = {
  iss: string;
  aud: string;
  sub: string;
  sid: string;
  gen: number;
  type: TokenType;
  jti: string;
  iat: number;
  exp: number;
  username?: string;
  client_id?: string;
};

export type Unverified = Extract<ErrorCode, "token_expired" | "token_invalid" | "token_type_mismatch">;

/** `claims` beside a failure are authentic: the signature was good, only the time has passed. */
export type Verification = { ok: true; claims: Claims } | { ok: false; code: Unverified; claims?: Claims };

/** One key of the ring, able to sign and to check both types. Made at the edge, where the JWT plugin lives. */
export interface Signer {
  /** Signs with `iat` as given for refresh tokens; for access tokens `iat` is the moment of signing. */
  sign(claims: Claims): Promise<string>;
  /** Pins algorithm, issuer, audience and `typ`. `now` in epoch milliseconds. Never throws. */
  verify(type: TokenType, token: string, now: number): Promise<Verification>;
}
