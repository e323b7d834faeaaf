import { jwt } from "@elysiajs/jwt";
import { errors as jose, jwtVerify, SignJWT, type JWTVerifyOptions } from "jose";
import type { KeyMaterial } from "../core/auth/keys.ts";
import {
  audienceOf,
  REFRESH_ALGORITHM,
  TOKEN_TYP,
  type Claims,
  type Signer,
  type TokenType,
  type Verification,
} from "../core/auth/signer.ts";

const REQUIRED_CLAIMS = ["iss", "aud", "sub", "sid", "gen", "type", "jti", "iat", "exp"];

/**
 * A signer for one entry of the key ring through `@elysiajs/jwt`: one instance with the private key signs access tokens,
 * one with the public key verifies them, one with the secret verifies refresh tokens. What the plugin cannot do is done
 * by jose, which it wraps: say why a token was refused (the plugin answers `false`), and sign a given `iat` (the plugin
 * stamps the present one), without which a refresh token could not be the same twice.
 */
export function createSigner(key: KeyMaterial, issuer: string): Signer {
  const plugin = (secret: KeyMaterial["privateKey"], alg: string) =>
    jwt({ name: "token", secret, alg, kid: key.id, typ: TOKEN_TYP.access }).decorator.token;
  const signing = plugin(key.privateKey, key.algorithm);
  const of = {
    access: { alg: key.algorithm, key: key.publicKey, verifying: plugin(key.publicKey, key.algorithm) },
    refresh: {
      alg: REFRESH_ALGORITHM,
      key: key.refreshSecret,
      verifying: plugin(key.refreshSecret, REFRESH_ALGORITHM),
    },
  };
  const optionsFor = (type: TokenType, now: number): JWTVerifyOptions => ({
    algorithms: [of[type].alg],
    issuer,
    audience: audienceOf(type, issuer),
    typ: TOKEN_TYP[type],
    requiredClaims: REQUIRED_CLAIMS,
    clockTolerance: 0,
    currentDate: new Date(now),
  });

  /** Why a token was refused. The other type's key is asked too: the wrong token is told from no token of ours. */
  async function explain(type: TokenType, token: string, now: number): Promise<Verification> {
    const refusal = await check(token, of[type].key, optionsFor(type, now));
    if (refusal && refusal.code !== "token_invalid") return refusal;
    const other = type === "access" ? "refresh" : "access";
    const otherwise = await check(token, of[other].key, optionsFor(other, now));
    const isOther = otherwise === null || otherwise.code === "token_expired";
    return { ok: false, code: isOther ? "token_type_mismatch" : "token_invalid" };
  }

  return {
    async sign(claims) {
      if (claims.type === "access") {
        const { iat: _, ...stampedBySigner } = claims;
        return signing.sign(stampedBySigner);
      }
      const header = { alg: REFRESH_ALGORITHM, kid: key.id, typ: TOKEN_TYP.refresh };
      return new SignJWT(claims).setProtectedHeader(header).sign(key.refreshSecret);
    },

    async verify(type, token, now) {
      const claims = await of[type].verifying.verify(token, optionsFor(type, now));
      if (!claims) return explain(type, token, now);
      return isClaims(claims) ? { ok: true, claims } : { ok: false, code: "token_invalid" };
    },
  };
}

/** What jose has against a token, or null. */
async function check(
  token: string,
  key: KeyMaterial["publicKey"],
  options: JWTVerifyOptions,
): Promise<Extract<Verification, { ok: false }> | null> {
  try {
    await jwtVerify(token, key, options);
    return null;
  } catch (error) {
    // jose checks the signature first and the times last: these claims are authentic.
    if (error instanceof jose.JWTExpired && isClaims(error.payload))
      return { ok: false, code: "token_expired", claims: error.payload };
    if (error instanceof jose.JWTClaimValidationFailed && error.claim === "typ")
      return { ok: false, code: "token_type_mismatch" };
    return { ok: false, code: "token_invalid" };
  }
}

/** What a good signature vouches for must still be of the right types. */
function isClaims(payload: Record<string, unknown>): payload is Claims {
  const areText = ["iss", "aud", "sub", "sid", "type", "jti"].every(
    (name) => typeof payload[name] === "string",
  );
  return areText && ["gen", "iat", "exp"].every((name) => Number.isSafeInteger(payload[name]));
}
