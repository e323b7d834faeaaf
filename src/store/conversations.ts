import type { Queryable } from "../db/index.ts";

export type ConversationRow = {
  id: string;
  owner_id: string;
  title: string;
  created_at: number;
  updated_at: number;
  removed_at: number | null;
  /** The last message that the viewer has read; empty before the first. */
  read_id: string;
  /** How many messages of others the viewer has not read; counted up to a bound. */
  unread: number;
  /** The last message, as much of it as a line shows; null before the first. */
  last_id: string | null;
  last_body: string | null;
  last_removed_at: number | null;
  /** Its author; null once the account is gone. */
  last_author_id: string | null;
  last_username: string | null;
};

const UNREAD_MAX = 100;
const EXCERPT_CHARS = 140;

/** A place in the order of activity. */
type Activity = { time: number; id: string };

/** Of a member, by the conversation `$1`. */
export const ACTIVE_AT = "(SELECT updated_at FROM conversations WHERE id = $1 AND removed_at IS NULL)";

/** What the index members_by_activity answers. */
const OF_ACTIVITY = "members.user_id = $1 AND (members.active_at, members.conversation_id) < ($2, $3)";
const activityValues = (before: Activity | null) =>
  [before?.time ?? Number.MAX_SAFE_INTEGER, before?.id ?? "~"] as const;

/** Every read goes through the viewer's membership: what is not theirs is not there. */
const SELECT = `SELECT conversations.id, owner_id, title, conversations.created_at, updated_at, conversations.removed_at, members.read_id, (SELECT count(*) FROM (
    SELECT 1 FROM messages
     WHERE messages.conversation_id = conversations.id AND messages.id > members.read_id
       AND messages.author_id IS DISTINCT FROM members.user_id AND messages.removed_at IS NULL
     LIMIT ${UNREAD_MAX}) AS new_ones) AS unread,
    last.id AS last_id, substr(last.body, 1, ${EXCERPT_CHARS}) AS last_body, last.removed_at AS last_removed_at,
    last.author_id AS last_author_id, authors.username AS last_username
  FROM members JOIN conversations ON conversations.id = members.conversation_id
  LEFT JOIN messages AS last ON last.id = (SELECT max(id) FROM messages WHERE messages.conversation_id = conversations.id)
  LEFT JOIN users AS authors ON authors.id = last.author_id`;

export const conversationStore = (q: Queryable) => ({
  /** Returns its number. */
  async insert(
    c: Pick<ConversationRow, "id" | "owner_id" | "title" | "created_at" | "updated_at">,
  ): Promise<number> {
    const made = await q.one<{ number: number }>(
      `INSERT INTO conversations (id, owner_id, title, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)
       RETURNING number`,
      c.id,
      c.owner_id,
      c.title,
      c.created_at,
      c.updated_at,
    );
    return made!.number;
  },

  find: (id: string, viewerId: string) =>
    q.one<ConversationRow>(
      `${SELECT} WHERE members.user_id = $1 AND conversations.id = $2 AND conversations.removed_at IS NULL`,
      viewerId,
      id,
    ),

  /**
   * Of any number of transactions that change a conversation, or what is in it, one is under way at a time. To be asked
   * for before anything is written: a change is numbered by its transaction, which has its number with the first write, so
   * that what is noted of a conversation is in the order in which it happened.
   */
  takeTurn: (id: string): Promise<unknown> =>
    q.dialect === "postgres"
      ? q.all("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", id)
      : Promise.resolve(),

  /** One that its owner has removed, and may still have back. */
  findRemoved: (id: string, ownerId: string) =>
    q.one<ConversationRow>(
      `${SELECT} WHERE members.user_id = $1 AND conversations.owner_id = $1 AND conversations.id = $2
         AND conversations.removed_at IS NOT NULL`,
      ownerId,
      id,
    ),

  /** Those that their owner has removed, and may still have back, what went last first. */
  listRemoved: (ownerId: string, before: Activity | null, limit: number) =>
    q.all<Pick<ConversationRow, "id" | "title" | "removed_at">>(
      `SELECT id, title, removed_at FROM conversations
        WHERE owner_id = $1 AND removed_at IS NOT NULL AND (removed_at, id) < ($2, $3)
        ORDER BY removed_at DESC, id DESC LIMIT $4`,
      ownerId,
      ...activityValues(before),
      limit,
    ),

  /** The newest of all without `before`. */
  listByActivity: (viewerId: string, before: Activity | null, limit: number) =>
    q.all<ConversationRow>(
      `${SELECT} WHERE ${OF_ACTIVITY} ORDER BY members.active_at DESC, members.conversation_id DESC LIMIT $4`,
      viewerId,
      ...activityValues(before),
      limit,
    ),

  /** The same conversations, as the index for searching knows them. */
  listNumbers: (viewerId: string, before: Activity | null, limit: number) =>
    q.all<{ id: string; number: number; said: number; time: number }>(
      `SELECT conversations.id, conversations.number, conversations.said, members.active_at AS time
         FROM members JOIN conversations ON conversations.id = members.conversation_id
        WHERE ${OF_ACTIVITY} ORDER BY members.active_at DESC, members.conversation_id DESC LIMIT $4`,
      viewerId,
      ...activityValues(before),
      limit,
    ),

  /** What somebody is in, in the order of the ids, after one of them: no count and no sorting, for going through all. */
  listTitles: (viewerId: string, afterId: string, limit: number) =>
    q.all<Pick<ConversationRow, "id" | "title" | "owner_id" | "created_at" | "updated_at">>(
      `SELECT conversations.id, title, owner_id, created_at, updated_at
         FROM members JOIN conversations ON conversations.id = members.conversation_id
        WHERE members.user_id = $1 AND members.conversation_id > $2 AND conversations.removed_at IS NULL
        ORDER BY members.conversation_id LIMIT $3`,
      viewerId,
      afterId,
      limit,
    ),

  /** Returns its number; null where it is not there. */
  async rename(id: string, title: string): Promise<number | null> {
    const renamed = await q.one<{ number: number }>(
      "UPDATE conversations SET title = $1 WHERE id = $2 RETURNING number",
      title,
      id,
    );
    return renamed && renamed.number;
  },

  /**
   * Counts a message, and moves the time of the last one on, never back: a message with an older clock does not make the
   * conversation older. Returns its number, and how many there have been.
   */
  async countMessage(id: string, now: number): Promise<{ number: number; said: number }> {
    const counted = await q.one<{ number: number; said: number }>(
      `UPDATE conversations SET said = said + 1, updated_at = CASE WHEN updated_at < $1 THEN $1 ELSE updated_at END
        WHERE id = $2 RETURNING number, said`,
      now,
      id,
    );
    await q.run("UPDATE members SET active_at = $1 WHERE conversation_id = $2 AND active_at < $1", now, id);
    return counted!;
  },

  /** From its owner to somebody else who is in it; of another's nothing changes. */
  passOn: (id: string, ownerId: string, heirId: string) =>
    q.run("UPDATE conversations SET owner_id = $1 WHERE id = $2 AND owner_id = $3", heirId, id, ownerId),

  /** Some of those that a user is in, or owns. */
  idsOf: async (userId: string, limit: number) => {
    const rows = await q.all<{ id: string }>(
      `SELECT id FROM (SELECT conversation_id AS id FROM members WHERE user_id = $1 ORDER BY conversation_id LIMIT $2) AS theirs
        UNION SELECT id FROM (SELECT id FROM conversations WHERE owner_id = $1 LIMIT $2) AS owned`,
      userId,
      limit,
    );
    return rows.map((row) => row.id);
  },

  /** Out of sight, and back: `null` brings it back. Returns whether that changed anything. */
  async setRemoved(id: string, time: number | null) {
    const changed = await q.run(
      "UPDATE conversations SET removed_at = $1 WHERE id = $2 AND (removed_at IS NULL) <> (CAST($1 AS BIGINT) IS NULL)",
      time,
      id,
    );
    await q.run(`UPDATE members SET active_at = ${ACTIVE_AT} WHERE conversation_id = $1`, id);
    return changed > 0;
  },

  /** The one that was removed first of those before `time`; nobody brings it back while the transaction goes on. */
  findRemovedBefore: (time: number) =>
    q.one<{ id: string }>(
      "SELECT id FROM conversations WHERE removed_at < $1 ORDER BY removed_at LIMIT 1 FOR NO KEY UPDATE",
      time,
    ),

  /** For good, with all that was said and done in it: some of that, or it where there is no more. Returns how many rows went. */
  async remove(id: string, limit: number) {
    const notes = await q.run(
      "DELETE FROM notes WHERE id IN (SELECT id FROM notes WHERE conversation_id = $1 LIMIT $2)",
      id,
      limit,
    );
    if (notes > 0) return notes;
    const removed = await q.run(
      "DELETE FROM messages WHERE number IN (SELECT number FROM messages WHERE conversation_id = $1 LIMIT $2)",
      id,
      limit,
    );
    return removed || q.run("DELETE FROM conversations WHERE id = $1", id);
  },
});
