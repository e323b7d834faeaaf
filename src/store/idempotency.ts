import type { Queryable } from "../db/index.ts";

export type IdempotencyRow = { fingerprint: string; resource_id: string };

export const idempotencyStore = (q: Queryable) => ({
  /** Keeps what was made under a key, or answers what was made under it before. */
  async claim(userId: string, key: string, row: IdempotencyRow, now: number): Promise<IdempotencyRow | null> {
    const claimed = await q.run(
      `INSERT INTO idempotency_keys (user_id, idempotency_key, fingerprint, resource_id, created_at)
       VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
      userId,
      key,
      row.fingerprint,
      row.resource_id,
      now,
    );
    if (claimed > 0) return null;
    return q.one<IdempotencyRow>(
      "SELECT fingerprint, resource_id FROM idempotency_keys WHERE user_id = $1 AND idempotency_key = $2",
      userId,
      key,
    );
  },

  removeOf: (userId: string, limit: number) =>
    q.run(
      `DELETE FROM idempotency_keys WHERE user_id = $1 AND idempotency_key IN (
         SELECT idempotency_key FROM idempotency_keys WHERE user_id = $1 LIMIT $2)`,
      userId,
      limit,
    ),

  removeBefore: (time: number, limit: number) =>
    q.run(
      `DELETE FROM idempotency_keys WHERE (user_id, idempotency_key) IN (
         SELECT user_id, idempotency_key FROM idempotency_keys WHERE created_at < $1 LIMIT $2)`,
      time,
      limit,
    ),
});
