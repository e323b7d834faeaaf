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

const SELECT = `SELECT messages.id, messages.conversation_id, messages.author_id, messages.body, messages.created_at,
    messages.edited_at, messages.removed_at, users.username AS author_username
  FROM messages LEFT JOIN users ON users.id = messages.author_id`;

export const messageStore = (q: Queryable) => ({
  find: (conversationId: string, id: string) =>
    q.one<MessageRow>(
      `${SELECT} WHERE messages.conversation_id = $1 AND messages.id = $2`,
      conversationId,
      id,
    ),

  newestIn: async (conversationId: string): Promise<string> => {
    const newest = await q.one<{ id: string | null }>(
      "SELECT max(id) AS id FROM messages WHERE conversation_id = $1",
      conversationId,
    );
    return newest?.id ?? "";
  },

  /** Kept with its terms for search. */
  async insert(
    m: Pick<MessageRow, "id" | "conversation_id" | "author_id" | "body" | "created_at">,
    terms: string,
  ) {
    await q.run(
      "INSERT INTO messages (id, conversation_id, author_id, body, created_at) VALUES ($1, $2, $3, $4, $5)",
      m.id,
      m.conversation_id,
      m.author_id,
      m.body,
      m.created_at,
    );
    await q.run(
      "INSERT INTO message_terms (rowid, terms) SELECT number, $1 FROM messages WHERE id = $2",
      terms,
      m.id,
    );
  },

  /** Changes a message that its author has not taken back; returns whether there was one. */
  async edit(conversationId: string, id: string, authorId: string, body: string, terms: string, now: number) {
    const changed = await q.run(
      `UPDATE messages SET body = $1, edited_at = $2
        WHERE conversation_id = $3 AND id = $4 AND author_id = $5 AND removed_at IS NULL`,
      body,
      now,
      conversationId,
      id,
      authorId,
    );
    if (changed > 0)
      await q.run(
        "INSERT OR REPLACE INTO message_terms (rowid, terms) SELECT number, $1 FROM messages WHERE id = $2",
        terms,
        id,
      );
    return changed > 0;
  },

  /** Takes a message back: its place stays, its text goes. Returns whether there was one. */
  async takeBack(conversationId: string, id: string, authorId: string, now: number) {
    const changed = await q.run(
      `UPDATE messages SET body = '', removed_at = $1
        WHERE conversation_id = $2 AND id = $3 AND author_id = $4 AND removed_at IS NULL`,
      now,
      conversationId,
      id,
      authorId,
    );
    if (changed > 0)
      await q.run("DELETE FROM message_terms WHERE rowid = (SELECT number FROM messages WHERE id = $1)", id);
    return changed > 0;
  },

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

  /** What somebody said and has not taken back, oldest first, after a message. */
  listByAuthor: (authorId: string, afterId: string, limit: number) =>
    q.all<MessageRow>(
      `${SELECT} WHERE messages.author_id = $1 AND messages.id > $2 AND messages.removed_at IS NULL
        ORDER BY messages.id LIMIT $3`,
      authorId,
      afterId,
      limit,
    ),

  /** Messages in the viewer's conversations that hold all terms, newest first. `match` is of the index's language. */
  search: (viewerId: string, match: string, limit: number) =>
    q.all<MessageRow & { title: string }>(
      `SELECT found.*, conversations.title FROM (${SELECT}
          WHERE messages.number IN (SELECT rowid FROM message_terms WHERE message_terms MATCH $1)) AS found
         JOIN members ON members.conversation_id = found.conversation_id AND members.user_id = $2
         JOIN conversations ON conversations.id = found.conversation_id AND conversations.removed_at IS NULL
        ORDER BY found.id DESC LIMIT $3`,
      match,
      viewerId,
      limit,
    ),
});
