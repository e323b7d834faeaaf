/** The present, in epoch milliseconds. */
export type Clock = () => number;

/** More than a clock drifts between two looks while anybody is there; how long something has been in use is in doubt then. */
const STEP_MS = 1000;
/** More than a clock is merely corrected by. */
const LEAP_MS = 60_000;
const UNSTEADY_MS = 24 * 60 * 60 * 1000;

export type StepWatch = ReturnType<typeof createStepWatch>;

/**
 * Sees when the clock was set while the process ran, by a second one that only counts on. What cannot be taken back (the
 * end of a session, a deletion) is not done by a clock that was set just now: it may be wrong, and be set right again. A
 * machine that slept counts as one whose clock was set.
 */
export function createStepWatch(clock: Clock, monotonic: () => number) {
  let offset = clock() - monotonic();
  let steppedAt = Number.NEGATIVE_INFINITY;
  let leaptAt = Number.NEGATIVE_INFINITY;

  /** Returns the present of the second clock. */
  function look(): number {
    const now = monotonic();
    const current = clock() - now;
    const by = Math.abs(current - offset);
    if (by > STEP_MS) steppedAt = now;
    if (by > LEAP_MS) leaptAt = now;
    offset = current;
    return now;
  }

  return {
    /** How long ago the clock was last set, if only by seconds; in milliseconds. */
    sinceStep: () => look() - steppedAt,
    /** Whether it has not been set by a minute or more for a day. */
    isSteady: () => look() - leaptAt > UNSTEADY_MS,
  };
}
