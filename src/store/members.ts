import type { Queryable } from "../db/index.ts";
import { ACTIVE_AT } from "./conversations.ts";

export type MemberRow = { user_id: string; username: string; joined_at: number };

export const memberStore = (q: Queryable) => ({
  list: (conversationId: string) =>
    q.all<MemberRow>(
      `SELECT members.user_id, users.username, members.joined_at FROM members
         JOIN users ON users.id = members.user_id
        WHERE members.conversation_id = $1 AND users.username IS NOT NULL ORDER BY members.joined_at, members.user_id`,
      conversationId,
    ),

  /** Who has been there longest, besides one. */
  heirOf: (conversationId: string, besides: string) =>
    q.one<{ user_id: string }>(
      `SELECT members.user_id FROM members JOIN users ON users.id = members.user_id
        WHERE members.conversation_id = $1 AND members.user_id <> $2 AND users.username IS NOT NULL
        ORDER BY members.joined_at, members.user_id LIMIT 1`,
      conversationId,
      besides,
    ),

  idsOf: async (conversationId: string) => {
    const rows = await q.all<{ user_id: string }>(
      "SELECT user_id FROM members WHERE conversation_id = $1",
      conversationId,
    );
    return rows.map((row) => row.user_id);
  },

  /** With whom somebody shares one of their latest conversations, and who are not in this one, by name. */
  listKnown: async (userId: string, conversationId: string, conversations: number, limit: number) => {
    const rows = await q.all<{ username: string }>(
      `SELECT DISTINCT users.username FROM (
           SELECT conversation_id FROM members WHERE user_id = $1 AND active_at IS NOT NULL
            ORDER BY active_at DESC, conversation_id DESC LIMIT $2) AS mine
         JOIN members ON members.conversation_id = mine.conversation_id
         JOIN users ON users.id = members.user_id
        WHERE users.username IS NOT NULL AND users.disabled_at IS NULL AND users.id <> $1
          AND NOT EXISTS (SELECT 1 FROM members AS here WHERE here.conversation_id = $3 AND here.user_id = users.id)
        ORDER BY users.username LIMIT $4`,
      userId,
      conversations,
      conversationId,
      limit,
    );
    return rows.map(({ username }) => username);
  },

  /** Adds one who may be there already: then nothing changes. */
  add: (conversationId: string, userId: string, now: number) =>
    q.run(
      `INSERT INTO members (conversation_id, user_id, joined_at, active_at) VALUES ($1, $2, $3, ${ACTIVE_AT})
       ON CONFLICT DO NOTHING`,
      conversationId,
      userId,
      now,
    ),

  /** Up to a message; never backwards. */
  markRead: (conversationId: string, userId: string, messageId: string) =>
    q.run(
      "UPDATE members SET read_id = $1 WHERE conversation_id = $2 AND user_id = $3 AND read_id < $1",
      messageId,
      conversationId,
      userId,
    ),

  /** Somebody whom no link lets in until they are added again. */
  bar: (conversationId: string, userId: string) =>
    q.run(
      "INSERT INTO removals (conversation_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
      conversationId,
      userId,
    ),

  unbar: (conversationId: string, userId: string) =>
    q.run("DELETE FROM removals WHERE conversation_id = $1 AND user_id = $2", conversationId, userId),

  isBarred: async (conversationId: string, userId: string): Promise<boolean> =>
    (await q.one(
      "SELECT 1 AS barred FROM removals WHERE conversation_id = $1 AND user_id = $2",
      conversationId,
      userId,
    )) !== null,

  remove: (conversationId: string, userId: string) =>
    q.run("DELETE FROM members WHERE conversation_id = $1 AND user_id = $2", conversationId, userId),
});
