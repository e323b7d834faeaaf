import type { EndReason } from "../errors.ts";
import type { Queryable } from "../db/index.ts";

/** How a session was started: by a page, whose tabs wait for one another, or by a program, of which several may hold one token. */
export type SessionKind = "browser" | "program";

export type SessionRow = {
  id: string;
  user_id: string;
  kind: SessionKind;
  key_thumbprint: string | null;
  /** Of a browser's: the public key that was registered (JWK), and the browser's name for the session; it holds from its first use on. */
  device_key: string | null;
  device_session: string | null;
  generation: number;
  rotated_at: number;
  confirmed_at: number | null;
  previous_confirmed_at: number | null;
  created_at: number;
  /** When whoever started it proved who they are, and by what (RFC 8176), as words. */
  authenticated_at: number;
  amr: string;
  /** The last rotation or first use, not every request. */
  seen_at: number;
  idle_ends_at: number;
  ends_at: number;
  ended_at: number | null;
  end_reason: EndReason | null;
  ended_user_agent: string | null;
  ended_ip: string | null;
  user_agent: string;
  ip: string;
};

/** A session with its user, read in one go; without a name where the user is gone. */
export type SessionWithUser = SessionRow & {
  username: string | null;
  email: string | null;
  disabled_at: number | null;
};

/** How a session ends: when, why, and by which device where one did it. */
export type EndRow = { at: number; reason: EndReason; userAgent: string | null; ip: string | null };

/** Whether all sessions of its user's were ended since it was started. */
const ERA_HAS_ENDED =
  "EXISTS (SELECT 1 FROM ended_eras WHERE user_id = sessions.user_id AND era = sessions.era)";
const IS_LIVE = `ended_at IS NULL AND NOT ${ERA_HAS_ENDED}`;

/** The first of two ends: a session's own, which nothing writes after its era's, or that of its era. */
const endOf = (column: string) =>
  `CASE WHEN sessions.ended_at IS NULL THEN ended_eras.${column} ELSE sessions.${column} END AS ${column}`;

export const sessionStore = (q: Queryable) => ({
  find: (id: string) =>
    q.one<SessionWithUser>(
      `SELECT sessions.id, sessions.user_id, sessions.kind, sessions.key_thumbprint,
              sessions.device_key, sessions.device_session, sessions.generation,
              sessions.rotated_at, sessions.confirmed_at, sessions.previous_confirmed_at, sessions.created_at, sessions.authenticated_at, sessions.amr, sessions.seen_at, sessions.idle_ends_at, sessions.ends_at, sessions.user_agent,
              sessions.ip, ${["ended_at", "end_reason", "ended_user_agent", "ended_ip"].map(endOf).join(", ")},
              users.username, users.email, users.disabled_at
         FROM sessions LEFT JOIN users ON users.id = sessions.user_id
         LEFT JOIN ended_eras ON ended_eras.user_id = sessions.user_id AND ended_eras.era = sessions.era
        WHERE sessions.id = $1`,
      id,
    ),

  /** A user's live sessions, the last one rotated or first used first. */
  listLive: (userId: string, now: number, before: { time: number; id: string } | null, limit: number) =>
    q.all<SessionRow & { device_name: string | null }>(
      `SELECT sessions.*, device_names.name AS device_name
         FROM sessions LEFT JOIN device_names ON device_names.session_id = sessions.id
        WHERE user_id = $1 AND era = (SELECT era FROM users WHERE id = $1)
          AND ended_at IS NULL AND idle_ends_at > $2 AND (seen_at, id) < ($3, $4)
        ORDER BY seen_at DESC, id DESC LIMIT $5`,
      userId,
      now,
      before?.time ?? Number.MAX_SAFE_INTEGER,
      before?.id ?? "~",
      limit,
    ),

  insert: (
    s: Omit<
      SessionRow,
      | "device_key"
      | "device_session"
      | "confirmed_at"
      | "previous_confirmed_at"
      | "ended_at"
      | "end_reason"
      | "ended_user_agent"
      | "ended_ip"
    >,
  ) =>
    q.run(
      `INSERT INTO sessions (id, user_id, era, kind, key_thumbprint, generation, rotated_at, created_at, authenticated_at, amr, seen_at, idle_ends_at, ends_at, user_agent, ip)
       VALUES ($1, $2, (SELECT era FROM users WHERE id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
      s.id,
      s.user_id,
      s.kind,
      s.key_thumbprint,
      s.generation,
      s.rotated_at,
      s.created_at,
      s.authenticated_at,
      s.amr,
      s.seen_at,
      s.idle_ends_at,
      s.ends_at,
      s.user_agent,
      s.ip,
    ),

  /**
   * Compare and set: from `generation` to the next one, which is the first use of the one before. Of any number of callers
   * exactly one gets the row; null if another did, the session has ended, or is held by another key than was read.
   */
  advance: (to: Pick<SessionRow, "id" | "key_thumbprint" | "generation" | "rotated_at" | "idle_ends_at">) =>
    q.one<{ id: string }>(
      `UPDATE sessions SET generation = $1, rotated_at = $2, confirmed_at = NULL, seen_at = $2, idle_ends_at = $3,
              previous_confirmed_at = COALESCE(confirmed_at, $2)
        WHERE id = $4 AND generation = $1 - 1 AND key_thumbprint IS NOT DISTINCT FROM $5 AND ${IS_LIVE}
        RETURNING id /* touches session $4 */`,
      to.generation,
      to.rotated_at,
      to.idle_ends_at,
      to.id,
      to.key_thumbprint,
    ),

  /** Notes the first use of the newest generation; later calls change nothing. */
  confirm: (id: string, generation: number, now: number) =>
    q.run(
      `UPDATE sessions SET confirmed_at = $1, seen_at = $1
        WHERE id = $2 AND generation = $3 AND confirmed_at IS NULL AND ${IS_LIVE} /* touches session $2 */`,
      now,
      id,
      generation,
    ),

  /** Keeps the key that a browser has registered for its live session, if that was started after `since` and is not bound. */
  propose: async (
    id: string,
    key: { device_key: string; device_session: string },
    since: number,
  ): Promise<boolean> =>
    (await q.run(
      `UPDATE sessions SET device_key = $1, device_session = $2
        WHERE id = $3 AND kind = 'browser' AND key_thumbprint IS NULL AND created_at > $4 AND ${IS_LIVE} /* touches session $3 */`,
      key.device_key,
      key.device_session,
      id,
      since,
    )) > 0,

  /** Binds a live session to that key, once it has been used. */
  bind: async (id: string, thumbprint: string, deviceSession: string): Promise<boolean> =>
    (await q.run(
      `UPDATE sessions SET key_thumbprint = $1
        WHERE id = $2 AND device_session = $3 AND key_thumbprint IS NULL AND ${IS_LIVE} /* ends session $2 */`,
      thumbprint,
      id,
      deviceSession,
    )) > 0,

  /** Ends a live session, of this user where one is named; the first reason stays. Returns its owner, or null. */
  end: (id: string, end: EndRow, userId: string | null = null) =>
    q.one<{ user_id: string }>(
      `UPDATE sessions SET ended_at = $1, end_reason = $2, ended_user_agent = $3, ended_ip = $4
        WHERE id = $5 AND ${IS_LIVE} AND (CAST($6 AS TEXT) IS NULL OR user_id = $6) RETURNING user_id /* ends session $5 */`,
      end.at,
      end.reason,
      end.userAgent,
      end.ip,
      id,
      userId,
    ),

  /** Deletes some of those whose last token expired before `time`. */
  removeOverBefore: (time: number, limit: number) =>
    q.run(
      `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE idle_ends_at < $1 LIMIT $2)
       /* touches nobody: they are over */`,
      time,
      limit,
    ),
});
