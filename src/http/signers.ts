import { jwt } from "@elysiajs/jwt";
import { errors as jose, jwtVerify, SignJWT, type JWTVerifyOptions } from "jose";
import type { KeyMaterial } from "../core/auth/keys.ts";
import { TOKEN_TYP, type Claims, type Signer, type Verification } from "../core/auth/signer.ts";

const REQUIRED_CLAIMS = ["iss", "aud", "sub", "sid", "gen", "type", "jti", "iat", "exp"];

/**
 * A signer for one key through `@elysiajs/jwt`: one instance with the private key signs, one with the public key
 * verifies. What the plugin cannot do is done by jose, which it wraps: say why a token was refused (the plugin
 * answers `false`), and sign a given `iat` (the plugin stamps the present one), without which a refresh token
 * could not be the same twice.
 */
export function createSigner(key: KeyMaterial, issuer: string): Signer {
  const plugin = (secret: KeyMaterial["signing"]) =>
    jwt({ name: "token", secret, alg: key.algorithm, kid: key.id, typ: TOKEN_TYP.access }).decorator.token;
  const signing = plugin(key.signing);
  const verifying = plugin(key.verifying);

  return {
    async sign(claims) {
      if (claims.type === "access") {
        const { iat: _, ...stampedBySigner } = claims;
        return signing.sign(stampedBySigner);
      }
      const header = { alg: key.algorithm, kid: key.id, typ: TOKEN_TYP.refresh };
      return new SignJWT(claims).setProtectedHeader(header).sign(key.signing);
    },

    async verify(type, token, now) {
      const options: JWTVerifyOptions = {
        algorithms: [key.algorithm],
        issuer,
        audience: issuer,
        typ: TOKEN_TYP[type],
        requiredClaims: REQUIRED_CLAIMS,
        clockTolerance: 0,
        currentDate: new Date(now),
      };
      const claims = await verifying.verify(token, options);
      if (!claims) return explain(token, key, options);
      return isClaims(claims) ? { ok: true, claims } : { ok: false, code: "token_invalid" };
    },
  };
}

async function explain(token: string, key: KeyMaterial, options: JWTVerifyOptions): Promise<Verification> {
  try {
    await jwtVerify(token, key.verifying, options);
    return { ok: false, code: "token_invalid" };
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
