import { DuetError, type Asked } from "../../errors.ts";
import type { ChallengeRow } from "../../store/challenges.ts";
import type { FactorRow } from "../../store/factors.ts";
import type { Store, Tables } from "../../store/index.ts";
import type { UserRow } from "../../store/users.ts";
import { networkOf } from "../addresses.ts";
import type { Commit } from "../commit.ts";
import type { Challenges, OpenChallenge } from "./challenges.ts";
import { passkeyChallengeOf } from "./challenges.ts";
import type { Device } from "./devices.ts";
import { joinAmr, type Answer, type Factors, type Proved } from "./factors.ts";
import type { Guesses } from "./guesses.ts";
import type { Passkeys, RequestOptions } from "./passkeys.ts";
import type { User } from "./profiles.ts";
import type { Proofs } from "./proofs.ts";
import type { SecurityEvents } from "./security.ts";
import type { IssuedTokens, ProvedStart, Sessions } from "./sessions.ts";
import type { Throttle } from "./throttle.ts";

export type SignedIn = { user: User; issued: IssuedTokens };

/** Signed in, or asked for more first. */
export type Begun = { signedIn: SignedIn; asked?: never } | { asked: Asked; signedIn?: never };

export type SignIns = ReturnType<typeof createSignIns>;

/**
 * From *who are you* over *prove it again, where asked* to a session. A session is there, in one transaction with what earned
 * it, before any token of it is made.
 */
export function createSignIns(deps: {
  store: Store;
  commit: Commit;
  sessions: Sessions;
  challenges: Challenges;
  factors: Factors;
  passkeys: Passkeys;
  guesses: Guesses;
  security: SecurityEvents;
  proofs: Proofs;
  throttle: Throttle;
}) {
  const { store, commit, sessions, challenges, factors, passkeys, guesses, security, proofs, throttle } =
    deps;

  /**
   * A session for who has answered a challenge, by which it is used up with all that answered it. Error codes:
   * `challenge_ended`, `code_invalid` and `passkey_invalid` where that was used meanwhile.
   */
  async function grant(
    challenge: OpenChallenge,
    user: UserRow,
    proved: Proved,
    start: ProvedStart,
    device: Device,
  ): Promise<SignedIn> {
    const amr = joinAmr(challenge.row.amr.split(" ").filter(Boolean), proved.amr);
    const session = sessions.draft(user, start, device, amr);
    await commit(async (tx) => {
      const current = await tx.users.findToRely(user.id);
      if (current?.password_hash !== user.password_hash || current.disabled_at !== null)
        throw new DuetError("challenge_ended");
      await challenges.use(tx, challenge);
      if (!(await proved.spend(tx))) throw new DuetError("code_invalid");
      if (start.proof) await proofs.spend(tx, start.proof, `sign in ${user.id}`);
      await noteLanguage(tx, user, device);
      await tx.sessions.insert(session);
      await security.note({ kind: "login", userId: user.id, sessionId: session.id }, device, tx);
      if (proved.event) await security.note({ kind: proved.event, userId: user.id }, device, tx);
    });
    // The right password before it was no try.
    if (challenge.row.purpose === "sign_in") await guesses.forgive(user, networkOf(device.ip));
    return { user, issued: await sessions.issue(session, user.username) };
  }

  return {
    /** Whether a right password is not enough. */
    asksForMore: async (userId: string): Promise<boolean> =>
      (await store.factors.listOf(userId, { confirmed: true })).length > 0,

    /**
     * What follows a right password: a session, or a challenge for who has a second factor. Null if the user's row has changed
     * since it was read: whoever changed the password meanwhile has ended every session, and the old one opens no new one.
     * `rehashed` is the password's new hash where the cost of hashing was raised. Effects: `sessions` or `challenges`, and the
     * security event, all or none.
     */
    async afterPassword(
      row: UserRow,
      rehashed: string | undefined,
      start: ProvedStart,
      device: Device,
    ): Promise<Begun | null> {
      const session = sessions.draft(row, start, device, ["pwd"]);
      const begun = await commit(async (tx) => {
        const current = await tx.users.findToRely(row.id);
        if (current?.password_hash !== row.password_hash || current.disabled_at !== null) return null;
        if (start.proof) await proofs.spend(tx, start.proof, `sign in ${row.id}`);
        const hash = rehashed ?? row.password_hash;
        if (rehashed) await tx.users.replacePasswordHash(row.id, row.password_hash, rehashed);
        const held = await tx.factors.listOf(row.id, { confirmed: true });
        if (held.length === 0) {
          await noteLanguage(tx, row, device);
          await tx.sessions.insert(session);
          await security.note({ kind: "login", userId: row.id, sessionId: session.id }, device, tx);
          return { held };
        }
        const user = { id: row.id, password_hash: hash };
        const subject = { purpose: "sign_in" as const, user, ...start, amr: ["pwd"] };
        const token = await challenges.open(tx, subject);
        await security.note({ kind: "second_factor_asked", userId: row.id }, device, tx);
        return { held, token };
      });
      if (!begun) return null;
      if (begun.token !== undefined) return { asked: await factors.askFor(begun.held, begun.token) };
      return { signedIn: { user: row, issued: await sessions.issue(session, row.username) } };
    },

    /**
     * Finishes a sign-in that was asked for a second factor. Error codes: `challenge_ended` (also for another kind of caller than
     * began it), `code_invalid`, `passkey_invalid`, `validation_failed`, `rate_limited`, `unavailable`, `invalid_dpop_proof` with
     * another key than began it. Effects: `sessions`, the challenge, the factor and the security event, all or none; or a try
     * and the event.
     */
    async finish(token: string, answer: Answer, start: ProvedStart, device: Device): Promise<SignedIn> {
      const challenge = await challenges.find(token, "sign_in");
      requireSame(challenge.row, start);
      const user = await challenges.userOf(challenge);
      const held = await store.factors.listOf(user.id, { confirmed: true });
      const proved = await guesses.judge({ kind: "login", challenge, user, held, answer }, device);
      return grant(challenge, user, proved, start, device);
    },

    /** A challenge for whichever passkey a device has here. Error code: `rate_limited`. Effects: `challenges`. */
    async passkeyOptions(
      start: ProvedStart,
      device: Device,
    ): Promise<{ challenge: string; options: RequestOptions }> {
      await throttle.take(["passkey_network", networkOf(device.ip)]);
      const subject = { purpose: "passkey_sign_in" as const, user: null, ...start };
      const challenge = await challenges.open(store, subject);
      return { challenge, options: await passkeys.requestOptions(passkeyChallengeOf(challenge)) };
    },

    /** Signs in by a passkey alone. Error codes and effects: as `finish`; `passkey_invalid` also for one that nobody has here. */
    async byPasskey(token: string, passkey: unknown, start: ProvedStart, device: Device): Promise<SignedIn> {
      const challenge = await challenges.find(token, "passkey_sign_in");
      requireSame(challenge.row, start);
      const owner = await factors.ownerOf(passkey);
      const user = owner && (await store.users.find(owner.userId));
      if (!owner || !user || user.disabled_at !== null) {
        await throttle.take(["passkey_network", networkOf(device.ip)]);
        await challenges.countTry(challenge);
        await security.note({ kind: "login", outcome: "failure", userId: owner?.userId ?? null }, device);
        throw new DuetError("passkey_invalid");
      }
      const held: FactorRow[] = owner.held;
      const proved = await guesses.judge(
        { kind: "login", challenge, user, held, answer: { passkey } },
        device,
      );
      return grant(challenge, user, proved, start, device);
    },
  };
}

/** In which letters are written to them. */
async function noteLanguage(tx: Tables, user: UserRow, { language }: Device): Promise<void> {
  if (language !== undefined && language !== user.language) await tx.users.setLanguage(user.id, language);
}

/** A page's challenge is answered on a page, and a key's by that key: nobody else is given what it earns. */
function requireSame({ session_kind, key_thumbprint }: ChallengeRow, start: ProvedStart): void {
  if (session_kind !== start.kind) throw new DuetError("challenge_ended");
  if (key_thumbprint !== start.key) throw new DuetError("invalid_dpop_proof");
}
