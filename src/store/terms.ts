import type { Queryable } from "../db/index.ts";
import { SELECT_MESSAGE, type MessageRow } from "./messages.ts";

/** The word for a conversation in the index. */
const markOf = (number: number) => `c${number}`;

/** `match`, in the index's language, in these conversations and in no others. */
const within = (conversations: number[], match: string) =>
  `words : (${match}) AND conversation : (${conversations.map(markOf).join(" OR ")})`;

/** The full-text index: words of messages and of titles, as core/chat/terms.ts folds them. */
export const termStore = (q: Queryable) => ({
  setMessage: (id: string, words: string) =>
    q.run(
      `INSERT OR REPLACE INTO terms (rowid, words, conversation)
       SELECT messages.number, $1, 'c' || conversations.number
         FROM messages JOIN conversations ON conversations.id = messages.conversation_id WHERE messages.id = $2`,
      words,
      id,
    ),

  setTitle: (conversationId: string, words: string) =>
    q.run(
      `INSERT OR REPLACE INTO terms (rowid, words, conversation)
       SELECT -number, $1, 'c' || number FROM conversations WHERE id = $2`,
      words,
      conversationId,
    ),

  removeMessage: (id: string) =>
    q.run("DELETE FROM terms WHERE rowid = (SELECT number FROM messages WHERE id = $1)", id),

  /** The newest messages that hold all terms, newest first. */
  findMessages: (conversations: number[], match: string, limit: number) =>
    q.all<MessageRow & { title: string }>(
      `SELECT found.*, conversations.title FROM (${SELECT_MESSAGE}
          WHERE messages.number IN (
            SELECT rowid FROM terms WHERE terms MATCH $1 AND rowid > 0 ORDER BY rowid DESC LIMIT $2)) AS found
         JOIN conversations ON conversations.id = found.conversation_id
        ORDER BY found.id DESC`,
      within(conversations, match),
      limit,
    ),

  /** The numbers of the conversations whose title holds all terms. */
  findTitles: async (conversations: number[], match: string) => {
    const rows = await q.all<{ number: number }>(
      "SELECT -rowid AS number FROM terms WHERE terms MATCH $1 AND rowid < 0",
      within(conversations, match),
    );
    return rows.map((row) => row.number);
  },
});
