/** The present, in epoch milliseconds. */
export type Clock = () => number;

/** What no clock that is merely corrected does between two looks. */
const STEP_MS = 60_000;
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

  /** How long ago the clock was last set, in milliseconds. */
  function sinceStep(): number {
    const now = monotonic();
    const current = clock() - now;
    if (Math.abs(current - offset) > STEP_MS) steppedAt = now;
    offset = current;
    return now - steppedAt;
  }

  return { sinceStep, isSteady: () => sinceStep() > UNSTEADY_MS };
}
