import { availableParallelism } from "node:os";
import {
  PASSWORD_SUGGESTIONS,
  PASSWORD_WARNINGS,
  type FieldError,
  type PasswordAdvice,
} from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Log } from "../log.ts";
import { createGate } from "./gate.ts";
import { readHash, weightOf } from "./hashes.ts";

/** OWASP's first choice: Argon2id with 19 MiB and two passes. Changing it rehashes each password at its next login. */
const COST: Argon2Cost = { memoryCost: 19_456, timeCost: 2 };

/** KiB and passes. */
export type Argon2Cost = { memoryCost: number; timeCost: number };

/** The zxcvbn score (0 to 4) below which a new password counts as guessable. */
const SCORE_MIN = 3;

export type Weakness = Omit<FieldError, "field">;

/** What may be done in a turn. */
export type Hashing = {
  /** An Argon2id hash in PHC form. */
  hash(password: string): Promise<string>;
  /**
   * Whether a password is right. Without a hash (no such user, or null and void since) it works as long and returns false, so that time
   * tells nothing. `rehashed` is there when the parameters have changed since.
   */
  verify(password: string, stored: string | null): Promise<{ ok: boolean; rehashed?: string }>;
};

export type Passwords = ReturnType<typeof createPasswords>;

/** Passwords: NFKC before anything else, never trimmed, never cut, hashed with Argon2id (NIST SP 800-63B-4 section 3.1.1). */
export function createPasswords(deps: {
  settings: { passwordMin: number };
  log: Log;
  /** What Duet asks for, unless a test pays less. */
  cost?: Argon2Cost | undefined;
}) {
  const { settings, log, cost = COST } = deps;
  const prefix = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=1$`;
  // Argon2 and token signatures share one thread pool, of as many threads: a signature may wait for one hash, and then goes
  // first, since the next hash is handed to the pool only when one has ended.
  const gate = createGate({
    limit: availableParallelism(),
    queueMax: LIMITS.hashQueueMax,
  });
  const normalize = (password: string) => password.normalize("NFKC");
  const hash = (password: string) =>
    Bun.password.hash(normalize(password), { algorithm: "argon2id", ...cost });

  let standIn: Promise<string> | undefined;
  /** What a password is held against where there is no user. */
  function standInHash(): Promise<string> {
    standIn ??= hash(crypto.randomUUID()).catch((error) => {
      standIn = undefined;
      throw error;
    });
    return standIn;
  }

  return {
    /**
     * What is wrong with a new password, with advice where it can be guessed, or null. No composition rules; `about`
     * are words it must not be made of.
     */
    async judge(password: string, about: string[]): Promise<Weakness | null> {
      return (await this.rate(password, about)).weakness;
    },

    /** The same with the estimate itself, from 0 to 4; a password that is refused for its form rates 0. */
    async rate(password: string, about: string[]): Promise<{ score: number; weakness: Weakness | null }> {
      const refused = (weakness: Weakness) => ({ score: 0, weakness });
      if (!password.isWellFormed()) return refused({ code: "ill_formed" });
      const length = [...normalize(password)].length;
      if (length === 0) return refused({ code: "required" });
      if (length < settings.passwordMin) return refused({ code: "too_short", limit: settings.passwordMin });
      if (length > LIMITS.passwordCharsMax)
        return refused({ code: "too_long", limit: LIMITS.passwordCharsMax });
      const { score, advice } = await estimate(normalize(password), about);
      return { score, weakness: score < SCORE_MIN ? { code: "guessable", advice } : null };
    },

    /**
     * Hashing costs much, so it is done in turns, fair by network and one at a time for each account as seen from one
     * network; a hash of another system that costs more takes more places (`stored`, if there is one). What decides whether it may be done (limits) belongs into the turn, or many at once would pass it.
     * Error code: `too_busy`.
     */
    inTurn: <T>(
      account: string,
      network: string,
      work: (hashing: Hashing) => Promise<T>,
      stored: string | null = null,
    ): Promise<T> => {
      const weight = stored === null ? 1 : weightOf(stored);
      return gate({ network, key: `${account}\n${network}`, weight }, () => work({ hash, verify }));
    },
  };

  async function verify(
    password: string,
    stored: string | null,
  ): Promise<{ ok: boolean; rehashed?: string }> {
    // Awaited with a stored hash too: the first login after a start takes as long for everybody.
    const nobody = await standInHash();
    const text = normalize(password);
    // No password is empty or as long as that; Argon2 refuses the first and would work long on the second.
    const tried = text === "" || [...text].length > LIMITS.passwordCharsMax ? " " : text;
    const check = readHash(stored || nobody);
    const failed = (error: unknown) => {
      log("error", "password_hash_unreadable", { reason: String(error) });
      return false;
    };
    let ok = check ? await check(tried).catch(failed) : failed("of no kind that is known, or too dear");
    // Other systems, whose hashes were imported, may have taken it as it was typed.
    if (!ok && check && tried === text && text !== password) ok = await check(password).catch(failed);
    if (!ok || !stored) return { ok: false };
    return stored.startsWith(prefix) ? { ok } : { ok, rehashed: await hash(password) };
  }
}

type Estimate = { score: number; advice: PasswordAdvice };

/** Loaded when the first password is judged: its word lists are megabytes that a start does not need. */
let estimator: Promise<(password: string, about: string[]) => Estimate> | undefined;

async function estimate(password: string, about: string[]): Promise<Estimate> {
  estimator ??= (async () => {
    const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }] = await Promise.all([
      import("@zxcvbn-ts/core"),
      import("@zxcvbn-ts/language-common"),
    ]);
    const zxcvbn = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
    return (text, words) => {
      const { score, feedback } = zxcvbn.check(text, words);
      return { score, advice: adviceIn(feedback) };
    };
  })();
  const judge = await estimator;
  // It takes longer than in proportion to the length, and what is strong in its beginning is strong.
  password = password.slice(0, LIMITS.passwordCharsJudged).toLowerCase();
  const words = [...about, "duet"].map((word) => word.toLowerCase());
  const whole = judge(password, words);
  // What is left without those words must stand on its own: a name twice is one guess.
  const rest = words.reduce((text, word) => text.replaceAll(word, ""), password);
  const { score } = rest === password ? whole : judge(rest, []);
  if (score >= whole.score) return whole;
  return { score, advice: { warning: "userInputs", suggestions: ["anotherWord"] } };
}

/** What we have words for. */
function adviceIn(feedback: { warning: string | null; suggestions: string[] }): PasswordAdvice {
  return {
    warning: PASSWORD_WARNINGS.find((each) => each === feedback.warning) ?? null,
    suggestions: PASSWORD_SUGGESTIONS.filter((each) => feedback.suggestions.includes(each)),
  };
}
