import { DuetError, invalidField } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { FactorRow } from "../../store/factors.ts";
import type { Store, Tables } from "../../store/index.ts";
import type { UserRow } from "../../store/users.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import { isId, newId } from "../ids.ts";
import type { Viewer, ViewerId } from "../viewer.ts";
import { passkeyChallengeOf, type Challenges } from "./challenges.ts";
import { foldRecoveryCode, newRecoveryCodes, newSecret, uriOf } from "./codes.ts";
import type { Device } from "./devices.ts";
import type { Endings } from "./endings.ts";
import { isAuthenticator, isPasskey, joinAmr, readFactorName, type Factors } from "./factors.ts";
import type { Guesses } from "./guesses.ts";
import type { CreationOptions, Passkeys } from "./passkeys.ts";
import type { SecurityEvents } from "./security.ts";
import type { IssuedTokens, Sessions } from "./sessions.ts";
import type { StepUp } from "./step-up.ts";
import { isCode, type Throttle } from "./throttle.ts";

/** After a change: the tokens of a new session, since all others have ended, and recovery codes where there were none. */
export type Changed = { issued: IssuedTokens; factor: FactorRow; recoveryCodes: string[] };

export type OwnFactors = ReturnType<typeof createOwnFactors>;

/**
 * How the viewer signs in, beside the password, and changing it. Each change asks for a recent proof, ends every session
 * (`factors_changed`), this one too, and starts a new one. The password stays a way in whatever is removed.
 */
export function createOwnFactors(deps: {
  store: Store;
  commit: Commit;
  sessions: Sessions;
  endings: Endings;
  challenges: Challenges;
  factors: Factors;
  passkeys: Passkeys;
  guesses: Guesses;
  stepUp: StepUp;
  security: SecurityEvents;
  throttle: Throttle;
  clock: Clock;
  issuer: string;
}) {
  const { store, commit, sessions, endings, challenges, factors, passkeys, guesses, stepUp } = deps;
  const { security, throttle, clock, issuer } = deps;

  async function userOf({ userId }: Viewer): Promise<UserRow> {
    const user = await store.users.find(userId);
    if (!user) throw new DuetError("user_not_found");
    return user;
  }

  /** A factor that comes to count, or goes; with it all sessions. `write` is false where it was used or is gone meanwhile. */
  async function change(
    viewer: Viewer,
    factor: FactorRow,
    how: { kind: "factor_add" | "factor_remove"; amr: string[]; provedAt?: number },
    device: Device,
    write: (tx: Tables) => Promise<boolean>,
  ): Promise<Changed> {
    const user = await userOf(viewer);
    const session = sessions.draft(user, viewer.start, device, how.amr, how.provedAt);
    const isAdded = how.kind === "factor_add";
    const fresh = newRecoveryCodes();
    const recoveryCodes = await commit(async (tx) => {
      await endings.assertNotEnded(tx, viewer.sessionId);
      await tx.users.findToRely(user.id);
      if (!(await write(tx))) throw isAdded ? invalidField("code", "wrong_code") : new DuetError("not_found");
      const left = await tx.factors.listOf(user.id, { confirmed: true });
      const max = factor.kind === "totp" ? LIMITS.authenticatorsMax : LIMITS.passkeysMax;
      if (left.filter((each) => each.kind === factor.kind).length > max)
        throw invalidField("name", "too_many", max);
      // With the first factor whatever codes there were are good no more.
      const needsCodes = isAdded && (left.length === 1 || (await tx.factors.countCodes(user.id)) === 0);
      if (needsCodes) await tx.factors.replaceCodes(user.id, hashesOf(fresh));
      if (left.length === 0) await tx.factors.replaceCodes(user.id, []);
      await tx.challenges.removeOf(user.id);
      await tx.links.removeOf(user.id, "reset");
      await endings.endAll(tx, user.id, "factors_changed", device);
      await tx.sessions.insert(session);
      await tx.deviceNames.passOn(viewer.sessionId, session.id);
      await security.note({ kind: how.kind, userId: user.id, sessionId: session.id }, device, tx);
      return needsCodes ? fresh : [];
    });
    return { issued: await sessions.issue(session, user.username), factor, recoveryCodes };
  }

  const hashesOf = (codes: string[]) => codes.map((code) => factors.hashOf(foldRecoveryCode(code)!));

  async function assertRoom(userId: string, kind: FactorRow["kind"]): Promise<FactorRow[]> {
    const held = await store.factors.listOf(userId, { confirmed: true });
    const max = kind === "totp" ? LIMITS.authenticatorsMax : LIMITS.passkeysMax;
    if (held.filter((each) => each.kind === kind).length >= max) throw invalidField("name", "too_many", max);
    return held;
  }

  return {
    /** Those that count, the oldest first, and how many recovery codes are left. */
    async list({ userId }: ViewerId): Promise<{ items: FactorRow[]; recoveryCodesLeft: number }> {
      const [items, recoveryCodesLeft] = await Promise.all([
        store.factors.listOf(userId, { confirmed: true }),
        store.factors.countCodes(userId),
      ]);
      return { items, recoveryCodesLeft };
    },

    /**
     * A secret for an authenticator app, which counts once its first code has come; one that was begun before is forgotten. Error
     * codes: `proof_required`, `validation_failed`, `rate_limited`, `user_not_found`. Effects: `factors`.
     */
    async beginAuthenticator(viewer: Viewer, input: { name?: string | undefined }, device: Device) {
      await stepUp.require(viewer, "factor_add", device);
      const name = readFactorName(input.name, "Authenticator");
      await throttle.take(["challenge_account", viewer.userId]);
      await assertRoom(viewer.userId, "totp");
      const now = clock();
      const id = newId(now);
      const secret = newSecret();
      const sealed_secret = await factors.sealSecret(id, secret);
      await store.tx(async (tx) => {
        await tx.factors.removeDrafts(viewer.userId);
        const draft = { id, user_id: viewer.userId, name, created_at: now, sealed_secret };
        await tx.factors.insertAuthenticator(draft);
      });
      return { id, secret, uri: uriOf(secret, new URL(issuer).hostname, viewer.username) };
    },

    /** The secret of one that was begun, to show it again where its code was wrong. Error code: `not_found`. */
    async authenticator(viewer: Viewer, id: string) {
      const draft = await findDraft(viewer.userId, id);
      const secret = await factors.openSecret(draft.id, draft.sealed_secret);
      return { id, secret, uri: uriOf(secret, new URL(issuer).hostname, viewer.username) };
    },

    /**
     * From now on it counts. Error codes: `proof_required`, `not_found`, `validation_failed` (`code` with `wrong_code`),
     * `rate_limited`, `unavailable`. Effects: `factors`, `recovery_codes`, `sessions` and the security event, all or none.
     */
    async confirmAuthenticator(viewer: Viewer, id: string, code: string, device: Device): Promise<Changed> {
      await stepUp.require(viewer, "factor_add", device);
      const draft = await findDraft(viewer.userId, id);
      const user = await userOf(viewer);
      const guess = { kind: "factor_add" as const, challenge: null, user, held: [draft], answer: { code } };
      const proved = await guesses.judge(guess, device).catch((error: unknown) => {
        throw isCode("code_invalid")(error) ? invalidField("code", "wrong_code") : error;
      });
      const amr = joinAmr(viewer.amr, proved.amr);
      return change(viewer, draft, { kind: "factor_add", amr }, device, async (tx) => {
        const isThere = (await tx.factors.listOf(user.id, { confirmed: false })).some(
          (each) => each.id === id,
        );
        return isThere && proved.spend(tx);
      });
    },

    /** What a browser makes a passkey by. Error codes: as `beginAuthenticator`. Effects: `challenges`. */
    async beginPasskey(
      viewer: Viewer,
      device: Device,
    ): Promise<{ challenge: string; options: CreationOptions }> {
      await stepUp.require(viewer, "factor_add", device);
      await throttle.take(["challenge_account", viewer.userId]);
      const held = await assertRoom(viewer.userId, "passkey");
      const user = await userOf(viewer);
      const { sessionId: id, generation, start } = viewer;
      const session = { id, generation };
      const challenge = await challenges.open(store, { purpose: "passkey_add", user, ...start, session });
      const signed = passkeyChallengeOf(challenge);
      return { challenge, options: await passkeys.creationOptions(signed, user, held.filter(isPasskey)) };
    },

    /**
     * Keeps the passkey that was made. Error codes: `proof_required`, `challenge_ended`, `validation_failed` (`passkey` with
     * `invalid`, or `taken` where an account has it), `rate_limited`. Effects: as `confirmAuthenticator`.
     */
    async addPasskey(
      viewer: Viewer,
      input: { challenge: string; passkey: unknown; name?: string | undefined },
      device: Device,
    ): Promise<Changed> {
      await stepUp.require(viewer, "factor_add", device);
      const name = readFactorName(input.name, "Passkey");
      const challenge = await challenges.find(input.challenge, "passkey_add");
      if (challenge.row.session_id !== viewer.sessionId) throw new DuetError("challenge_ended");
      await challenges.countTry(challenge);
      const made = await passkeys.readCreation(passkeyChallengeOf(challenge.token), input.passkey);
      if (!made) throw invalidField("passkey", "invalid");
      const now = clock();
      const times = { created_at: now, confirmed_at: now, last_used_at: null };
      const factor = {
        id: newId(now),
        user_id: viewer.userId,
        kind: "passkey" as const,
        name,
        ...times,
        ...made,
      };
      const amr = joinAmr(viewer.amr, [made.is_synced ? "swk" : "hwk", "user", "mfa"]);
      return change(viewer, factor, { kind: "factor_add", amr }, device, async (tx) => {
        await challenges.use(tx, challenge);
        if (await tx.factors.findPasskey(factor.credential_id)) throw invalidField("passkey", "invalid");
        await tx.factors.insertPasskey(factor);
        return true;
      });
    },

    /** Removes one. Error codes: `proof_required`, `not_found`. Effects: as `confirmAuthenticator`; recovery codes go with the last one. */
    async remove(viewer: Viewer, id: string, device: Device): Promise<Changed> {
      await stepUp.require(viewer, "factor_remove", device);
      const held = await store.factors.listOf(viewer.userId, { confirmed: true });
      const factor = held.find((each) => each.id === id);
      if (!factor) throw new DuetError("not_found");
      const how = { kind: "factor_remove" as const, amr: viewer.amr, provedAt: viewer.authenticatedAt };
      return change(viewer, factor, how, device, (tx) => tx.factors.remove(viewer.userId, id));
    },

    /** Ten new recovery codes, in place of those that are left. Error codes: `proof_required`, `factor_missing`, `rate_limited`. Effects: `recovery_codes` and the security event. */
    async makeRecoveryCodes(viewer: Viewer, device: Device): Promise<string[]> {
      await stepUp.require(viewer, "recovery_codes", device);
      await throttle.take(["challenge_account", viewer.userId]);
      const codes = newRecoveryCodes();
      const { userId, sessionId } = viewer;
      await commit(async (tx) => {
        await endings.assertNotEnded(tx, sessionId);
        // Of two at once one comes after the other.
        await tx.users.findToRely(userId);
        if ((await tx.factors.listOf(userId, { confirmed: true })).length === 0)
          throw new DuetError("factor_missing");
        await tx.factors.replaceCodes(userId, hashesOf(codes));
        await security.note({ kind: "recovery_codes", userId, sessionId }, device, tx);
      });
      return codes;
    },
  };

  async function findDraft(userId: string, id: string) {
    const all = isId(id) ? await store.factors.listOf(userId, { confirmed: false }) : [];
    const draft = all.find((each) => each.id === id && each.confirmed_at === null);
    if (!draft || !isAuthenticator(draft)) throw new DuetError("not_found");
    return draft;
  }
}
