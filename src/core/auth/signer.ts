import type { ErrorCode } from "../../errors.ts";

export type TokenType = "access" | "refresh";

/** Refresh tokens are signed by a secret of the key ring: nobody but Duet verifies them. */
export const REFRESH_ALGORITHM = "HS256";

/** JOSE header `typ` of each token: explicit, so that neither passes for the other (RFC 9068 section 2.1, RFC 8725 section 3.11). */
export const TOKEN_TYP = { access: "at+jwt", refresh: "rt+jwt" } as const;

/**
 * What the tokens claim; `username`, `client_id`, `auth_time` and `amr` only access tokens. `sid` names the session, `gen` is the number of
 * the pair, 1 at sign-in and one more with each rotation; times are seconds (RFC 7519).
 */
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
  /** When and by what its holder last proved who they are (RFC 9068 section 2.2.1, RFC 8176), of access tokens. */
  auth_time?: number;
  amr?: string[];
  /** Thumbprint of the key that holds the session (RFC 7800, RFC 9449 section 6). */
  cnf?: { jkt: string };
};

/** Whom each token is for: refresh tokens are for nobody but Duet, so that no service can take one for an access token. */
export const audienceOf = (type: TokenType, issuer: string): string =>
  type === "access" ? issuer : `${issuer}/auth/refresh`;

/** Why a token is refused. */
export type Refusal = Extract<ErrorCode, "token_expired" | "token_invalid" | "token_type_mismatch">;

/** `claims` beside a failure are authentic: the signature was good, only the time has passed. */
export type Verification = { ok: true; claims: Claims } | { ok: false; code: Refusal; claims?: Claims };

/** One entry of the key ring, able to sign and to check both types. Made at the edge, where the JWT plugin lives. */
export interface Signer {
  /**
   * `iat` of a refresh token is signed as given, the moment of its rotation, so that it can be made again; that of an
   * access token is the moment of signing.
   */
  sign(claims: Claims): Promise<string>;
  /** Pins algorithm, issuer, audience and `typ`. `now` in epoch milliseconds. Never throws. */
  verify(type: TokenType, token: string, now: number): Promise<Verification>;
}
