import type { EndReason } from "../core/errors.ts";
import type { Queryable } from "../db/index.ts";

export type SessionRow = {
  id: string;
  user_id: string;
  generation: number;
  rotated_at: number;
  confirmed_at: number | null;
  created_at: number;
  seen_at: number;
  idle_ends_at: number;
  ends_at: number;
  ended_at: number | null;
  end_reason: EndReason | null;
  user_agent: string;
  ip: string;
};

/** A session with what its tokens say of its user, read in one go. */
export type SessionWithUser = SessionRow & {
  username: string;
  email: string | null;
  disabled_at: number | null;
};

export const sessionStore = (q: Queryable) => ({
  find: (id: string) =>
    q.one<SessionWithUser>(
      `SELECT sessions.*, users.username, users.email, users.disabled_at
         FROM sessions JOIN users ON users.id = sessions.user_id WHERE sessions.id = $1`,
      id,
    ),

  /** A user's live sessions, the last one seen first. */
  listLive: (userId: string, now: number, limit: number) =>
    q.all<SessionRow>(
      `SELECT * FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND idle_ends_at > $2
        ORDER BY seen_at DESC, id DESC LIMIT $3`,
      userId,
      now,
      limit,
    ),

  insert: (s: SessionRow) =>
    q.run(
      `INSERT INTO sessions (id, user_id, generation, rotated_at, created_at, seen_at, idle_ends_at, ends_at, user_agent, ip)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      s.id,
      s.user_id,
      s.generation,
      s.rotated_at,
      s.created_at,
      s.seen_at,
      s.idle_ends_at,
      s.ends_at,
      s.user_agent,
      s.ip,
    ),

  /** Claims the step from `generation` to the next one. Of any number of callers exactly one gets the row. */
  advance: (id: string, generation: number, now: number, idleEndsAt: number) =>
    q.one<SessionRow>(
      `UPDATE sessions SET generation = generation + 1, rotated_at = $1, confirmed_at = NULL, seen_at = $1, idle_ends_at = $2
        WHERE id = $3 AND generation = $4 AND ended_at IS NULL RETURNING *`,
      now,
      idleEndsAt,
      id,
      generation,
    ),

  /** Notes the first use of the newest generation; later calls change nothing. */
  confirm: (id: string, generation: number, now: number) =>
    q.run(
      "UPDATE sessions SET confirmed_at = $1, seen_at = $1 WHERE id = $2 AND generation = $3 AND confirmed_at IS NULL",
      now,
      id,
      generation,
    ),

  /** Ends a live session; the first reason stays. */
  end: (id: string, reason: EndReason, now: number) =>
    q.run(
      "UPDATE sessions SET ended_at = $1, end_reason = $2 WHERE id = $3 AND ended_at IS NULL",
      now,
      reason,
      id,
    ),

  /** Ends a live session if it is this user's. */
  endOwn: (id: string, userId: string, reason: EndReason, now: number) =>
    q.run(
      "UPDATE sessions SET ended_at = $1, end_reason = $2 WHERE id = $3 AND user_id = $4 AND ended_at IS NULL",
      now,
      reason,
      id,
      userId,
    ),

  endOthersOf: (userId: string, keptId: string, reason: EndReason, now: number) =>
    q.run(
      "UPDATE sessions SET ended_at = $1, end_reason = $2 WHERE user_id = $3 AND id <> $4 AND ended_at IS NULL",
      now,
      reason,
      userId,
      keptId,
    ),

  endAllOf: (userId: string, reason: EndReason, now: number) =>
    q.run(
      "UPDATE sessions SET ended_at = $1, end_reason = $2 WHERE user_id = $3 AND ended_at IS NULL",
      now,
      reason,
      userId,
    ),
});
