import type { Queryable } from "../db/index.ts";

/** What somebody calls their devices; each is a session of theirs. */
export const deviceNameStore = (q: Queryable) => ({
  /** Of one of a user's own sessions. Returns whether it is theirs. */
  set: async (userId: string, sessionId: string, name: string): Promise<boolean> =>
    (await q.run(
      `INSERT INTO device_names (session_id, name) SELECT id, $1 FROM sessions WHERE id = $2 AND user_id = $3
         ON CONFLICT (session_id) DO UPDATE SET name = $1`,
      name,
      sessionId,
      userId,
    )) > 0,

  remove: (userId: string, sessionId: string) =>
    q.run(
      "DELETE FROM device_names WHERE session_id = (SELECT id FROM sessions WHERE id = $1 AND user_id = $2)",
      sessionId,
      userId,
    ),

  /** From a session to the one that takes its place. */
  passOn: (fromId: string, toId: string) =>
    q.run("UPDATE device_names SET session_id = $1 WHERE session_id = $2", toId, fromId),
});
