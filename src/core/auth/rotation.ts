import type { EndReason } from "../../errors.ts";

/** The columns of a session that the rule reads. Times are epoch milliseconds. */
export type SessionState = {
  /** Number of the newest pair: 1 at sign-in, one more with each rotation. */
  generation: number;
  /**
   * When Duet first accepted an access token of the newest generation (`sessions.authenticate`); null until then.
   * Introspection, and services that verify by the public keys, do not count.
   */
  confirmed_at: number | null;
  /** End of the newest refresh token; never after `ends_at`, which ends the session however often it is refreshed. */
  idle_ends_at: number;
  ends_at: number;
  ended_at: number | null;
  end_reason: EndReason | null;
  /** Name of the session's user; null once the user is deleted. */
  username: string | null;
  disabled_at: number | null;
};

export type RotationDecision =
  /** The newest token: make its successor. */
  | { kind: "newest" }
  /** Its successor was never used: the answer was lost, or another tab or a thief got there first. The same successor again. */
  | { kind: "unconfirmed" }
  /** Its successor was first used moments ago, so this is another tab: the same successor again. */
  | { kind: "overlap" }
  /** Its successor has been in use: someone kept a copy. End this session, this one only. */
  | { kind: "reuse" }
  | { kind: "ended"; reason: EndReason }
  /** Newer than the row: signed by us, unknown to this database (restored from a backup). Refuse, end nothing. */
  | { kind: "unknown" };

/**
 * The rule of rotation: a refresh token dies when the pair that replaced it is first used, not when that is issued:
 * `overlapMs` after Duet first accepted that pair's access token, or at once when its refresh token is rotated in turn.
 *
 * Decides what a refresh token of `generation` means for a session. Pure: reads no clock and writes nothing. With
 * `overlapMs` 0 the rule is strict.
 * RFC 9700 section 4.14.2 (refresh token rotation).
 */
export function decideRotation(
  session: SessionState,
  generation: number,
  now: number,
  overlapMs: number,
): RotationDecision {
  const reason = endReasonOf(session, now);
  if (reason) return { kind: "ended", reason };
  if (generation > session.generation) return { kind: "unknown" };
  if (generation === session.generation) return { kind: "newest" };
  if (generation === session.generation - 1) {
    if (session.confirmed_at === null) return { kind: "unconfirmed" };
    // The distance, not the difference: a clock that jumped back must not open the window for hours.
    if (overlapMs > 0 && Math.abs(now - session.confirmed_at) <= overlapMs) return { kind: "overlap" };
  }
  return { kind: "reuse" };
}

/**
 * Whether a session is over at `now`, and why; null while it lives. At the very moment of a limit it is over. Every
 * check of a token, of an event stream and in introspection asks here (`store.sessions.listLive` says the same in SQL).
 */
export function endReasonOf(session: SessionState, now: number): EndReason | null {
  // The table keeps both set or neither.
  if (session.ended_at !== null) return session.end_reason;
  if (session.username === null) return "user_deleted";
  if (session.disabled_at !== null) return "user_disabled";
  if (now >= session.ends_at) return "expired_absolute";
  if (now >= session.idle_ends_at) return "expired_idle";
  return null;
}
