import type { Queryable } from "../db/index.ts";

export type MessageRow = {
  id: string;
  conversation_id: string;
  author_id: string | null;
  /** null once the author's account is gone */
  author_username: string | null;
  /** empty once it was taken back */
  body: string;
  created_at: number;
  edited_at: number | null;
  removed_at: number | null;
};

/** A message with its author's name. */
export const SELECT_MESSAGE = `SELECT messages.id, messages.conversation_id, users.id AS author_id, messages.body, messages.created_at,
    messages.edited_at, messages.removed_at, users.username AS author_username
  FROM messages LEFT JOIN users ON users.id = messages.author_id AND users.username IS NOT NULL`;

export const messageStore = (q: Queryable) => ({
  find: (conversationId: string, id: string) =>
    q.one<MessageRow>(
      `${SELECT_MESSAGE} WHERE messages.conversation_id = $1 AND messages.id = $2`,
      conversationId,
      id,
    ),

  /** Where the index has a message. */
  placeOf: (id: string) =>
    q.one<{ conversation: number; part: number }>(
      `SELECT conversations.number AS conversation, messages.part FROM messages
         JOIN conversations ON conversations.id = messages.conversation_id WHERE messages.id = $1`,
      id,
    ),

  /** Where the index has one that somebody may read. */
  placeFor: (id: string, viewerId: string) =>
    q.one<{ number: number; conversation: number; part: number }>(
      `SELECT messages.number, conversations.number AS conversation, messages.part FROM messages
         JOIN members ON members.conversation_id = messages.conversation_id AND members.user_id = $1
         JOIN conversations ON conversations.id = messages.conversation_id
        WHERE messages.id = $2`,
      viewerId,
      id,
    ),

  newestIn: async (conversationId: string): Promise<string> => {
    const newest = await q.one<{ id: string | null }>(
      "SELECT max(id) AS id FROM messages WHERE conversation_id = $1",
      conversationId,
    );
    return newest?.id ?? "";
  },

  insert: (
    m: Pick<MessageRow, "id" | "conversation_id" | "author_id" | "body" | "created_at"> & { part: number },
  ) =>
    q.run(
      `INSERT INTO messages (id, conversation_id, part, author_id, body, created_at)
       VALUES ($1, $2, $3, $4, $5, $6)`,
      m.id,
      m.conversation_id,
      m.part,
      m.author_id,
      m.body,
      m.created_at,
    ),

  /** Changes a message that its author has not taken back; returns whether there was one. */
  edit: (conversationId: string, id: string, authorId: string, body: string, now: number) =>
    q.run(
      `UPDATE messages SET body = $1, edited_at = $2
        WHERE conversation_id = $3 AND id = $4 AND author_id = $5 AND removed_at IS NULL`,
      body,
      now,
      conversationId,
      id,
      authorId,
    ),

  /** Takes a message back: its place stays, its text goes. Returns whether there was one. */
  takeBack: (conversationId: string, id: string, authorId: string, now: number) =>
    q.run(
      `UPDATE messages SET body = '', removed_at = $1
        WHERE conversation_id = $2 AND id = $3 AND author_id = $4 AND removed_at IS NULL`,
      now,
      conversationId,
      id,
      authorId,
    ),

  /** Some of what somebody said is nobody's from now on. */
  forgetAuthor: (authorId: string, limit: number) =>
    q.run(
      "UPDATE messages SET author_id = NULL WHERE number IN (SELECT number FROM messages WHERE author_id = $1 LIMIT $2)",
      authorId,
      limit,
    ),

  /** The newest ones before a message, newest first. */
  listBefore: (conversationId: string, beforeId: string, limit: number) =>
    q.all<MessageRow>(
      `${SELECT_MESSAGE} WHERE messages.conversation_id = $1 AND messages.id < $2 ORDER BY messages.id DESC LIMIT $3`,
      conversationId,
      beforeId,
      limit,
    ),

  /** The oldest ones after a message, oldest first. */
  listAfter: (conversationId: string, afterId: string, limit: number) =>
    q.all<MessageRow>(
      `${SELECT_MESSAGE} WHERE messages.conversation_id = $1 AND messages.id > $2 ORDER BY messages.id LIMIT $3`,
      conversationId,
      afterId,
      limit,
    ),

  /** What somebody said and has not taken back, oldest first, after a message. */
  listByAuthor: (authorId: string, afterId: string, limit: number) =>
    q.all<MessageRow>(
      `${SELECT_MESSAGE} WHERE messages.author_id = $1 AND messages.id > $2 AND messages.removed_at IS NULL
        ORDER BY messages.id LIMIT $3`,
      authorId,
      afterId,
      limit,
    ),
});
