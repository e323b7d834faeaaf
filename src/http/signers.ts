import { jwt } from "@elysiajs/jwt";
import { errors as jose, jwtVerify, type JWTVerifyOptions } from "jose";
import { isClaims } from "../core/auth/jws.ts";
import type { KeyMaterial } from "../core/auth/keys.ts";
import { createSecretSigner } from "../core/auth/secret-signer.ts";
import {
  audienceOf,
  REFRESH_ALGORITHM,
  TOKEN_TYP,
  type Signer,
  type TokenType,
  type Verification,
} from "../core/auth/signer.ts";

const REQUIRED_CLAIMS = ["iss", "aud", "sub", "sid", "gen", "type", "jti", "iat", "exp"];

/**
 * A signer for one entry of the key ring. Access tokens through `@elysiajs/jwt`: one instance with the private key signs
 * them, one with the public key verifies them; why one was refused is said by jose, which the plugin wraps (it answers
 * `false`). Refresh tokens by core/auth/secret-signer.ts, since the plugin stamps the present time, and one must be the same twice.
 */
export function createSigner(key: KeyMaterial, issuer: string): Signer {
  const plugin = (secret: KeyMaterial["privateKey"], alg: string) =>
    jwt({ name: "token", secret, alg, kid: key.id, typ: TOKEN_TYP.access }).decorator.token;
  const signing = plugin(key.privateKey, key.algorithm);
  const verifying = plugin(key.publicKey, key.algorithm);
  const refreshSigner = createSecretSigner({
    kid: key.id,
    secret: key.refreshSecret,
    typ: TOKEN_TYP.refresh,
    issuer,
    audience: audienceOf("refresh", issuer),
  });
  const of = {
    access: { alg: key.algorithm, key: key.publicKey },
    refresh: { alg: REFRESH_ALGORITHM, key: key.refreshSecret },
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
      return refreshSigner.sign(claims);
    },

    async verify(type, token, now) {
      if (type === "refresh") {
        const claims = refreshSigner.read(token);
        if (!claims) return explain(type, token, now);
        return claims.exp * 1000 > now ? { ok: true, claims } : { ok: false, code: "token_expired", claims };
      }
      const claims = await verifying.verify(token, optionsFor(type, now));
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
