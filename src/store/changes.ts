import type { Queryable } from "../db/index.ts";
import { CHANGES_LOCK } from "../db/settled.ts";

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

/**
 * Where several processes write, what is numbered first need not be committed first. So a transaction says before it takes
 * a number that one is coming which is greater than the last there was; `db/settled.ts` reads that.
 */
const INSERT = `INSERT INTO changes (conversation_id, user_id, kind, message_id, created_at)
  VALUES ($1, $2, $3, $4, $5) RETURNING id`;
const SAY_AND_INSERT = `WITH coming AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(${CHANGES_LOCK}, (last_value & 2147483647)::int) AS said FROM changes_id_seq)
  INSERT INTO changes (id, conversation_id, user_id, kind, message_id, created_at)
  SELECT nextval('changes_id_seq'), $1, $2, $3, $4, $5 FROM coming WHERE said::text IS NOT NULL RETURNING id`;

/** `isTransaction`: of one, and for its length; the first thing that it says is true of all that follows. */
export const changeStore = (q: Queryable, isTransaction: boolean) => {
  let isSaid = q.dialect === "sqlite";
  return {
    async insert(c: Omit<ChangeRow, "id">): Promise<ChangeRow> {
      const sql = isSaid ? INSERT : SAY_AND_INSERT;
      isSaid ||= isTransaction;
      const made = await q.one<{ id: number }>(
        sql,
        c.conversation_id,
        c.user_id,
        c.kind,
        c.message_id,
        c.created_at,
      );
      return { ...c, id: made!.id };
    },

    /** The first one after `afterId`, and not after `upTo`, that a user may know of. */
    nextFor: (userId: string, afterId: number, upTo: number) =>
      q.one<ChangeRow>(
        // Each index finds its own first row: what others talk about is not gone through.
        `SELECT * FROM changes WHERE id = (SELECT min(id) FROM (
         SELECT min(id) AS id FROM changes WHERE id > $1 AND id <= $2 AND user_id = $3
          UNION ALL
         SELECT (SELECT min(id) FROM changes
                  WHERE conversation_id = members.conversation_id AND id > $1 AND id <= $2 AND user_id IS NULL) AS id
           FROM members WHERE members.user_id = $3) AS firsts)`,
        afterId,
        upTo,
        userId,
      ),

    find: (id: number) => q.one<ChangeRow>("SELECT * FROM changes WHERE id = $1", id),

    /** There always is one. */
    newest: async (upTo: number) =>
      (await q.one<ChangeRow>(
        `SELECT * FROM changes
        WHERE id = COALESCE((SELECT max(id) FROM changes WHERE id <= $1), (SELECT min(id) FROM changes))`,
        upTo,
      ))!,

    /** Forgets all of them, and goes on counting from `id`: nobody's place from before is one any more. */
    async beginAnew(id: number, now: number): Promise<void> {
      await q.run("DELETE FROM changes");
      await q.run(
        "INSERT INTO changes (id, conversation_id, kind, created_at) VALUES ($1, '', 'start', $2)",
        id,
        now,
      );
      if (q.dialect === "postgres") await q.one("SELECT setval('changes_id_seq', $1)", id);
    },

    /** The newest one stays: it says how far the count has come. */
    removeBefore: (time: number, limit: number) =>
      q.run(
        `DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE created_at < $1 LIMIT $2)
          AND id < (SELECT max(id) FROM changes)`,
        time,
        limit,
      ),
  };
};
