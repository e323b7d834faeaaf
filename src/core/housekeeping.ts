import { LIMITS } from "../limits.ts";
import type { Store } from "../store/index.ts";
import type { Clock, StepWatch } from "./clock.ts";
import type { Log } from "./log.ts";

/** No session outlives the end of its era by more. */
const TOKEN_LIFE_MAX_MS = LIMITS.refreshTtlDaysMax * 24 * 60 * 60 * 1000;

export type Housekeeping = ReturnType<typeof createHousekeeping>;

/** Between two steps, so that whoever waits to write has their turn. */
const PAUSE_MS = 10;
const PROOFS_STEADY_MS = 10 * 60 * 1000;

/**
 * What is over goes, some rows at a time: sessions that no token names any more, security events, changes and idempotency
 * keys past their time, limits that are full again, conversations that were removed; and the key ring is tended. Nothing
 * goes by a clock that was set just now. What deleted accounts have left goes at any time. Effects: rows of all of these.
 */
export function createHousekeeping(deps: {
  store: Store;
  clearDeparted: () => Promise<boolean>;
  tendKeys: () => Promise<void>;
  clock: Clock;
  steps: StepWatch;
  log: Log;
  settings: { eventRetentionSeconds: number };
}) {
  const { store, clock, steps, log, settings } = deps;

  let isStopped = false;

  /** What is over, as statements that delete some rows of it and answer how many. */
  const leftovers = (now: number): ((limit: number) => Promise<number>)[] => [
    (limit) => store.sessions.removeOverBefore(now - LIMITS.sessionKeepMs, limit),
    (limit) => store.eras.removeBefore(now - LIMITS.sessionKeepMs - TOKEN_LIFE_MAX_MS, limit),
    (limit) => store.security.removeBefore(now - settings.eventRetentionSeconds * 1000, limit),
    (limit) => store.links.removeBefore(now - LIMITS.linkKeepMs, limit),
    (limit) => store.challenges.removeBefore(now, limit),
    (limit) => store.guests.removeBefore(now, limit),
    (limit) => store.invites.removeBefore(now, limit),
    (limit) => store.throttles.removeFull(now, limit),
    (limit) => store.idempotency.removeBefore(now - LIMITS.idempotencyKeepMs, limit),
    (limit) =>
      store.tx(async ({ conversations }) => {
        const removed = await conversations.findRemovedBefore(now - LIMITS.conversationKeepMs);
        return removed ? conversations.remove(removed.id, limit) : 0;
      }),
    (limit) => store.forms.removeBefore(now - LIMITS.formKeepMs, limit),
    (limit) => store.changes.removeBefore(now - LIMITS.changesKeepMs, limit),
  ];

  /** Until there is nothing left, with pauses. */
  async function exhaust(removeSome: () => Promise<boolean>): Promise<void> {
    while (!isStopped && (await removeSome())) await Bun.sleep(PAUSE_MS);
  }

  async function tend(): Promise<void> {
    await deps.tendKeys();
    await exhaust(deps.clearDeparted);
    // These are many, and good for minutes: that the clock was not set within those is enough.
    if (steps.sinceStep() > PROOFS_STEADY_MS)
      await exhaust(async () => (await store.proofs.removeBefore(clock(), LIMITS.rowsClearedAtOnce)) > 0);
    if (!steps.isSteady()) return;
    for (const remove of leftovers(clock()))
      await exhaust(async () => (await remove(LIMITS.rowsClearedAtOnce)) > 0);
  }

  let tending: Promise<void> | undefined;
  /** One at a time, however long it takes. */
  const tendOnce = () => (tending ??= tend().finally(() => (tending = undefined)));

  return {
    tend: tendOnce,

    /** Tends every half minute, until the function that it returns is called; that resolves when nothing is being done. */
    start(): () => Promise<void> {
      const failed = (cause: unknown) => log("error", "untended", { cause: String(cause) });
      const timer = setInterval(() => tendOnce().catch(failed), LIMITS.tendMs);
      return async () => {
        clearInterval(timer);
        isStopped = true;
        await tending?.catch(() => {});
      };
    },
  };
}
