import { createHmac } from "node:crypto";
import { DuetError, invalidField, type Asked, type ProofKind } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { AuthenticatorRow, FactorRow, PasskeyRow } from "../../store/factors.ts";
import type { Store, Tables } from "../../store/index.ts";
import type { Clock } from "../clock.ts";
import { passkeyChallengeOf } from "./challenges.ts";
import { foldCode, foldRecoveryCode, stepOf } from "./codes.ts";
import type { SecurityEventKind } from "./event-kinds.ts";
import type { KeyRing } from "./keys.ts";
import { credentialIdOf, userIn, type Passkeys } from "./passkeys.ts";

/** What answers a challenge: one of them, as it was typed or as the browser gave it. */
export type Answer = {
  code?: string | undefined;
  recoveryCode?: string | undefined;
  passkey?: unknown;
};

/**
 * Something that was proved: by what (RFC 8176), and what is used up by it in the transaction of what it earns; that is false
 * where it was used meanwhile; and the event that it is, where its owner should know of it.
 */
export type Proved = { amr: string[]; spend(tx: Tables): Promise<boolean>; event?: SecurityEventKind };

/** An answer that is none, and whether that is because there are two of a passkey. */
type Refused = { isCloned: boolean };

export type Factors = ReturnType<typeof createFactors>;

/** What somebody proves who they are by, beside the password: authenticator codes, passkeys, recovery codes. */
export function createFactors(deps: {
  store: Store;
  keys: Pick<KeyRing, "derive" | "seal">;
  passkeys: Passkeys;
  clock: Clock;
}) {
  const { store, keys, passkeys, clock } = deps;
  const codeKey = keys.derive("duet recovery codes");

  /** Under a key that is not in the database: 80 bits alone can be tried out by who has that (SP 800-63B-4 section 3.1.2.2). */
  const hashOf = (code: string) => createHmac("sha256", codeKey).update(code).digest("base64url");

  async function proveByCode(held: AuthenticatorRow[], text: string): Promise<Proved | Refused> {
    const now = clock();
    for (const { id, sealed_secret, last_step } of held) {
      const step = stepOf(await openSecret(id, sealed_secret), foldCode(text), now);
      if (step !== null && step > (last_step ?? -1))
        return { amr: ["otp"], spend: (tx) => tx.factors.takeStep(id, step, now) };
    }
    return { isCloned: false };
  }

  async function proveByRecoveryCode(userId: string, text: string): Promise<Proved | Refused> {
    const code = foldRecoveryCode(text);
    if (code === null || !(await store.factors.hasCode(userId, hashOf(code)))) return { isCloned: false };
    const spend = (tx: Tables) => tx.factors.takeCode(userId, hashOf(code));
    return { amr: ["otp"], spend, event: "recovery_code_used" };
  }

  async function proveByPasskey(
    held: PasskeyRow[],
    response: unknown,
    token: string,
  ): Promise<Proved | Refused> {
    const key = held.find(({ credential_id }) => credential_id === credentialIdOf(response));
    const isTheirs = key !== undefined && (userIn(response) ?? key.user_id) === key.user_id;
    const shown = isTheirs && (await passkeys.readAssertion(passkeyChallengeOf(token), response, key));
    if (!key || !shown || shown.isCloned) return { isCloned: shown ? shown.isCloned : false };
    const { counter, isBackedUp, isSynced } = shown;
    const spend = (tx: Tables) => tx.factors.usePasskey(key.id, key.counter, counter, isBackedUp, clock());
    // The device has asked who is there: it is something that one has, and knows or is.
    return { amr: [isSynced ? "swk" : "hwk", "user", "mfa"], spend };
  }

  /** Error code: `unavailable` where it cannot be opened: a factor is never taken for one that is not there. */
  async function openSecret(id: string, sealed: string): Promise<string> {
    try {
      return await keys.seal.open(`factor ${id}`, sealed);
    } catch (cause) {
      throw new DuetError("unavailable", { cause });
    }
  }

  return {
    openSecret,
    sealSecret: (id: string, secret: string): Promise<string> => keys.seal.close(`factor ${id}`, secret),
    hashOf,

    /** What would do for a user with these factors, and what to ask a browser for a passkey by. */
    async askFor(held: FactorRow[], token: string): Promise<Asked> {
      const keysHeld = held.filter(isPasskey);
      const hasCodes = held.length > 0 && (await store.factors.countCodes(held[0]!.user_id)) > 0;
      const factors: ProofKind[] = [
        ...(held.some(isAuthenticator) ? ["totp" as const] : []),
        ...(keysHeld.length > 0 ? ["passkey" as const] : []),
        ...(hasCodes ? ["recovery_code" as const] : []),
        ...(held.length === 0 ? ["password" as const] : []),
      ];
      const passkeyOptions =
        keysHeld.length > 0 ? await passkeys.requestOptions(passkeyChallengeOf(token), keysHeld) : null;
      return { challenge: token, factors, passkeyOptions };
    },

    /**
     * Whether an answer proves that it is who has `held`. Nothing is used up yet. Error codes: `validation_failed` unless it is
     * exactly one answer, `unavailable`.
     */
    async prove(userId: string, held: FactorRow[], answer: Answer, token: string): Promise<Proved | Refused> {
      const { code, recoveryCode, passkey } = answer;
      if ([code, recoveryCode, passkey].filter((each) => each !== undefined).length !== 1)
        throw invalidField("code", "required");
      if (code !== undefined) return proveByCode(held.filter(isAuthenticator), code);
      if (recoveryCode !== undefined) return proveByRecoveryCode(userId, recoveryCode);
      return proveByPasskey(held.filter(isPasskey), passkey, token);
    },

    /** Whose passkey an answer says that it is by, with all that they have; null where nobody has it. */
    async ownerOf(response: unknown): Promise<{ userId: string; held: FactorRow[] } | null> {
      const id = credentialIdOf(response);
      const key = id === null ? null : await store.factors.findPasskey(id);
      return key && { userId: key.user_id, held: [key] };
    },
  };
}

/** One of these two it is. */
export const isAuthenticator = (factor: FactorRow): factor is AuthenticatorRow => factor.kind === "totp";

/** The other. */
export const isPasskey = (factor: FactorRow): factor is PasskeyRow => factor.kind === "passkey";

/** What was proved altogether (RFC 8176): by two of them it is by several factors. */
export function joinAmr(earlier: string[], later: string[]): string[] {
  const all = new Set([...earlier, ...later]);
  if (all.has("pwd") && all.size > 1) all.add("mfa");
  return [...all];
}

/** What somebody calls a factor, or what it is called otherwise. Error code: `validation_failed` (`name`). */
export function readFactorName(given: string | undefined, otherwise: string): string {
  const name = given?.trim() || otherwise;
  if (!name.isWellFormed()) throw invalidField("name", "ill_formed");
  const max = LIMITS.factorNameCharsMax;
  if ([...name].length > max) throw invalidField("name", "too_long", max);
  return name;
}
