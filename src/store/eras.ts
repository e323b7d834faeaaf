import type { Queryable } from "../db/index.ts";
import type { EndRow } from "./sessions.ts";

/** The eras of users: all sessions that were started in one end with it. */
export const eraStore = (q: Queryable) => ({
  /** Ends the present one of a user, and begins another. */
  async end(userId: string, end: EndRow): Promise<void> {
    const next = await q.one<{ era: number }>(
      "UPDATE users SET era = era + 1 WHERE id = $1 RETURNING era /* ends user $1 */",
      userId,
    );
    if (!next) return;
    await q.run(
      `INSERT INTO ended_eras (user_id, era, ended_at, end_reason, ended_user_agent, ended_ip)
       VALUES ($1, $2, $3, $4, $5, $6)`,
      userId,
      next.era - 1,
      end.at,
      end.reason,
      end.userAgent,
      end.ip,
    );
  },

  /** Ends the present one of everybody, and begins another. Answers how many they are. */
  async endAll(end: Pick<EndRow, "at" | "reason">): Promise<number> {
    await q.run(
      "INSERT INTO ended_eras (user_id, era, ended_at, end_reason) SELECT id, era, $1, $2 FROM users",
      end.at,
      end.reason,
    );
    return q.run("UPDATE users SET era = era + 1 /* touches all */");
  },

  /** Forgets by which device some of a user's were ended. */
  forgetDevicesOf: (userId: string, limit: number) =>
    q.run(
      `UPDATE ended_eras SET ended_user_agent = NULL, ended_ip = NULL WHERE user_id = $1 AND era IN (
         SELECT era FROM ended_eras WHERE user_id = $1 AND ended_ip IS NOT NULL LIMIT $2)`,
      userId,
      limit,
    ),

  /** Deletes some that ended before `time`. */
  removeBefore: (time: number, limit: number) =>
    q.run(
      `DELETE FROM ended_eras WHERE (user_id, era) IN (
         SELECT user_id, era FROM ended_eras WHERE ended_at < $1 LIMIT $2)`,
      time,
      limit,
    ),
});
