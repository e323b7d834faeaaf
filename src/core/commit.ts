import { DuetError } from "../errors.ts";
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

/** What one process says to another: `wake UPTO ID ID …`, who should look, and how far (db/settled.ts). */
const WAKE = "wake ";
/** In one message; what carries it has a bound (db/news.ts). */
const USERS_PER_MESSAGE = 150;

/** The one way in which a write that others must hear of is made. Nobody is woken before the commit, or without it. */
export function createCommit(deps: {
  store: Store;
  notifier: Notifier;
  /** Why nothing may be written any more; undefined while it may. */
  whyOver: () => string | undefined;
  /** Is told of every change that was committed, with those who may know of it. */
  onChange: (change: ChangeRow, audience: ReadonlySet<string>) => void;
}): Commit {
  const { store, notifier, onChange } = deps;

  store.onTold((text) => {
    if (text === null) {
      // How far may be told is not known either.
      const looked = store.settled.reach() ?? Promise.resolve();
      void looked.catch(() => {}).then(() => notifier.notifyAll());
    }
    if (!text?.startsWith(WAKE)) return;
    const [upTo, ...userIds] = text.slice(WAKE.length).split(" ");
    store.settled.learn(Number(upTo));
    notifier.notify(userIds);
  });

  /** Here and in every other process. */
  function wake(concerned: Set<string>): void {
    notifier.notify(concerned);
    if (store.hasOneWriter) return;
    const userIds = [...concerned];
    for (let i = 0; i < userIds.length; i += USERS_PER_MESSAGE)
      store.tell(`${WAKE}${store.settled.upTo()} ` + userIds.slice(i, i + USERS_PER_MESSAGE).join(" "));
  }

  return async (work) => {
    const cause = deps.whyOver();
    if (cause) throw new DuetError("unavailable", { cause });
    const { result, concerned, tells, last } = await store.tx(async (tables) => {
      const concerned = new Set<string>();
      const tells: (() => void)[] = [];
      const noted = { last: 0 };
      const notify = (userIds: Iterable<string>, change?: ChangeRow) => {
        const audience = new Set(userIds);
        for (const userId of audience) concerned.add(userId);
        if (!change) return;
        noted.last = Math.max(noted.last, change.id);
        tells.push(() => onChange(change, audience));
      };
      const afterCommit = (tell: () => void) => void tells.push(tell);
      const result = await work({ ...tables, notify, afterCommit });
      return { result, concerned, tells, last: noted.last };
    });
    for (const tell of tells) tell();
    const settled = last > 0 ? store.settled.reach(last) : undefined;
    // Where that cannot be found out now, streams look by themselves with their next heartbeat.
    if (settled) void settled.catch(() => {}).then(() => wake(concerned));
    else wake(concerned);
    return result;
  };
}
