import type { Queryable } from "../db/index.ts";

export type InviteRow = {
  /** A hash of what was given out. */
  id: string;
  conversation_id: string;
  maker_id: string;
  uses: number;
  uses_max: number;
  created_at: number;
  ends_at: number;
};

export const inviteStore = (q: Queryable) => ({
  insert: (invite: Omit<InviteRow, "uses">) =>
    q.run(
      `INSERT INTO invites (id, conversation_id, maker_id, uses_max, created_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6)`,
      invite.id,
      invite.conversation_id,
      invite.maker_id,
      invite.uses_max,
      invite.created_at,
      invite.ends_at,
    ),

  /** One that has not ended, with what it is about. */
  findUnended: (id: string, now: number) =>
    q.one<InviteRow & { title: string; owner_id: string; maker: string | null; disabled_at: number | null }>(
      `SELECT invites.*, conversations.title, conversations.owner_id, users.username AS maker, users.disabled_at
         FROM invites JOIN conversations ON conversations.id = invites.conversation_id
         LEFT JOIN users ON users.id = invites.maker_id
        WHERE invites.id = $1 AND invites.ends_at > $2 AND conversations.removed_at IS NULL`,
      id,
      now,
    ),

  /** Those that somebody has made for a conversation and that are still good, the newest first. */
  listOpen: (conversationId: string, makerId: string, now: number, limit: number) =>
    q.all<InviteRow>(
      `SELECT * FROM invites WHERE conversation_id = $1 AND maker_id = $2 AND ends_at > $3 AND uses < uses_max
        ORDER BY created_at DESC, id DESC LIMIT $4`,
      conversationId,
      makerId,
      now,
      limit,
    ),

  /** Whether somebody has joined by it before: they count once. */
  isUsedBy: async (id: string, userId: string): Promise<boolean> =>
    (await q.one("SELECT 1 AS used FROM invite_uses WHERE invite_id = $1 AND user_id = $2", id, userId)) !==
    null,

  noteUse: (id: string, userId: string) =>
    q.run("INSERT INTO invite_uses (invite_id, user_id) VALUES ($1, $2)", id, userId),

  /** Of any number of callers as many as it is good for are told true. */
  count: async (id: string, now: number): Promise<boolean> =>
    (await q.run(
      "UPDATE invites SET uses = uses + 1 WHERE id = $1 AND ends_at > $2 AND uses < uses_max",
      id,
      now,
    )) > 0,

  remove: (conversationId: string, id: string) =>
    q.run("DELETE FROM invites WHERE conversation_id = $1 AND id = $2", conversationId, id),

  /** Some of those that somebody has made. */
  removeOf: (makerId: string, limit: number) =>
    q.run(
      "DELETE FROM invites WHERE id IN (SELECT id FROM invites WHERE maker_id = $1 LIMIT $2)",
      makerId,
      limit,
    ),

  removeAll: () => q.run("DELETE FROM invites"),

  removeBefore: (time: number, limit: number) =>
    q.run(
      "DELETE FROM invites WHERE id IN (SELECT id FROM invites WHERE ends_at < $1 LIMIT $2)",
      time,
      limit,
    ),
});
