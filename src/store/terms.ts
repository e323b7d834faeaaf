import type { Queryable } from "../db/index.ts";
import { SELECT_MESSAGE, type MessageRow } from "./messages.ts";

/** The full-text index: words of messages and of titles as core/chat/terms.ts marks and folds them, which also says how to match them. */
export const termStore = (q: Queryable) => ({
  setMessage: (id: string, words: string) =>
    q.run(
      "INSERT OR REPLACE INTO terms (rowid, words) SELECT number, $1 FROM messages WHERE id = $2",
      words,
      id,
    ),

  setTitle: (conversation: number, words: string) =>
    q.run("INSERT OR REPLACE INTO terms (rowid, words) VALUES (-$1, $2)", conversation, words),

  removeMessage: (id: string) =>
    q.run("DELETE FROM terms WHERE rowid = (SELECT number FROM messages WHERE id = $1)", id),

  /** The newest messages that match, newest first. */
  findMessages: (match: string, limit: number) =>
    q.all<MessageRow & { title: string }>(
      `SELECT found.*, conversations.title FROM (${SELECT_MESSAGE}
          WHERE messages.number IN (
            SELECT rowid FROM terms WHERE terms MATCH $1 ORDER BY rowid DESC LIMIT $2)) AS found
         JOIN conversations ON conversations.id = found.conversation_id
        ORDER BY found.id DESC`,
      match,
      limit,
    ),

  /** The numbers of the conversations whose titles match. */
  findTitles: async (match: string) => {
    const rows = await q.all<{ number: number }>(
      "SELECT -rowid AS number FROM terms WHERE terms MATCH $1",
      match,
    );
    return rows.map((row) => row.number);
  },
});
