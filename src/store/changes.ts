import type { Queryable } from "../db/index.ts";

/** `start` is where the list begins, and told to nobody. */
export type ChangeKind = "start" | "message" | "conversation" | "members" | "read" | "conversation_removed";

export type ChangeRow = {
  id: number;
  conversation_id: string;
  user_id: string | null;
  kind: ChangeKind;
  message_id: string | null;
  created_at: number;
};

export const changeStore = (q: Queryable) => ({
  async insert(c: Omit<ChangeRow, "id">): Promise<ChangeRow> {
    const made = await q.one<{ id: number }>(
      `INSERT INTO changes (conversation_id, user_id, kind, message_id, created_at)
       VALUES ($1, $2, $3, $4, $5) RETURNING id`,
      c.conversation_id,
      c.user_id,
      c.kind,
      c.message_id,
      c.created_at,
    );
    return { ...c, id: made!.id };
  },

  /** The first one after `afterId` that a user may know of. */
  nextFor: (userId: string, afterId: number) =>
    q.one<ChangeRow>(
      // Each index finds its own first row: what others talk about is not gone through.
      `SELECT * FROM told_changes WHERE id = (SELECT min(id) FROM (
         SELECT min(id) AS id FROM told_changes WHERE id > $1 AND user_id = $2
          UNION ALL
         SELECT (SELECT min(id) FROM told_changes
                  WHERE conversation_id = members.conversation_id AND id > $1 AND user_id IS NULL) AS id
           FROM members WHERE members.user_id = $2) AS firsts)`,
      afterId,
      userId,
    ),

  find: (id: number) => q.one<ChangeRow>("SELECT * FROM told_changes WHERE id = $1", id),

  /** There always is one. */
  newest: async () =>
    (await q.one<ChangeRow>("SELECT * FROM told_changes WHERE id = (SELECT max(id) FROM told_changes)"))!,

  /** The newest one stays: it says how far the count has come. */
  removeBefore: (time: number, limit: number) =>
    q.run(
      `DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE created_at < $1 LIMIT $2)
          AND id < (SELECT max(id) FROM changes)`,
      time,
      limit,
    ),
});
