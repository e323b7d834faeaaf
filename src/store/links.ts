import type { Queryable } from "../db/index.ts";

export type LinkRow = {
  id: string;
  purpose: "reset" | "invitation";
  secret_hash: string;
  /** Whose password it sets; null for an invitation. */
  user_id: string | null;
  /** What the operator who made it was called then. */
  made_by: string;
  /** That operator; null for the command line. */
  maker_id: string | null;
  created_at: number;
  ends_at: number;
  used_at: number | null;
};

export const linkStore = (q: Queryable) => ({
  insert: (link: Omit<LinkRow, "used_at">) =>
    q.run(
      `INSERT INTO links (id, purpose, secret_hash, user_id, made_by, maker_id, created_at, ends_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      link.id,
      link.purpose,
      link.secret_hash,
      link.user_id,
      link.made_by,
      link.maker_id,
      link.created_at,
      link.ends_at,
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

  /** Those for a user. */
  removeOf: (userId: string) => q.run("DELETE FROM links WHERE user_id = $1", userId),

  /** Those that an operator has made and nobody has used. */
  removeBy: (makerId: string) => q.run("DELETE FROM links WHERE maker_id = $1 AND used_at IS NULL", makerId),

  removeAll: () => q.run("DELETE FROM links"),

  removeBefore: (time: number, limit: number) =>
    q.run("DELETE FROM links WHERE id IN (SELECT id FROM links WHERE ends_at < $1 LIMIT $2)", time, limit),
});
