import type { Queryable } from "../db/index.ts";

export type ConversationRow = {
  id: string;
  owner_id: string;
  title: string;
  created_at: number;
  updated_at: number;
};

/** `null` on both means: from the newest on. */
export type ActivityCursor = { updatedAt: number; id: string } | null;

/** Every read goes through the viewer's membership: what is not theirs is not there. */
export const conversationStore = (q: Queryable) => ({
  insert: (c: ConversationRow) =>
    q.run(
      "INSERT INTO conversations (id, owner_id, title, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)",
      c.id,
      c.owner_id,
      c.title,
      c.created_at,
      c.updated_at,
    ),

  find: (id: string, viewerId: string) =>
    q.one<ConversationRow>(
      `SELECT conversations.* FROM conversations
         JOIN members ON members.conversation_id = conversations.id AND members.user_id = $1
        WHERE conversations.id = $2`,
      viewerId,
      id,
    ),

  listByActivity: (viewerId: string, before: ActivityCursor, limit: number) =>
    q.all<ConversationRow>(
      `SELECT conversations.* FROM members JOIN conversations ON conversations.id = members.conversation_id
        WHERE members.user_id = $1 AND (conversations.updated_at, conversations.id) < ($2, $3)
        ORDER BY conversations.updated_at DESC, conversations.id DESC LIMIT $4`,
      viewerId,
      before?.updatedAt ?? Number.MAX_SAFE_INTEGER,
      before?.id ?? "~",
      limit,
    ),

  rename: (id: string, title: string) =>
    q.run("UPDATE conversations SET title = $1 WHERE id = $2", title, id),

  /** Never backwards: a message with an older clock does not make the conversation older. */
  touch: (id: string, now: number) =>
    q.run("UPDATE conversations SET updated_at = $1 WHERE id = $2 AND updated_at < $1", now, id),

  /** An owner who goes leaves what they share to whoever has been in it longest. */
  passOn: (ownerId: string) =>
    q.run(
      `UPDATE conversations SET owner_id = (
         SELECT user_id FROM members WHERE conversation_id = conversations.id AND user_id <> $1
          ORDER BY joined_at, user_id LIMIT 1)
        WHERE owner_id = $1 AND EXISTS (
         SELECT 1 FROM members WHERE conversation_id = conversations.id AND user_id <> $1)`,
      ownerId,
    ),

  /** Every conversation that a user is in. */
  idsOf: async (userId: string) => {
    const rows = await q.all<{ conversation_id: string }>(
      "SELECT conversation_id FROM members WHERE user_id = $1",
      userId,
    );
    return rows.map((row) => row.conversation_id);
  },

  remove: (id: string) => q.run("DELETE FROM conversations WHERE id = $1", id),
});
