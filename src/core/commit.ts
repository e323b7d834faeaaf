import type { Store, Tables } from "../store/index.ts";
import type { Notifier } from "./notifier.ts";

/** The tables inside one transaction, and whom to wake once it is committed. */
export type Transaction = Tables & {
  /** The event streams of these users have something to read, or to end for. */
  notify(userIds: Iterable<string>): void;
};

/** Runs `work` as one transaction: all of its writes or none, then its notifications. It awaits nothing but `tx`. */
export type Commit = <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>;

/** The one way in which a write that others must hear of is made. Nobody is woken before the commit, or without it. */
export function createCommit({ store, notifier }: { store: Store; notifier: Notifier }): Commit {
  return async (work) => {
    const { result, concerned } = await store.tx(async (tables) => {
      const concerned = new Set<string>();
      const notify = (userIds: Iterable<string>) => {
        for (const userId of userIds) concerned.add(userId);
      };
      return { result: await work({ ...tables, notify }), concerned };
    });
    notifier.notify(concerned);
    return result;
  };
}
