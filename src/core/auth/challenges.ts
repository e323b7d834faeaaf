import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { ChallengeRow } from "../../store/challenges.ts";
import type { Store, Tables } from "../../store/index.ts";
import type { UserRow } from "../../store/users.ts";
import type { Clock } from "../clock.ts";

export type Challenges = ReturnType<typeof createChallenges>;

export type Purpose = ChallengeRow["purpose"];

/** A challenge as it was given out, and what is known of it. */
export type OpenChallenge = { token: string; row: ChallengeRow };

/** What a new one is about. */
type Subject = {
  purpose: Purpose;
  user: Pick<UserRow, "id" | "password_hash"> | null;
  kind: ChallengeRow["session_kind"];
  key?: string | null;
  amr?: string[];
  session?: { id: string; generation: number };
};

const TOKEN_BYTES = 32;

/**
 * What somebody has still to prove. Of a challenge only a hash is kept; it is answered once, within ten minutes and five tries,
 * however many answers come at once, and not after the password has changed.
 */
export function createChallenges({ store, clock }: { store: Store; clock: Clock }) {
  return {
    /** A new one, as what is given out of it. Effects: `challenges`. */
    async open(tables: Pick<Tables, "challenges">, subject: Subject): Promise<string> {
      const { purpose, user, kind, key = null, amr = [], session } = subject;
      const token = Buffer.from(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))).toString("base64url");
      const now = clock();
      await tables.challenges.insert({
        id: idOf(token),
        purpose,
        user_id: user?.id ?? null,
        session_id: session?.id ?? null,
        generation: session?.generation ?? null,
        session_kind: kind,
        key_thumbprint: key,
        password_version: user ? versionOf(user) : "",
        amr: amr.join(" "),
        created_at: now,
        ends_at: now + LIMITS.challengeMs,
      });
      return token;
    },

    /** One that may be answered, for one of these purposes. Error code: `challenge_ended`. */
    async find(token: string, ...purposes: Purpose[]): Promise<OpenChallenge> {
      const row = await store.challenges.findOpen(idOf(token), clock(), LIMITS.challengeTriesMax);
      if (!row || !purposes.includes(row.purpose)) throw new DuetError("challenge_ended");
      return { token, row };
    },

    /** Whom it asks, as the database says now. Error code: `challenge_ended` for one who is gone, disabled or has another password. */
    async userOf({ row }: OpenChallenge): Promise<UserRow> {
      const user = row.user_id === null ? null : await store.users.find(row.user_id);
      if (!user || user.disabled_at !== null || versionOf(user) !== row.password_version)
        throw new DuetError("challenge_ended");
      return user;
    },

    /** Counts a try, before it is looked at. Error code: `challenge_ended` after five. Effects: `challenges`. */
    async countTry({ row }: OpenChallenge): Promise<void> {
      if (!(await store.challenges.countTry(row.id, clock(), LIMITS.challengeTriesMax)))
        throw new DuetError("challenge_ended");
    },

    /** Uses it up, with what it earns. Error code: `challenge_ended` where another answer was first. */
    async use(tx: Tables, { row }: OpenChallenge): Promise<void> {
      if (!(await tx.challenges.use(row.id, clock()))) throw new DuetError("challenge_ended");
    },
  };
}

/** What a passkey signs of it (base64url): made of what was given out, so that each challenge has its own. */
export const passkeyChallengeOf = (token: string): string => sha256(`passkey\n${token}`);

/** Changes with the password, and says nothing of it. */
export const versionOf = ({ password_hash }: Pick<UserRow, "password_hash">): string => sha256(password_hash);

const idOf = (token: string) => sha256(`challenge\n${token}`);

const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("base64url");
