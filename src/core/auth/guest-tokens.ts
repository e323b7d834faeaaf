import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { GuestRow } from "../../store/guests.ts";
import type { Clock } from "../clock.ts";
import { newId } from "../ids.ts";
import { isCanonical } from "./jws.ts";
import type { KeyRing } from "./keys.ts";
import { createSecretSigner } from "./secret-signer.ts";
import { REFRESH_ALGORITHM, type Claims, type TokenType } from "./signer.ts";
import type { TokenPair } from "./tokens.ts";

/** Of a guest's two tokens: no other route, and nobody who verifies Duet's tokens, takes them for one of somebody's. */
export const GUEST_TYP = { access: "lab-at+jwt", refresh: "lab-rt+jwt" } as const;

const KEY_ID = "lab";

/**
 * The tokens of the lab's guests: with a `typ` and an `aud` of their own, signed by a secret that is never published, derived from
 * the one that seals the keys.
 */
export function createGuestTokens(deps: {
  keys: Pick<KeyRing, "derive">;
  clock: Clock;
  issuer: string;
  settings: { accessTtlSeconds: number };
}) {
  const { keys, clock, issuer, settings } = deps;
  const audience = `${issuer}/lab/guest`;
  const accessTtlSeconds = Math.min(settings.accessTtlSeconds, LIMITS.guestMs / 1000);
  const secret = keys.derive("duet guests of the lab");
  const signerOf = (type: TokenType) =>
    createSecretSigner({ kid: KEY_ID, secret, typ: GUEST_TYP[type], issuer, audience });
  const signers = { access: signerOf("access"), refresh: signerOf("refresh") };

  const claimsOf = (guest: GuestRow, type: TokenType, iat: number, exp: number, jti: string): Claims => ({
    iss: issuer,
    aud: audience,
    type,
    sub: guest.id,
    sid: guest.id,
    gen: guest.generation,
    jti,
    iat,
    exp,
  });

  const refreshClaimsOf = (guest: GuestRow): Claims =>
    claimsOf(
      guest,
      "refresh",
      seconds(guest.rotated_at),
      seconds(guest.ends_at),
      `${guest.id}.${guest.generation}`,
    );

  function pairOf(guest: GuestRow): TokenPair {
    const now = clock();
    const refresh = refreshClaimsOf(guest);
    const exp = Math.min(seconds(now) + accessTtlSeconds, seconds(guest.ends_at));
    return {
      accessToken: signers.access.sign(claimsOf(guest, "access", seconds(now), exp, newId(now))),
      refreshToken: signers.refresh.sign(refresh),
      accessExpiresIn: exp - seconds(now),
      refreshExpiresIn: refresh.exp - seconds(now),
      generation: guest.generation,
    };
  }

  /** Error codes: `token_missing`, `token_invalid`, or `token_expired` of an access token whose time is over. */
  function read(type: TokenType, token: string | undefined): Claims {
    if (!token) throw new DuetError("token_missing");
    const claims = isCanonical(token) ? signers[type].read(token) : undefined;
    if (!claims) throw new DuetError("token_invalid");
    if (type === "access" && claims.exp <= seconds(clock())) throw new DuetError("token_expired");
    return claims;
  }

  return {
    accessTtlSeconds,
    pairOf,
    read,

    /** The session that a refresh token names, if it is one. */
    sessionIn: (refreshToken: string | undefined): string | undefined =>
      refreshToken === undefined ? undefined : signers.refresh.read(refreshToken)?.sid,

    /** What a refresh token says, without its signature. */
    describeRefresh: (guest: GuestRow): { header: object; claims: Claims } => ({
      header: { alg: REFRESH_ALGORITHM, kid: KEY_ID, typ: GUEST_TYP.refresh },
      claims: refreshClaimsOf(guest),
    }),
  };
}

const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);
