import { DuetError, type Asked } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { FactorRow } from "../../store/factors.ts";
import type { Store } from "../../store/index.ts";
import type { UserRow } from "../../store/users.ts";
import { networkOf } from "../addresses.ts";
import type { Challenges, OpenChallenge, Purpose } from "./challenges.ts";
import type { Device } from "./devices.ts";
import type { Answer, Factors, Proved } from "./factors.ts";
import type { SecurityEventKind, SecurityEvents } from "./security.ts";
import type { LimitKey, Throttle } from "./throttle.ts";

export type Guesses = ReturnType<typeof createGuesses>;

type Guess = {
  /** What it was for, in the security events. */
  kind: SecurityEventKind;
  /** Null where a first code confirms an authenticator. */
  challenge: OpenChallenge | null;
  user: UserRow;
  held: FactorRow[];
  answer: Answer;
};

/**
 * How often somebody may answer wrongly. Per account and network the wait between two tries grows; over all networks, after a
 * hundred wrong answers the account's are taken from networks only from which it has signed in before, so that guessing
 * comes to its end and nobody can lock its owner out.
 */
export function createGuesses(deps: {
  store: Store;
  challenges: Challenges;
  factors: Factors;
  security: SecurityEvents;
  throttle: Throttle;
}) {
  const { store, challenges, factors, security, throttle } = deps;

  /** Networks from which the account has signed in before. */
  async function isKnown(userId: string, network: string): Promise<boolean> {
    const known = await store.devices.addressesOf(userId, LIMITS.knownAddressesMax);
    return known.map(networkOf).includes(network);
  }

  /** The longest wait first, so that it is the one that is told. */
  const codeLimits = (userId: string, network: string): LimitKey[] =>
    (["code_many", "code_some", "code_few"] as const).map((limit) => [limit, `${userId}\n${network}`]);

  return {
    isKnown,

    /** What an open challenge asks for, of that session where it is one's, for who has to be asked again. Error code: `challenge_ended`. */
    async askAgain(token: string, purpose: Purpose, sessionId?: string): Promise<Asked> {
      const challenge = await challenges.find(token, purpose);
      if (challenge.row.session_id !== (sessionId ?? null)) throw new DuetError("challenge_ended");
      const user = await challenges.userOf(challenge);
      return factors.askFor(await store.factors.listOf(user.id, { confirmed: true }), token);
    },

    /**
     * What an answer proves. Only a wrong one is counted and written down. Error codes: `code_invalid`, `passkey_invalid`,
     * `challenge_ended`, `rate_limited`, `validation_failed`, `unavailable`. Effects: a try of the challenge, permits, and a
     * security event where it was wrong.
     */
    async judge({ kind, challenge, user, held, answer }: Guess, device: Device): Promise<Proved> {
      const network = networkOf(device.ip);
      const ofAll: LimitKey = ["code_account", user.id];
      const known = await isKnown(user.id, network);
      const limits = [...codeLimits(user.id, network), ...(known ? [] : [ofAll])];
      return throttle.counting(limits, isWrong, async () => {
        if (challenge) await challenges.countTry(challenge);
        const proved = await factors.prove(user.id, held, answer, challenge?.token ?? "");
        if ("spend" in proved) return proved;
        if (known) await throttle.has(ofAll);
        const sessionId = challenge?.row.session_id ?? undefined;
        const about = { outcome: "failure" as const, userId: user.id, sessionId };
        await security.note({ kind, ...about }, device);
        if (proved.isCloned) await security.note({ kind: "passkey_cloned", ...about }, device);
        throw new DuetError(answer.passkey === undefined ? "code_invalid" : "passkey_invalid");
      });
    },

    /**
     * Of a password for a name, the same where nobody has it. Networks from which the account has signed in before are spared
     * `login_account`, so that nobody can lock its owner out.
     */
    async loginLimits(account: string, userId: string, network: string): Promise<LimitKey[]> {
      const known = await isKnown(userId, network);
      return [
        ["login_account_and_network", `${account}\n${network}`],
        ["login_network", network],
        ...(known ? [] : [["login_account", account] satisfies LimitKey]),
      ];
    },

    /** After a whole sign-in: the right password that came before it was no try. */
    async forgive(user: UserRow, network: string): Promise<void> {
      const names = [user.username_key, ...(user.email_key === null ? [] : [user.email_key])];
      await throttle.forgive(
        ...names.flatMap((account): LimitKey[] => [
          ["login_account_and_network", `${account}\n${network}`],
          ["login_account", account],
        ]),
        ["login_network", network],
      );
    },
  };
}

const isWrong = (outcome: unknown) =>
  outcome instanceof DuetError && (outcome.code === "code_invalid" || outcome.code === "passkey_invalid");
