import type { Queryable } from "../db/index.ts";

/** A form, and by which claim of it. */
type Claimed = { id: string; claim: string };

export const formStore = (q: Queryable) => ({
  /** Whether whoever asks is the first. */
  claim: async ({ id, claim }: Claimed, now: number): Promise<boolean> =>
    (await q.run(
      "INSERT INTO forms (id, claim, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
      id,
      claim,
      now,
    )) > 0,

  find: (id: string) =>
    q.one<{ claim: string; sealed_answer: string | null }>(
      "SELECT claim, sealed_answer FROM forms WHERE id = $1",
      id,
    ),

  keep: ({ id, claim }: Claimed, sealedAnswer: string) =>
    q.run("UPDATE forms SET sealed_answer = $1 WHERE id = $2 AND claim = $3", sealedAnswer, id, claim),

  /** Of another claim nothing changes. */
  release: ({ id, claim }: Claimed) => q.run("DELETE FROM forms WHERE id = $1 AND claim = $2", id, claim),

  removeAll: () => q.run("DELETE FROM forms"),

  removeBefore: (time: number, limit: number) =>
    q.run("DELETE FROM forms WHERE id IN (SELECT id FROM forms WHERE created_at < $1 LIMIT $2)", time, limit),
});
