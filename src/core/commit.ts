import type { Store, Tables } from "../store/index.ts";
import type { ChangeRow } from "../store/changes.ts";
import type { Notifier } from "./notifier.ts";

/** The tables inside one transaction, and what is to happen once it is committed. */
export type Transaction = Tables & {
  /** Wakes the event streams of these users: their session has ended, or the change is there to be read. */
  notify(userIds: Iterable<string>, change?: ChangeRow): void;
  /** For what must not be said of a transaction that came to nothing, such as a line in the log. */
  afterCommit(tell: () => void): void;
};

/**
 * Runs `work` as one transaction: all of its writes or none, then what it asked for after the commit. `work` may await
 * only calls on `tx`, since all writers wait for it, and it may be run again.
 */
export type Commit = <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>;

/** The one way in which a write that others must hear of is made. Nobody is woken before the commit, or without it. */
export function createCommit(deps: {
  store: Store;
  notifier: Notifier;
  /** Is told of every change that was committed, with those who may know of it. */
  onChange: (change: ChangeRow, audience: ReadonlySet<string>) => void;
}): Commit {
  const { store, notifier, onChange } = deps;
  return async (work) => {
    const { result, concerned, tells } = await store.tx(async (tables) => {
      const concerned = new Set<string>();
      const tells: (() => void)[] = [];
      const notify = (userIds: Iterable<string>, change?: ChangeRow) => {
        const audience = new Set(userIds);
        for (const userId of audience) concerned.add(userId);
        if (change) tells.push(() => onChange(change, audience));
      };
      const afterCommit = (tell: () => void) => void tells.push(tell);
      return { result: await work({ ...tables, notify, afterCommit }), concerned, tells };
    });
    for (const tell of tells) tell();
    notifier.notify(concerned);
    return result;
  };
}
