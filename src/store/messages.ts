import type { Queryable } from "../db/index.ts";

export type MessageRow = {
  id: string;
  conversation_id: string;
  author_id: string | null;
  /** null once the author's account is gone */
  author_username: string | null;
  body: string;
  created_at: number;
};

const SELECT = `SELECT messages.*, users.username AS author_username
  FROM messages LEFT JOIN users ON users.id = messages.author_id`;

export const messageStore = (q: Queryable) => ({
  find: (conversationId: string, id: string) =>
    q.one<MessageRow>(
      `${SELECT} WHERE messages.conversation_id = $1 AND messages.id = $2`,
      conversationId,
      id,
    ),

  insert: (m: Omit<MessageRow, "author_username">) =>
    q.run(
      "INSERT INTO messages (id, conversation_id, author_id, body, created_at) VALUES ($1, $2, $3, $4, $5)",
      m.id,
      m.conversation_id,
      m.author_id,
      m.body,
      m.created_at,
    ),

  /** The newest ones before a message, newest first. */
  listBefore: (conversationId: string, beforeId: string, limit: number) =>
    q.all<MessageRow>(
      `${SELECT} WHERE messages.conversation_id = $1 AND messages.id < $2 ORDER BY messages.id DESC LIMIT $3`,
      conversationId,
      beforeId,
      limit,
    ),

  /** The oldest ones after a message, oldest first. */
  listAfter: (conversationId: string, afterId: string, limit: number) =>
    q.all<MessageRow>(
      `${SELECT} WHERE messages.conversation_id = $1 AND messages.id > $2 ORDER BY messages.id LIMIT $3`,
      conversationId,
      afterId,
      limit,
    ),
});
