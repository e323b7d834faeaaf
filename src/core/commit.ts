import type { Store, Tables } from "../store/index.ts";
import type { Notifier } from "./notifier.ts";

/** The tables inside one transaction, and what is to happen once it is committed. */
export type Transaction = Tables & {
  /** Wakes the event streams of these users: there is a change to read, or their session has ended. */
  notify(userIds: Iterable<string>): void;
  /** For what must not be said of a transaction that came to nothing, such as a line in the log. */
  afterCommit(tell: () => void): void;
};

/**
 * Runs `work` as one transaction: all of its writes or none, then what it asked for after the commit. `work` may await
 * only calls on `tx`, since all writers wait for it, and it may be run again.
 */
export type Commit = <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>;

/** The one way in which a write that others must hear of is made. Nobody is woken before the commit, or without it. */
export function createCommit({ store, notifier }: { store: Store; notifier: Notifier }): Commit {
  return async (work) => {
    const { result, concerned, tells } = await store.tx(async (tables) => {
      const concerned = new Set<string>();
      const tells: (() => void)[] = [];
      const notify = (userIds: Iterable<string>) => {
        for (const userId of userIds) concerned.add(userId);
      };
      const afterCommit = (tell: () => void) => void tells.push(tell);
      return { result: await work({ ...tables, notify, afterCommit }), concerned, tells };
    });
    for (const tell of tells) tell();
    notifier.notify(concerned);
    return result;
  };
}
