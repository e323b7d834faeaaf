import type { Queryable } from "../db/index.ts";
import type { SessionKind } from "./sessions.ts";

export type ChallengeRow = {
  /** A hash of what was given out. */
  id: string;
  purpose: "sign_in" | "step_up" | "passkey_sign_in" | "passkey_add";
  /** Who has to prove it; null where the passkey will say. */
  user_id: string | null;
  /** In which session, and the generation of the token that was shown; null where there is none yet. */
  session_id: string | null;
  generation: number | null;
  session_kind: SessionKind;
  /** Thumbprint of the program's key that began it (RFC 9449). */
  key_thumbprint: string | null;
  /** Of the password as it was then; empty where there was no user yet. */
  password_version: string;
  /** What was proved already (RFC 8176), as words. */
  amr: string;
  tries: number;
  created_at: number;
  ends_at: number;
  used_at: number | null;
};

export const challengeStore = (q: Queryable) => ({
  insert: (c: Omit<ChallengeRow, "tries" | "used_at">) =>
    q.run(
      `INSERT INTO challenges (id, purpose, user_id, session_id, generation, session_kind, key_thumbprint, password_version, amr, created_at, ends_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      c.id,
      c.purpose,
      c.user_id,
      c.session_id,
      c.generation,
      c.session_kind,
      c.key_thumbprint,
      c.password_version,
      c.amr,
      c.created_at,
      c.ends_at,
    ),

  /** One that may still be answered. */
  findOpen: (id: string, now: number, triesMax: number) =>
    q.one<ChallengeRow>(
      "SELECT * FROM challenges WHERE id = $1 AND used_at IS NULL AND ends_at > $2 AND tries < $3",
      id,
      now,
      triesMax,
    ),

  /** Counts a try before it is looked at: of many at once no more than `triesMax` are told true. */
  countTry: async (id: string, now: number, triesMax: number): Promise<boolean> =>
    (await q.run(
      "UPDATE challenges SET tries = tries + 1 WHERE id = $1 AND used_at IS NULL AND ends_at > $2 AND tries < $3",
      id,
      now,
      triesMax,
    )) > 0,

  /** Uses it up: of any number of callers exactly one is told true. */
  use: async (id: string, now: number): Promise<boolean> =>
    (await q.run(
      "UPDATE challenges SET used_at = $1 WHERE id = $2 AND used_at IS NULL AND ends_at > $1",
      now,
      id,
    )) > 0,

  removeOf: (userId: string) => q.run("DELETE FROM challenges WHERE user_id = $1", userId),

  removeAll: () => q.run("DELETE FROM challenges"),

  removeBefore: (time: number, limit: number) =>
    q.run(
      "DELETE FROM challenges WHERE id IN (SELECT id FROM challenges WHERE ends_at < $1 LIMIT $2)",
      time,
      limit,
    ),
});
