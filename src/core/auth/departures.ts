import { LIMITS } from "../../limits.ts";
import type { Store } from "../../store/index.ts";
import type { Commit, Transaction } from "../commit.ts";

/** How another part of Duet (chat) takes part in deleting and exporting an account, without being known here. */
export type AccountPart = {
  /** Clears away some of what a deleted account has left, as one short transaction. False when nothing is left of it. */
  clearSome(tx: Transaction, userId: string): Promise<boolean>;
  /** What is the user's own in this part, as lists of plain data under names of its own. */
  exportOf(userId: string): Record<string, AsyncIterable<object>>;
};

export type Departures = ReturnType<typeof createDepartures>;

/**
 * What deleted accounts have left: sessions' devices, events, conversations, however many. Those accounts are gone for
 * everybody already; this is done in short steps, so that nobody waits for it, and may be begun again at any time.
 */
export function createDepartures(deps: { store: Store; commit: Commit; parts: AccountPart[] }) {
  const { store, commit, parts } = deps;
  const limit = LIMITS.rowsClearedAtOnce;

  /** Yields after each step but the last. */
  async function* stepsOf(userId: string): AsyncGenerator<void, void> {
    for (const part of parts) while (await commit((tx) => part.clearSome(tx, userId))) yield;
    for (let last: string | null = ""; last !== null;) {
      const after: string = last;
      last = await store.tx((tx) => tx.devices.forgetOf(userId, after, limit));
      if (last !== null) yield;
    }
    while ((await store.eras.forgetDevicesOf(userId, limit)) > 0) yield;
    while ((await store.security.removeOf(userId, limit)) > 0) yield;
    while ((await store.idempotency.removeOf(userId, limit)) > 0) yield;
    await store.users.removeDeparted(userId);
  }

  let underway: AsyncGenerator<void, void> | undefined;

  return {
    /** The first steps of one account, which for most are all. The others are housekeeping's. */
    async begin(userId: string): Promise<void> {
      const steps = stepsOf(userId);
      for (let n = 0; n < LIMITS.departureStepsAtOnce; n++) if ((await steps.next()).done) return;
    },

    /** One step of whichever account is next. False if there is none. */
    async clearSome(): Promise<boolean> {
      if (!underway) {
        const departed = await store.users.findDeparted();
        if (!departed) return false;
        underway = stepsOf(departed.id);
      }
      // What has failed is begun again.
      const steps = underway;
      underway = undefined;
      if (!(await steps.next()).done) underway = steps;
      return true;
    },
  };
}
