import type { Queryable } from "../db/index.ts";

/** The devices that the sessions of a user were started on. */
export const deviceStore = (q: Queryable) => ({
  /**
   * The addresses of as many live sessions of a user, and as many that were started last. No more rows are read than that:
   * the time that a sign-in takes must not tell how many there are.
   */
  async addressesOf(userId: string, limit: number): Promise<string[]> {
    const [live, latest] = await Promise.all([
      q.all<{ ip: string }>(
        `SELECT ip FROM sessions WHERE user_id = $1 AND era = (SELECT era FROM users WHERE id = $1)
            AND ended_at IS NULL ORDER BY seen_at DESC LIMIT $2`,
        userId,
        limit,
      ),
      q.all<{ ip: string }>(
        "SELECT ip FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT $2",
        userId,
        limit,
      ),
    ]);
    return [...new Set([...live, ...latest].map((row) => row.ip))];
  },

  /** On what the sessions of a user were started, the last ones first, but for one of them. */
  seenOf: (userId: string, butId: string, limit: number) =>
    q.all<{ user_agent: string; ip: string }>(
      "SELECT user_agent, ip FROM sessions WHERE user_id = $1 AND id <> $2 ORDER BY id DESC LIMIT $3",
      userId,
      butId,
      limit,
    ),

  /**
   * Of a user who is deleted only what ended their sessions is kept. Forgets the devices of some sessions, after an id;
   * returns the last of these, null where there were none.
   */
  async forgetOf(userId: string, afterId: string, limit: number): Promise<string | null> {
    const sessions = await q.all<{ id: string }>(
      "SELECT id FROM sessions WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3",
      userId,
      afterId,
      limit,
    );
    const last = sessions.at(-1)?.id ?? null;
    await q.run(
      `DELETE FROM device_names WHERE session_id IN (
         SELECT id FROM sessions WHERE user_id = $1 AND id > $2 AND id <= $3)`,
      userId,
      afterId,
      last ?? "",
    );
    await q.run(
      `UPDATE sessions SET user_agent = '', ip = '', ended_user_agent = NULL, ended_ip = NULL
        WHERE user_id = $1 AND id > $2 AND id <= $3 /* touches user $1 */`,
      userId,
      afterId,
      last ?? "",
    );
    return last;
  },
});
