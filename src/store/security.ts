import type { Queryable } from "../db/index.ts";
import type { SessionKind } from "./sessions.ts";

export type SecurityEventRow = {
  id: string;
  /** null: somebody tried a name that nobody has */
  user_id: string | null;
  session_id: string | null;
  kind: string;
  outcome: "success" | "failure";
  user_agent: string;
  ip: string;
  created_at: number;
  /** What the operator who did it was called then; null where none did. */
  operator: string | null;
};

/** With how its session was started and whether a key holds it; null where that is cleared away, or there is none. */
export type ToldEventRow = SecurityEventRow & {
  session_kind: SessionKind | null;
  key_thumbprint: string | null;
};

export const securityStore = (q: Queryable) => ({
  insert: (e: SecurityEventRow) =>
    q.run(
      `INSERT INTO auth_events (id, user_id, session_id, kind, outcome, user_agent, ip, created_at, operator)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      e.id,
      e.user_id,
      e.session_id,
      e.kind,
      e.outcome,
      e.user_agent,
      e.ip,
      e.created_at,
      e.operator,
    ),

  find: (id: string) => q.one<SecurityEventRow>("SELECT * FROM auth_events WHERE id = $1", id),

  /** A user's own, newest first, before an event. */
  listBefore: (userId: string, beforeId: string, limit: number) =>
    q.all<ToldEventRow>(
      `SELECT auth_events.*, sessions.kind AS session_kind, sessions.key_thumbprint
         FROM auth_events LEFT JOIN sessions ON sessions.id = auth_events.session_id
        WHERE auth_events.user_id = $1 AND auth_events.id < $2 ORDER BY auth_events.id DESC LIMIT $3`,
      userId,
      beforeId,
      limit,
    ),

  removeOf: (userId: string, limit: number) =>
    q.run(
      "DELETE FROM auth_events WHERE id IN (SELECT id FROM auth_events WHERE user_id = $1 LIMIT $2)",
      userId,
      limit,
    ),

  removeBefore: (time: number, limit: number) =>
    q.run(
      "DELETE FROM auth_events WHERE id IN (SELECT id FROM auth_events WHERE created_at < $1 LIMIT $2)",
      time,
      limit,
    ),
});
