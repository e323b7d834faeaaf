import type { Queryable } from "../db/index.ts";

export type KeyState = "next" | "active" | "retired";

export type KeyRow = {
  id: string;
  algorithm: string;
  state: KeyState;
  /** JSON */
  public_jwk: string;
  sealed_keys: string;
  created_at: number;
  activated_at: number | null;
  retired_at: number | null;
};

export const keyStore = (q: Queryable) => ({
  list: () => q.all<KeyRow>("SELECT * FROM signing_keys ORDER BY created_at, state, id"),

  insert: (key: KeyRow) =>
    q.run(
      `INSERT INTO signing_keys (id, algorithm, state, public_jwk, sealed_keys, created_at, activated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      key.id,
      key.algorithm,
      key.state,
      key.public_jwk,
      key.sealed_keys,
      key.created_at,
      key.activated_at,
    ),

  /** Of any number of processes that retire one key exactly one changes a row. */
  retire: (id: string, now: number) =>
    q.run(
      "UPDATE signing_keys SET state = 'retired', retired_at = $1 WHERE id = $2 AND state = 'active'",
      now,
      id,
    ),

  activateNext: (now: number) =>
    q.run("UPDATE signing_keys SET state = 'active', activated_at = $1 WHERE state = 'next'", now),

  reseal: (id: string, sealedKeys: string) =>
    q.run("UPDATE signing_keys SET sealed_keys = $1 WHERE id = $2", sealedKeys, id),

  removeRetiredBefore: (time: number) =>
    q.run("DELETE FROM signing_keys WHERE state = 'retired' AND retired_at < $1", time),
});
