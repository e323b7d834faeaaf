import type { Store, Tables } from "../../store/index.ts";
import { DuetError, type ErrorCode } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Clock } from "../clock.ts";

/** So many at once, and then one more each `everyMs`. */
type Limit = { burst: number; everyMs: number };

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/**
 * Every limit, by what is counted (NIST SP 800-63B-4 section 3.2.2, OWASP ASVS 6.1.1). `login_`, `password_`, `code_` and
 * `invite_` limit guessing: what was right gives its permit back. All others limit work, right or wrong. `login_account` is what keeps many addresses together from
 * guessing one password; it does not hold for addresses from which the account has signed in before, so that
 * nobody can lock its owner out of them.
 */
export const THROTTLES = {
  login_account_and_network: { burst: 8, everyMs: 2 * MINUTE },
  login_account: { burst: 50, everyMs: 5 * MINUTE },
  login_network: { burst: 50, everyMs: 6 * SECOND },
  // Three that hold at once, so that the wait between two tries grows.
  code_few: { burst: 5, everyMs: 15 * SECOND },
  code_some: { burst: 10, everyMs: MINUTE },
  code_many: { burst: 20, everyMs: 10 * MINUTE },
  code_account: { burst: LIMITS.wrongCodesMax, everyMs: 24 * 60 * MINUTE },
  challenge_account: { burst: 30, everyMs: 10 * SECOND },
  passkey_network: { burst: 60, everyMs: SECOND },
  forgot_network: { burst: 10, everyMs: MINUTE },
  forgot_account_and_network: { burst: 3, everyMs: 5 * MINUTE },
  forgot_letters: { burst: 5, everyMs: 5 * MINUTE },
  verify_letters: { burst: 5, everyMs: 10 * MINUTE },
  email_account: { burst: 5, everyMs: 5 * MINUTE },
  register_network: { burst: 30, everyMs: MINUTE },
  judge_account: { burst: 60, everyMs: SECOND },
  judge_network: { burst: 60, everyMs: SECOND },
  hash_account_and_network: { burst: 30, everyMs: 4 * SECOND },
  hash_network: { burst: 100, everyMs: SECOND / 2 },
  export_account: { burst: 4, everyMs: 5 * MINUTE },
  export_network: { burst: 20, everyMs: MINUTE },
  search_account: { burst: 60, everyMs: SECOND / 2 },
  password_account: { burst: LIMITS.wrongCodesMax, everyMs: 2 * MINUTE },
  password_account_and_network: { burst: 8, everyMs: 2 * MINUTE },
  profile_account: { burst: 20, everyMs: MINUTE },
  refresh_session: { burst: 200, everyMs: SECOND },
  proof_key: { burst: 20_000, everyMs: 10 },
  notice_session: { burst: 1, everyMs: 60 * MINUTE },
  message_account: { burst: 60, everyMs: SECOND },
  conversation_account: { burst: 60, everyMs: 10 * SECOND },
  invite_account: { burst: 10, everyMs: 2 * MINUTE },
  guest_network: { burst: 20, everyMs: MINUTE },
  guest_wide_network: { burst: 60, everyMs: 20 * SECOND },
  stream_account: { burst: 60, everyMs: SECOND },
} satisfies Record<string, Limit>;

export type ThrottleName = keyof typeof THROTTLES;

/** A limit and whom it counts. */
export type LimitKey = [limit: ThrottleName, key: string];

/** What a turn of hashing costs (Passwords.inTurn). */
export const hashingOf = (account: string, network: string): LimitKey[] => [
  ["hash_account_and_network", `${account}\n${network}`],
  ["hash_network", network],
];

/** What judging a new password costs, which blocks the event loop for a while; of an account only once there is one. */
export const judgingOf = (userId: string | undefined, network: string): LimitKey[] => [
  ...(userId === undefined ? [] : [["judge_account", userId] satisfies LimitKey]),
  ["judge_network", network],
];

type Permits = { id: string; everyMs: number }[];

export type Throttle = ReturnType<typeof createThrottle>;

/**
 * Limits as leaky buckets (GCRA), one row each: atomic, and the same after a restart. `off` lets
 * everything through.
 */
export function createThrottle(deps: { store: Store; clock: Clock; settings: { rateLimits: "on" | "off" } }) {
  const { store, clock, settings } = deps;

  const takeIn = async (tables: Pick<Tables, "throttles">, ...wanted: LimitKey[]): Promise<Permits> =>
    settings.rateLimits === "off" ? [] : takeEach(tables, wanted);

  async function takeEach(tables: Pick<Tables, "throttles">, wanted: LimitKey[]): Promise<Permits> {
    const permits: Permits = [];
    const now = clock();
    for (const [limit, key] of wanted) {
      const { burst, everyMs } = THROTTLES[limit];
      const id = bucketOf(limit, key);
      const windowMs = burst * everyMs;
      const taken = await tables.throttles.take(id, now, everyMs, windowMs);
      const overMs = (taken?.full_at ?? 0) - now - windowMs;
      if (overMs > 0) throw new DuetError("rate_limited", { retryAfterSeconds: Math.ceil(overMs / SECOND) });
      permits.push({ id, everyMs });
    }
    return permits;
  }

  const take = async (...wanted: LimitKey[]): Promise<Permits> =>
    settings.rateLimits === "off" ? [] : store.tx((tables) => takeIn(tables, ...wanted));

  const giveBack = (permits: Permits) =>
    store.tx(async (tables) => {
      for (const { id, everyMs } of permits) await tables.throttles.giveBack(id, everyMs);
    });

  return {
    /**
     * Takes one permit of each limit, or of none. Error code: `rate_limited` with the seconds to wait. Effects:
     * one row in `throttles` for each.
     */
    async take(...wanted: LimitKey[]): Promise<void> {
      await take(...wanted);
    },

    /** The same as part of a transaction, which is undone as a whole where one of them is used up. */
    takeIn,

    /** Whether there is a permit, whatever the setting: for what Duet itself does not do more often. Effect: it is taken. */
    async has(wanted: LimitKey): Promise<boolean> {
      try {
        await store.tx((tables) => takeEach(tables, [wanted]));
        return true;
      } catch (error) {
        if (isCode("rate_limited")(error)) return false;
        throw error;
      }
    },

    /** Gives a permit of each limit back, of what turned out to be right later. Effects: `throttles`. */
    forgive: (...taken: LimitKey[]): Promise<void> =>
      giveBack(
        taken.map(([limit, key]) => ({ id: bucketOf(limit, key), everyMs: THROTTLES[limit].everyMs })),
      ),

    /**
     * Takes a permit of each limit, does `work`, and gives those of `wanted` back unless `counts(outcome)`: `outcome` is the
     * error that was thrown, or what `work` has answered. Error codes: `rate_limited`, and those of `work`. They are back before whoever asks
     * next takes one, since writes are done in order; nobody waits for it.
     */
    async counting<T>(
      wanted: LimitKey[],
      counts: (outcome: unknown) => boolean,
      work: () => Promise<T>,
      always: LimitKey[] = [],
    ): Promise<T> {
      const permits = (await take(...wanted, ...always)).slice(0, wanted.length);
      const settle = (outcome: unknown) => {
        // A permit too few is no reason to fail.
        if (permits.length > 0 && !counts(outcome)) void giveBack(permits).catch(() => undefined);
      };
      try {
        const result = await work();
        settle(result);
        return result;
      } catch (error) {
        settle(error);
        throw error;
      }
    },
  };
}

/** Hashed: people type passwords where names belong, and a table of limits is no place for addresses. */
const bucketOf = (limit: ThrottleName, key: string) =>
  new Bun.CryptoHasher("sha256").update(`${limit}\n${key}`).digest("base64url");

/** An outcome to count: an error of this code. */
export const isCode = (code: ErrorCode) => (outcome: unknown) =>
  outcome instanceof DuetError && outcome.code === code;

/** Whether an outcome says only that the server could not do it now (503). */
export const isUnavailable = (outcome: unknown) => outcome instanceof DuetError && outcome.status === 503;
