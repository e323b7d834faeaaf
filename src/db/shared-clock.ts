import { LIMITS } from "../limits.ts";

/** What measuring itself may be wrong by, beside the way there and back. */
const SLACK_MS = 5;

/**
 * The database's clock, as all processes have it: read with an answer, and counted on from there by a clock that nobody
 * sets. A quick answer says it better than a slow one; one that contradicts what is known is believed at once.
 */
export function createSharedClock(monotonic: () => number = () => performance.now()) {
  let known: { time: number; at: number; within: number } | undefined;

  const now = () => (known ? Math.round(known.time + (monotonic() - known.at)) : Date.now());

  return {
    now,

    /** `time` was the database's between `sentAt` and now, both by the monotonic clock. */
    note(time: number, sentAt: number): void {
      const at = monotonic();
      const within = (at - sentAt) / 2;
      const isContradicted = known && Math.abs(time + within - now()) > within + known.within + SLACK_MS;
      const isBetter = !known || within <= known.within || at - known.at > LIMITS.clockTrustMs;
      if (isBetter || isContradicted) known = { time: time + within, at, within };
    },

    /** By how much this machine's clock is off, in milliseconds. */
    off: () => Math.abs(now() - Date.now()),
  };
}
