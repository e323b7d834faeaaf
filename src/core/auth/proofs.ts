import { createHmac, timingSafeEqual } from "node:crypto";
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify, type JWTVerifyResult } from "jose";
import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Tables } from "../../store/index.ts";
import type { Clock } from "../clock.ts";
import type { Device } from "./devices.ts";
import { isCanonical } from "./jws.ts";
import type { KeyRing } from "./keys.ts";
import type { Throttle } from "./throttle.ts";

/** Signatures of proofs (RFC 9449 section 5.1, `dpop_signing_alg_values_supported`). */
export const PROOF_ALGORITHMS = ["ES256", "EdDSA", "RS256"];

/** How a token is shown: by which scheme, with which proof if any (RFC 9449 section 4), with which request, from where. */
export type Showing = {
  scheme: "Bearer" | "DPoP" | "cookie" | "body" | "device";
  /** The header `DPoP` as it came; null without one. */
  proof: string | null;
  /** The header `Secure-Session-Response`, without quotes (Device Bound Session Credentials); null without one. */
  deviceProof: string | null;
  method: string;
  /** Of the request's URL, without query. */
  path: string;
  device: () => Device;
};

/** A proof that is good for its request, once: `key` is the thumbprint of the key (RFC 7638) that signed it. */
export type Proof = { key: string; id: string; goodUntil: number };

const PERIOD_MS = 60_000;
/** What the clocks of two processes may differ by. */
const CLOCKS_APART_MS = 5000;

export type Proofs = ReturnType<typeof createProofs>;

/**
 * Demonstrating proof of possession (DPoP, RFC 9449): whoever shows a token also signs, for this one request, with the key
 * that its session is held by. Nonces are required and kept nowhere: a number of the minute, signed; the minute before,
 * this one and the next count, for every process. So no client's clock matters.
 */
export function createProofs(deps: {
  keys: Pick<KeyRing, "derive">;
  clock: Clock;
  throttle: Throttle;
  issuer: string;
}) {
  const { clock, throttle, issuer } = deps;
  const nonceKey = deps.keys.derive("duet dpop nonces");

  const nonceOf = (period: number) => createHmac("sha256", nonceKey).update(`${period}`).digest("base64url");
  const presentPeriod = () => Math.floor(clock() / PERIOD_MS);

  /** The period of a nonce that counts now. */
  function periodOf(nonce: unknown): number | undefined {
    const shown = Buffer.from(typeof nonce === "string" ? nonce : "");
    const isEqual = (text: string) =>
      text.length === shown.length && timingSafeEqual(Buffer.from(text), shown);
    const now = presentPeriod();
    return [now, now - 1, now + 1].find((period) => isEqual(nonceOf(period)));
  }

  const isOurUrl = (htu: unknown, path: string): boolean => {
    const url = typeof htu === "string" ? URL.parse(htu) : null;
    // By the address that Duet is known under: Host is whatever a client says.
    const isPlain = url !== null && url.username === "" && url.password === "";
    return isPlain && `${url.origin}${url.pathname}` === new URL(issuer + path).href;
  };

  /** The present nonce, for the header `DPoP-Nonce`. */
  const nonce = (): string => nonceOf(presentPeriod());

  return {
    nonce,

    /**
     * The proof that came with a request; null where none did. `accessToken` is the one that it must be about, where one
     * was shown. All checks of RFC 9449 section 4.3 but that it is used once (`spend`). Error codes:
     * `invalid_dpop_proof`, `use_dpop_nonce`.
     */
    async check(showing: Showing, accessToken?: string): Promise<Proof | null> {
      if (showing.proof === null) return null;
      const invalid = (cause?: unknown) => new DuetError("invalid_dpop_proof", { cause });
      if (!isCanonical(showing.proof)) throw invalid();
      let verified: JWTVerifyResult;
      try {
        const options = { typ: "dpop+jwt", algorithms: PROOF_ALGORITHMS, currentDate: new Date(clock()) };
        verified = await jwtVerify(showing.proof, EmbeddedJWK, options);
      } catch (cause) {
        throw invalid(cause);
      }
      const { payload, protectedHeader } = verified;
      const { jti, htm, htu, iat, ath } = payload;
      // HEAD is answered as GET.
      const isMethod = htm === showing.method || (htm === "HEAD" && showing.method === "GET");
      const isAbout = isMethod && isOurUrl(htu, showing.path);
      const isNamed = typeof jti === "string" && jti !== "" && jti.length <= LIMITS.proofIdCharsMax;
      if (!isAbout || !isNamed || typeof iat !== "number") throw invalid();
      if (accessToken !== undefined && ath !== sha256(accessToken)) throw invalid();
      const period = periodOf(payload["nonce"]);
      if (period === undefined) throw new DuetError("use_dpop_nonce", { dpopNonce: nonce() });
      return {
        key: await calculateJwkThumbprint(protectedHeader.jwk!),
        id: sha256(jti),
        goodUntil: (period + 2) * PERIOD_MS + CLOCKS_APART_MS,
      };
    },

    /**
     * Uses a proof, which is done once: a second time is refused, unless it is `about` the same (the same token request
     * sent again by an HTTP stack that lost the answer). Error codes: `invalid_dpop_proof`; `too_busy` for a key that has
     * used too many of late. Effects: `proofs`, as part of a transaction.
     */
    async spend(tx: Tables, proof: Proof, about: string): Promise<void> {
      const full = (error: unknown) => {
        const { retryAfterSeconds } = error instanceof DuetError ? error.details : {};
        throw retryAfterSeconds ? new DuetError("too_busy", { retryAfterSeconds }) : error;
      };
      const row = { key: proof.key, id: proof.id, about: sha256(about), goodUntil: proof.goodUntil };
      if (await tx.proofs.insert(row))
        return void (await throttle.takeIn(tx, ["proof_key", proof.key]).catch(full));
      if ((await tx.proofs.aboutOf(row)) !== row.about) throw new DuetError("invalid_dpop_proof");
    },
  };
}

const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("base64url");
