import type { Queryable } from "../db/index.ts";

export const formStore = (q: Queryable) => ({
  /** Whether whoever asks is the first. */
  claim: async (id: string, now: number): Promise<boolean> =>
    (await q.run("INSERT INTO forms (id, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, now)) > 0,

  find: (id: string) =>
    q.one<{ sealed_answer: string | null }>("SELECT sealed_answer FROM forms WHERE id = $1", id),

  keep: (id: string, sealedAnswer: string) =>
    q.run("UPDATE forms SET sealed_answer = $1 WHERE id = $2", sealedAnswer, id),

  release: (id: string) => q.run("DELETE FROM forms WHERE id = $1", id),

  removeBefore: (time: number, limit: number) =>
    q.run("DELETE FROM forms WHERE id IN (SELECT id FROM forms WHERE created_at < $1 LIMIT $2)", time, limit),
});
