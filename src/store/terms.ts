import type { Queryable } from "../db/index.ts";
import { SELECT_MESSAGE, type MessageRow } from "./messages.ts";

/** One of these, each of which is words in a row; of the last one the beginning is enough where it `isPrefix`. */
export type Match = { words: string[]; isPrefix: boolean }[][];

/**
 * The full-text index: words of messages and of titles as core/chat/terms.ts marks and folds them. Titles are kept by their
 * conversation's number below zero.
 */
export const termStore = (q: Queryable) => {
  const { id, put, matches, wordsOf, queryOf } = INDEX[q.dialect];
  return {
    setMessage: (messageId: string, words: string[]) =>
      q.run(put(`SELECT number, ${matches.words} FROM messages WHERE id = $2`), wordsOf(words), messageId),

    setTitle: (conversation: number, words: string[]) =>
      q.run(
        put(`SELECT -number, ${matches.words} FROM conversations WHERE number = $2`),
        wordsOf(words),
        conversation,
      ),

    removeMessage: (messageId: string) =>
      q.run(`DELETE FROM terms WHERE ${id} = (SELECT number FROM messages WHERE id = $1)`, messageId),

    /** The newest messages that match, newest first, of those before the number of one. */
    findMessages: (match: Match, before: number, limit: number) =>
      q.all<MessageRow & { title: string }>(
        `SELECT found.*, conversations.title FROM (${SELECT_MESSAGE}
            WHERE messages.number IN (
              SELECT ${id} FROM ${matches.rows} ${matches.before} ORDER BY ${id} DESC LIMIT $3)) AS found
           JOIN conversations ON conversations.id = found.conversation_id
          ORDER BY found.id DESC`,
        queryOf(match),
        before,
        limit,
      ),

    /** The numbers of the conversations whose titles match. */
    findTitles: async (match: Match) => {
      const rows = await q.all<{ number: number }>(
        `SELECT -${id} AS number FROM ${matches.rows}`,
        queryOf(match),
      );
      return rows.map((row) => row.number);
    },
  };
};

/** What the two databases call the same. */
export const INDEX = {
  sqlite: {
    id: "rowid",
    put: (rows: string) => `INSERT OR REPLACE INTO terms (rowid, words) ${rows}`,
    matches: { words: "$1", rows: "terms WHERE terms MATCH $1", before: "AND rowid < $2" },
    wordsOf: (words: string[]) => words.join(" "),
    queryOf: (match: Match) =>
      either(match, " AND ", ({ words, isPrefix }) => `"${words.join(" ")}"${isPrefix ? "*" : ""}`).join(
        " OR ",
      ),
  },
  postgres: {
    id: "id",
    put: (rows: string) =>
      `INSERT INTO terms (id, words) ${rows} ON CONFLICT (id) DO UPDATE SET words = EXCLUDED.words`,
    matches: {
      words: "CAST($1 AS TSVECTOR)",
      // Fenced: for the newest ones it would rather go through everybody's, from the last one on.
      rows: "(SELECT id FROM terms WHERE words @@ CAST($1 AS TSQUERY) OFFSET 0) AS matching",
      before: "WHERE id < $2",
    },
    // Of one word it keeps 256 places, and none after the 16383rd: further ones are found by themselves, but in no row.
    wordsOf: (words: string[]) => words.map((word, i) => `'${word}':${Math.min(i + 1, 16_383)}`).join(" "),
    queryOf: (match: Match) =>
      either(match, " & ", ({ words, isPrefix }) => {
        const row = words.map((word) => `'${word}'`).join(" <-> ");
        return isPrefix ? `${row}:*` : `(${row})`;
      }).join(" | "),
  },
};

const either = (match: Match, and: string, write: (one: Match[number][number]) => string) =>
  match.map((all) => `(${all.map(write).join(and)})`);
