import type { Store } from "../store/index.ts";
import type { KeyRing } from "./keys.ts";
import { LIMITS } from "./limits.ts";

/**
 * What is over goes: sessions that no token names any more, security events and changes past their time,
 * conversations that were removed, limits
 * that are full again; and the key ring is tended. Effects: rows of all of these.
 */
export function createHousekeeping(deps: {
  store: Store;
  keys: Pick<KeyRing, "tend">;
  clock: () => number;
  eventRetentionMs: number;
}) {
  const { store, keys, clock } = deps;
  return {
    async tend(): Promise<void> {
      await keys.tend();
      const now = clock();
      await Promise.all([
        store.sessions.removeOverBefore(now - LIMITS.sessionKeepMs),
        store.events.removeBefore(now - deps.eventRetentionMs),
        store.throttles.removeFull(now),
        store.conversations.removeRemovedBefore(now - LIMITS.conversationKeepMs),
        store.changes.removeBefore(now - LIMITS.changesKeepMs),
      ]);
    },
  };
}
