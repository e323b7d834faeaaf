import type { Queryable } from "../db/index.ts";

/** A session of nobody; times are epoch milliseconds. */
export type GuestRow = {
  id: string;
  generation: number;
  rotated_at: number;
  confirmed_at: number | null;
  previous_confirmed_at: number | null;
  created_at: number;
  ends_at: number;
  ended_at: number | null;
};

const IS_LIVE = "ended_at IS NULL";

export const guestStore = (q: Queryable) => ({
  insert: (guest: Omit<GuestRow, "confirmed_at" | "previous_confirmed_at" | "ended_at">) =>
    q.run(
      "INSERT INTO guests (id, generation, rotated_at, created_at, ends_at) VALUES ($1, $2, $3, $4, $5)",
      guest.id,
      guest.generation,
      guest.rotated_at,
      guest.created_at,
      guest.ends_at,
    ),

  find: (id: string) => q.one<GuestRow>("SELECT * FROM guests WHERE id = $1", id),

  /** One step, if the row is where it was read; of any number of callers exactly one is told true. */
  advance: async ({ id, generation, rotated_at, previous_confirmed_at }: GuestRow): Promise<boolean> =>
    (await q.run(
      `UPDATE guests SET generation = $1, rotated_at = $2, confirmed_at = NULL, previous_confirmed_at = $3
        WHERE id = $4 AND generation = $1 - 1 AND ${IS_LIVE}`,
      generation,
      rotated_at,
      previous_confirmed_at,
      id,
    )) > 0,

  /** Notes the first use of the newest generation; later calls change nothing. */
  confirm: async (id: string, generation: number, now: number): Promise<boolean> =>
    (await q.run(
      `UPDATE guests SET confirmed_at = $1 WHERE id = $2 AND generation = $3 AND confirmed_at IS NULL AND ${IS_LIVE}`,
      now,
      id,
      generation,
    )) > 0,

  end: (id: string, now: number) =>
    q.run(`UPDATE guests SET ended_at = $1 WHERE id = $2 AND ${IS_LIVE}`, now, id),

  /** Of those beyond `n` some go, the oldest first, and never the one that was just made. */
  async keepNewest(n: number, newId: string, limit: number): Promise<void> {
    const { n: all } = (await q.one<{ n: number }>("SELECT count(*) AS n FROM guests"))!;
    if (all <= n) return;
    await q.run(
      "DELETE FROM guests WHERE id IN (SELECT id FROM guests WHERE id <> $1 ORDER BY id LIMIT $2)",
      newId,
      Math.min(all - n, limit),
    );
  },

  removeAll: () => q.run("DELETE FROM guests"),

  removeBefore: (time: number, limit: number) =>
    q.run("DELETE FROM guests WHERE id IN (SELECT id FROM guests WHERE ends_at < $1 LIMIT $2)", time, limit),
});
