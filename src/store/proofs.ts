import type { Queryable } from "../db/index.ts";

type ProofRow = { key: string; id: string; about: string; goodUntil: number };

export const proofStore = (q: Queryable) => ({
  /** Whether it was not there before. */
  insert: async ({ key, id, about, goodUntil }: ProofRow): Promise<boolean> =>
    (await q.run(
      "INSERT INTO proofs (key_thumbprint, id, about, good_until) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
      key,
      id,
      about,
      goodUntil,
    )) > 0,

  aboutOf: async ({ key, id }: Pick<ProofRow, "key" | "id">): Promise<string | undefined> =>
    (
      await q.one<{ about: string }>(
        "SELECT about FROM proofs WHERE key_thumbprint = $1 AND id = $2",
        key,
        id,
      )
    )?.about,

  removeAll: () => q.run("DELETE FROM proofs"),

  /** Those that no process can accept any more. */
  removeBefore: (time: number, limit: number) =>
    q.run(
      `DELETE FROM proofs WHERE (key_thumbprint, id) IN
         (SELECT key_thumbprint, id FROM proofs WHERE good_until < $1 LIMIT $2)`,
      time,
      limit,
    ),
});
