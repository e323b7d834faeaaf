import type { EndReason } from "../../errors.ts";

/** The columns of a session that the rule reads. Times are epoch milliseconds. */
export type SessionState = {
  /** Number of the newest pair: 1 at sign-in, one more with each rotation. */
  generation: number;
  /**
   * When a token of the newest generation, access or refresh, was first shown to Duet; null until then. Introspection, and
   * services that verify by the public keys, do not count.
   */
  confirmed_at: number | null;
  /** The same of the generation before it; null while there is only one. */
  previous_confirmed_at: number | null;
  /** End of the newest refresh token; never after `ends_at`, which ends the session however often it is refreshed. */
  idle_ends_at: number;
  ends_at: number;
  ended_at: number | null;
  end_reason: EndReason | null;
  /** Name of the session's user; null once the user is deleted. */
  username: string | null;
  disabled_at: number | null;
  /** Thumbprint (RFC 7638) of the key that the session is held by; null: by none. */
  key_thumbprint: string | null;
};

/** How long a refresh token is still answered after its successor was first used: W, by the row of its session. */
export type Overlap = {
  ms: number;
  /** The clock was set less than W ago: how long anything has been in use cannot be told, and counts as less than W. */
  isUntimed?: boolean;
  /** Whoever shows the session's key is answered whatever they show: the key says that they are no thief. */
  isEndless?: boolean;
};

/** A refresh token that is shown, with the thumbprint (RFC 7638) of the key that was proved to be held, if one was. */
export type Shown = { generation: number; key?: string | null };

export type RotationDecision =
  /** The newest token: make its successor. */
  | { kind: "newest" }
  /** The newest token, while one two steps behind may still be shown: a third step would make the row forget it. Itself again. */
  | { kind: "kept" }
  /** Its successor was never used: the answer was lost, or another holder or a thief got there first. The newest pair again. */
  | { kind: "unconfirmed" }
  /** Its successor was first used moments ago: another tab or process, or a request that was held up. The newest pair again. */
  | { kind: "overlap" }
  /** The same of a session that is held by a key, which was proved. The newest pair again. */
  | { kind: "bound" }
  /** The proof of a key is missing, or is of a key that is not the session's. Refuse, end nothing. */
  | { kind: "unproven" }
  /** Its successor has been in use for longer: someone kept a copy. End this session, this one only. */
  | { kind: "reuse" }
  | { kind: "ended"; reason: EndReason }
  /** Newer than the row: signed by us, unknown to this database (restored from a backup). Refuse, end nothing. */
  | { kind: "unknown" };

/**
 * The rule of rotation, without an exception: a refresh token dies W after its successor was first used. Whoever shows one
 * that has not died is answered with the newest pair, never with a second line of them.
 *
 * Two first uses are all it takes: a step is made only when the pair before the newest was first used more than W ago, so
 * that whatever lies further back than those two has died.
 *
 * Decides what a refresh token that is `shown` means for a session. Pure: reads no clock and writes nothing. With W 0 the
 * rule is strict. RFC 9700 section 4.14.2 (refresh token rotation).
 */
export function decideRotation(
  session: SessionState,
  { generation, key = null }: Shown,
  now: number,
  overlap: Overlap,
): RotationDecision {
  const reason = endReasonOf(session, now);
  if (reason) return { kind: "ended", reason };
  if (key !== session.key_thumbprint) return { kind: "unproven" };
  const dead: RotationDecision = { kind: overlap.isEndless ? "bound" : "reuse" };
  // The distance, not the difference: a clock that jumped back must not keep the window open for hours.
  const isRecent = (usedAt: number | null | undefined) =>
    usedAt != null && overlap.ms > 0 && (overlap.isUntimed || Math.abs(now - usedAt) <= overlap.ms);
  switch (session.generation - generation) {
    case 0:
      // The first use of the generation before is the death of the one two behind, if there is one.
      return generation > 2 && isRecent(session.previous_confirmed_at)
        ? { kind: "kept" }
        : { kind: "newest" };
    case 1:
      if (session.confirmed_at === null) return { kind: "unconfirmed" };
      return isRecent(session.confirmed_at) ? { kind: "overlap" } : dead;
    case 2:
      return isRecent(session.previous_confirmed_at) ? { kind: "overlap" } : dead;
    default:
      return generation > session.generation ? { kind: "unknown" } : dead;
  }
}

/** What one step makes of a session: the next generation, not used yet; to make it was to use the one before. */
export const stepOf = (
  { generation, confirmed_at }: Pick<SessionState, "generation" | "confirmed_at">,
  now: number,
) => ({ generation: generation + 1, confirmed_at: null, previous_confirmed_at: confirmed_at ?? now });

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
