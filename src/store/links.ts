import type { Queryable } from "../db/index.ts";

export type LinkRow = {
  id: string;
  purpose: "reset" | "invitation" | "verify" | "undo";
  secret_hash: string;
  /** Whose password or address it is about; null for an invitation. */
  user_id: string | null;
  /** The address that it confirms, or gives back. */
  email: string | null;
  /** What the operator who made it was called then; empty where a letter has it. */
  made_by: string;
  /** That operator; null for the command line. */
  maker_id: string | null;
  created_at: number;
  ends_at: number;
  /** Whether the new password takes all second factors away: 0 or 1. */
  without_factors: number;
  used_at: number | null;
};

export const linkStore = (q: Queryable) => ({
  insert: (link: Omit<LinkRow, "used_at">) =>
    q.run(
      `INSERT INTO links (id, purpose, secret_hash, user_id, email, made_by, maker_id, created_at, ends_at, without_factors)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      link.id,
      link.purpose,
      link.secret_hash,
      link.user_id,
      link.email,
      link.made_by,
      link.maker_id,
      link.created_at,
      link.ends_at,
      link.without_factors,
    ),

  find: (id: string) => q.one<LinkRow>("SELECT * FROM links WHERE id = $1", id),

  /** The one for a user that was made last. */
  lastOf: (userId: string, purpose: LinkRow["purpose"]) =>
    q.one<LinkRow>(
      "SELECT * FROM links WHERE user_id = $1 AND purpose = $2 ORDER BY id DESC LIMIT 1",
      userId,
      purpose,
    ),

  /** Of those for a user about an address that may still be used, the one that was made first. */
  firstOpen: (userId: string, purpose: LinkRow["purpose"], email: string, now: number) =>
    q.one<LinkRow>(
      `SELECT * FROM links WHERE user_id = $1 AND purpose = $2 AND email = $3 AND used_at IS NULL AND ends_at > $4
        ORDER BY id LIMIT 1`,
      userId,
      purpose,
      email,
      now,
    ),

  /** One that may still be used. */
  findOpen: (purpose: LinkRow["purpose"], secretHash: string, now: number) =>
    q.one<LinkRow>(
      "SELECT * FROM links WHERE secret_hash = $1 AND purpose = $2 AND used_at IS NULL AND ends_at > $3",
      secretHash,
      purpose,
      now,
    ),

  /** Uses it up: of any number of callers exactly one is told true. */
  use: async (id: string, now: number): Promise<boolean> =>
    (await q.run(
      "UPDATE links SET used_at = $1 WHERE id = $2 AND used_at IS NULL AND ends_at > $1",
      now,
      id,
    )) > 0,

  /** Those of a purpose, newest first. */
  list: (purpose: LinkRow["purpose"], limit: number) =>
    q.all<LinkRow>("SELECT * FROM links WHERE purpose = $1 ORDER BY id DESC LIMIT $2", purpose, limit),

  remove: (purpose: LinkRow["purpose"], id: string) =>
    q.run("DELETE FROM links WHERE id = $1 AND purpose = $2 AND used_at IS NULL", id, purpose),

  /** Those for a user; of one purpose where it is named. */
  removeOf: (userId: string, purpose: LinkRow["purpose"] | null = null) =>
    q.run(
      "DELETE FROM links WHERE user_id = $1 AND (CAST($2 AS TEXT) IS NULL OR purpose = $2)",
      userId,
      purpose,
    ),

  /** Those for the same user that were made after one. */
  removeLater: ({ user_id, id }: Pick<LinkRow, "user_id" | "id">, purpose: LinkRow["purpose"]) =>
    q.run("DELETE FROM links WHERE user_id = $1 AND id > $2 AND purpose = $3", user_id, id, purpose),

  /** Gives one that may still be used another end. */
  extend: async (id: string, now: number, endsAt: number): Promise<boolean> =>
    (await q.run(
      "UPDATE links SET ends_at = $1 WHERE id = $2 AND used_at IS NULL AND ends_at > $3",
      endsAt,
      id,
      now,
    )) > 0,

  /** Those that an operator has made and nobody has used. */
  removeBy: (makerId: string) => q.run("DELETE FROM links WHERE maker_id = $1 AND used_at IS NULL", makerId),

  removeAll: () => q.run("DELETE FROM links"),

  removeBefore: (time: number, limit: number) =>
    q.run("DELETE FROM links WHERE id IN (SELECT id FROM links WHERE ends_at < $1 LIMIT $2)", time, limit),
});
