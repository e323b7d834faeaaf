import type { EndReason } from "../../errors.ts";

/** What decides of a session's row. Times are epoch milliseconds. */
export type SessionState = {
  generation: number;
  /** When a token of the newest generation first reached the server; null as long as none has. */
  confirmed_at: number | null;
  idle_ends_at: number;
  ends_at: number;
  ended_at: number | null;
  end_reason: EndReason | null;
  /** Its user's; null once the user is gone. */
  username: string | null;
  disabled_at: number | null;
};

export type RotationDecision =
  /** The newest token: make its successor. */
  | { kind: "newest" }
  /** Its successor was never used, so the answer was lost or someone else is first: the same successor again. */
  | { kind: "unconfirmed" }
  /** Its successor was first used moments ago, so this is another tab: the same successor again. */
  | { kind: "overlap" }
  /** Its successor has been in use: someone kept a copy. End this session, this one only. */
  | { kind: "reuse" }
  | { kind: "ended"; reason: EndReason }
  /** Newer than the row: signed by us, unknown to this database (restored from a backup). Refuse, end nothing. */
  | { kind: "unknown" };

/**
 * The rule of rotation: a refresh token dies when its successor is first used, not when its successor is issued.
 *
 * Decides what a refresh token of `generation` means for a session. Pure: reads no clock and writes nothing.
 * `overlapMs` is how long a token still counts after its successor's first use; 0 makes the rule strict.
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
 * Whether a session is over at `now`, and why; null while it lives. The one answer to that question, for tokens of
 * either type, streams and introspection. At the very moment of a limit it is over.
 */
export function endReasonOf(session: SessionState, now: number): EndReason | null {
  if (session.ended_at !== null) return session.end_reason;
  if (session.username === null) return "user_deleted";
  if (session.disabled_at !== null) return "user_disabled";
  if (now >= session.ends_at) return "expired_absolute";
  if (now >= session.idle_ends_at) return "expired_idle";
  return null;
}
