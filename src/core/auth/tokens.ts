import type { SessionRow } from "../../store/sessions.ts";
import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Clock } from "../clock.ts";
import { newId } from "../ids.ts";
import { accessSecondsOf, isHeld } from "./holders.ts";
import { createVerifiedTokens } from "./remembered.ts";
import { isCanonical, keyIdOf } from "./jws.ts";
import type { KeyRing } from "./keys.ts";
import {
  audienceOf,
  REFRESH_ALGORITHM,
  TOKEN_TYP,
  type Claims,
  type TokenType,
  type Verification,
} from "./signer.ts";

/** `typ: at+jwt` promises this claim (RFC 9068 section 2.2). Duet's clients are its own, and all one. */
export const CLIENT_ID = "duet";

export type TokenPair = {
  accessToken: string;
  refreshToken: string;
  /** Seconds that are left of each, which is less than its life for a refresh token that is issued again. */
  accessExpiresIn: number;
  refreshExpiresIn: number;
  generation: number;
};

/** The longest life that the settings can give. */
const LIFE_SECONDS_MAX = {
  access: LIMITS.accessTtlHoursMax * 3600,
  refresh: LIMITS.refreshTtlDaysMax * 86_400,
};

export type Tokens = ReturnType<typeof createTokens>;

/** Issues and reads the two tokens. `issuer` is also the audience: Duet issues for itself and for those who verify by its keys. */
export function createTokens(deps: {
  keys: Pick<KeyRing, "active" | "find" | "peek">;
  clock: Clock;
  issuer: string;
  /** Why nothing can be signed now: the signer stamps `iat` by the machine's own clock, which may be known to be wrong. */
  trouble: () => string | undefined;
  settings: { accessTtlSeconds: number };
}) {
  const { keys, clock, issuer, settings } = deps;
  const verified = createVerifiedTokens(keys);

  const commonClaimsOf = (session: SessionRow, type: TokenType) => ({
    iss: issuer,
    aud: audienceOf(type, issuer),
    type,
    sub: session.user_id,
    sid: session.id,
    gen: session.generation,
  });

  const refreshClaimsOf = (session: SessionRow): Claims => ({
    ...commonClaimsOf(session, "refresh"),
    jti: `${session.id}.${session.generation}`,
    iat: seconds(session.rotated_at),
    exp: seconds(session.idle_ends_at),
  });

  function accessClaimsOf(session: SessionRow, username: string, now: number): Claims {
    return {
      ...commonClaimsOf(session, "access"),
      username,
      client_id: CLIENT_ID,
      auth_time: seconds(session.authenticated_at),
      amr: session.amr.split(" "),
      // RFC 9449 section 6.1: whoever verifies it by the public keys must ask for a proof, too.
      ...(isHeld(session) && { cnf: { jkt: session.key_thumbprint! } }),
      jti: newId(now),
      iat: seconds(now),
      // Not beyond the session: a verifier that knows only the public keys must not take it for longer.
      exp: Math.min(seconds(now) + accessSecondsOf(session, settings), seconds(session.idle_ends_at)),
    };
  }

  function assertSigning(): void {
    const cause = deps.trouble();
    if (cause) throw new DuetError("unavailable", { cause });
  }

  /**
   * The pair for a session's newest generation. The access token is new each time. The refresh token is a pure
   * function of the row and the key: issuing again writes no row and makes no second one. Error code: `unavailable`.
   */
  async function issuePair(session: SessionRow, username: string): Promise<TokenPair> {
    assertSigning();
    const now = clock();
    const { signer } = keys.active();
    const refreshClaims = refreshClaimsOf(session);
    const accessClaims = accessClaimsOf(session, username, now);
    const [accessToken, refreshToken] = await Promise.all([
      signer.sign(accessClaims),
      signer.sign(refreshClaims),
    ]);
    return {
      accessToken,
      refreshToken,
      accessExpiresIn: accessClaims.exp - seconds(now),
      refreshExpiresIn: refreshClaims.exp - seconds(now),
      generation: session.generation,
    };
  }

  /**
   * One access token alone, for who has proved once more who they are: of the generation that they have shown, so that it is no
   * first use of a newer one, which others may hold. Error code: `unavailable`.
   */
  async function issueAccess(
    session: SessionRow,
    username: string,
    proved: { generation: number; amr: string[]; at: number },
  ): Promise<{ accessToken: string; accessExpiresIn: number }> {
    assertSigning();
    const now = clock();
    const { generation: gen, amr, at } = proved;
    const claims = { ...accessClaimsOf(session, username, now), gen, amr, auth_time: seconds(at) };
    return {
      accessToken: await keys.active().signer.sign(claims),
      accessExpiresIn: claims.exp - seconds(now),
    };
  }

  /** Checks a token by the key its header names. What is not a token of ours is `token_invalid`; throws where the keys cannot be read. */
  async function verify(type: TokenType, token: string): Promise<Verification> {
    const key = isCanonical(token) ? await keys.find(keyIdOf(token)) : undefined;
    if (!key) return { ok: false, code: "token_invalid" };
    const verification = await key.signer.verify(type, token, clock());
    if (!verification.ok) return verification;
    const { claims } = verification;
    if (claims.type !== type) return { ok: false, code: "token_type_mismatch" };
    if (!isBounded(claims, type, clock())) return { ok: false, code: "token_invalid" };
    if (type === "access") verified.keep(token, claims, key);
    return verification;
  }

  /** The claims of an access token that was verified before and is good at `now` (ms); undefined says nothing. */
  function recall(accessToken: string, now: number): Claims | undefined {
    const claims = verified.get(accessToken);
    return claims && claims.exp > seconds(now) && isBounded(claims, "access", now) ? claims : undefined;
  }

  return {
    issuePair,
    issueAccess,

    /** What a session's newest refresh token says, without the signature that would make it one: for the lab. */
    describeRefresh(session: SessionRow): { header: object; claims: Claims } {
      return {
        header: { alg: REFRESH_ALGORITHM, kid: keys.active().id, typ: TOKEN_TYP.refresh },
        claims: refreshClaimsOf(session),
      };
    },

    verify,
    recall,

    /** The claims of a good token. Error codes: `token_missing`, `token_expired`, `token_invalid`, `token_type_mismatch`. */
    async read(type: TokenType, token: string | undefined): Promise<Claims> {
      if (!token) throw new DuetError("token_missing");
      const verification = await verify(type, token);
      if (!verification.ok) throw new DuetError(verification.code);
      return verification.claims;
    },
  };
}

/** What the clocks of two processes may differ by. */
const CLOCKS_APART_SECONDS = 5;

/** Whoever has a key and no bounds could sign one for ever. */
const isBounded = ({ iat, exp }: Claims, type: TokenType, now: number) =>
  iat <= exp && exp <= seconds(now) + LIFE_SECONDS_MAX[type] + CLOCKS_APART_SECONDS;

const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);
