import type { EndReason } from "./errors.ts";

/** What the rule needs to know of a session's row. Times are epoch milliseconds. */
export type RotationState = {
  generation: number;
  confirmed_at: number | null;
  idle_ends_at: number;
  ends_at: number;
  ended_at: number | null;
  end_reason: EndReason | null;
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
  session: RotationState,
  generation: number,
  now: number,
  overlapMs: number,
): RotationDecision {
  const ended = endOf(session, now);
  if (ended) return { kind: "ended", reason: ended };
  if (generation > session.generation) return { kind: "unknown" };
  if (generation === session.generation) return { kind: "newest" };
  if (generation === session.generation - 1) {
    if (session.confirmed_at === null) return { kind: "unconfirmed" };
    // The distance, not the difference: a clock that jumped back must not open the window for hours.
    if (overlapMs > 0 && Math.abs(now - session.confirmed_at) <= overlapMs) return { kind: "overlap" };
  }
  return { kind: "reuse" };
}

/** Why a session is over at `now`, or null while it lives. The limits themselves are already outside. */
export function endOf(session: RotationState, now: number): EndReason | null {
  if (session.ended_at !== null) return session.end_reason;
  if (now >= session.ends_at) return "expired_absolute";
  if (now >= session.idle_ends_at) return "expired_idle";
  return null;
}
