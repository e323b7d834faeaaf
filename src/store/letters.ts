import type { Queryable } from "../db/index.ts";

export type LetterRow = {
  id: string;
  kind: "forgotten" | "verify" | "email_changed" | "notice";
  /** To whom; null where that is not known before it is sent. */
  user_id: string | null;
  /** Where to, as it was when it was put; null where that is looked for when it is sent. */
  address: string | null;
  /** The id of a link or of a security event, or a name that somebody has typed, sealed. */
  about: string | null;
  created_at: number;
  tries: number;
  next_at: number;
};

export const letterStore = (q: Queryable) => ({
  insert: (l: Omit<LetterRow, "tries" | "next_at">) =>
    q.run(
      `INSERT INTO letters (id, kind, user_id, address, about, created_at, next_at)
       VALUES ($1, $2, $3, $4, $5, $6, $6)`,
      l.id,
      l.kind,
      l.user_id,
      l.address,
      l.about,
      l.created_at,
    ),

  /** Those whose time has come, the longest due first. */
  due: (now: number, limit: number) =>
    q.all<LetterRow>("SELECT * FROM letters WHERE next_at <= $1 ORDER BY next_at LIMIT $2", now, limit),

  /** For one process to send it, unless another has begun: until then nobody else does. */
  claim: async ({ id, next_at }: LetterRow, until: number): Promise<boolean> =>
    (await q.run(
      "UPDATE letters SET next_at = $1, tries = tries + 1 WHERE id = $2 AND next_at = $3",
      until,
      id,
      next_at,
    )) > 0,

  postpone: (id: string, until: number) => q.run("UPDATE letters SET next_at = $1 WHERE id = $2", until, id),

  remove: (id: string) => q.run("DELETE FROM letters WHERE id = $1", id),

  removeOf: (userId: string) => q.run("DELETE FROM letters WHERE user_id = $1", userId),

  removeAll: () => q.run("DELETE FROM letters"),
});
