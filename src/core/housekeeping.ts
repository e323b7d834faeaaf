import { LIMITS } from "../limits.ts";
import type { Store } from "../store/index.ts";
import type { Clock, StepWatch } from "./clock.ts";
import type { Log } from "./log.ts";

export type Housekeeping = ReturnType<typeof createHousekeeping>;

/**
 * What is over goes: sessions that no token names any more, security events and changes past their time, limits that
 * are full again, conversations that were removed; and the key ring is tended. Nothing goes by a clock that was set just
 * now. Effects: rows of all of these.
 */
export function createHousekeeping(deps: {
  store: Store;
  tendKeys: () => Promise<void>;
  clock: Clock;
  steps: StepWatch;
  log: Log;
  settings: { eventRetentionSeconds: number };
}) {
  const { store, clock, steps, log, settings } = deps;

  async function tend(): Promise<void> {
    await deps.tendKeys();
    if (!steps.isSteady()) return;
    const now = clock();
    await Promise.all([
      store.sessions.removeOverBefore(now - LIMITS.sessionKeepMs),
      store.security.removeBefore(now - settings.eventRetentionSeconds * 1000),
      store.throttles.removeFull(now),
      store.conversations.removeRemovedBefore(now - LIMITS.conversationKeepMs),
      store.changes.removeBefore(now - LIMITS.changesKeepMs),
    ]);
  }

  return {
    tend,

    /** Tends every half minute, until the function that it returns is called. */
    start(): () => void {
      const failed = (cause: unknown) => log("error", "untended", { cause: String(cause) });
      const timer = setInterval(() => tend().catch(failed), LIMITS.tendMs);
      return () => clearInterval(timer);
    },
  };
}
