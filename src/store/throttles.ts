import type { Queryable } from "../db/index.ts";

export const throttleStore = (q: Queryable) => ({
  /**
   * Takes `ms` from a bucket that is full again `windowMs` after it was empty; returns when it will be full now.
   * In one statement, so that of any number of callers each takes its own. What is emptier than empty was left by
   * a clock that has been set back since: it counts as full.
   */
  take: (id: string, now: number, ms: number, windowMs: number) =>
    q.one<{ full_at: number }>(
      `INSERT INTO throttles (id, full_at) VALUES ($1, CAST($2 AS BIGINT) + CAST($3 AS BIGINT))
       ON CONFLICT (id) DO UPDATE SET full_at = $3 + CASE
         WHEN throttles.full_at < $2 THEN $2
         WHEN throttles.full_at > $2 + $4 THEN $2
         ELSE throttles.full_at END
       RETURNING full_at`,
      id,
      now,
      ms,
      windowMs,
    ),

  /** Writes a row that limits nothing and soon goes: done only when it is on the disk. */
  probe: (now: number) =>
    q.run(
      "INSERT INTO throttles (id, full_at) VALUES ('probe', $1) ON CONFLICT (id) DO UPDATE SET full_at = $1",
      now,
    ),

  giveBack: (id: string, ms: number) =>
    q.run("UPDATE throttles SET full_at = full_at - $1 WHERE id = $2", ms, id),

  /** A bucket that is full says nothing. */
  removeFull: (now: number, limit: number) =>
    q.run(
      "DELETE FROM throttles WHERE id IN (SELECT id FROM throttles WHERE full_at < $1 LIMIT $2)",
      now,
      limit,
    ),
});
