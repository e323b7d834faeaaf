import type { Store } from "../../store/index.ts";
import type { Notifier } from "../notifier.ts";

/** What one process says to another: `readers PROCESS USER COUNT`, `crowded PROCESS USER`. */
const READERS = "readers ";
const CROWDED = "crowded ";

export type Readers = ReturnType<typeof createReaders>;

/**
 * How many event streams an account has open, in every process that shares the database. Each tells the others when that
 * changes, and again with each heartbeat: of one that is gone nothing is heard, and after three it counts no more.
 */
export function createReaders(deps: { store: Store; notifier: Notifier; heartbeatMs: number }) {
  const { store, notifier, heartbeatMs } = deps;
  const me = crypto.randomUUID();
  const minAgeMs = 2 * heartbeatMs;
  /** By user and process. */
  const elsewhere = new Map<string, Map<string, { count: number; heardAt: number }>>();
  const own = new Set<string>();

  store.onTold((text) => {
    if (text?.startsWith(`${CROWDED}${me} `))
      notifier.closeOldest(text.slice(CROWDED.length + me.length + 1), minAgeMs);
    if (!text?.startsWith(READERS)) return;
    const [process, userId, count] = text.slice(READERS.length).split(" ") as [string, string, string];
    const counts = elsewhere.get(userId) ?? new Map<string, { count: number; heardAt: number }>();
    if (count === "0") counts.delete(process);
    else counts.set(process, { count: Number(count), heardAt: performance.now() });
    if (counts.size > 0) elsewhere.set(userId, counts);
    else elsewhere.delete(userId);
  });

  const tell = (userId: string) => store.tell(`${READERS}${me} ${userId} ${notifier.count(userId)}`);

  /** Says all of it again, and forgets who has not. */
  function beat(): void {
    for (const userId of own) tell(userId);
    const before = performance.now() - 3 * heartbeatMs;
    for (const [userId, counts] of elsewhere) {
      for (const [process, { heardAt }] of counts) if (heardAt < before) counts.delete(process);
      if (counts.size === 0) elsewhere.delete(userId);
    }
  }
  if (!store.hasOneWriter) setInterval(beat, heartbeatMs).unref();

  return {
    count(userId: string): number {
      let count = notifier.count(userId);
      for (const other of elsewhere.get(userId)?.values() ?? []) count += other.count;
      return count;
    },

    /**
     * Has the oldest stream of a user give way, if it has been open for two heartbeats; answers whether there is room now.
     * Where they are another process's it will be when whoever asks comes again.
     */
    makeRoom(userId: string): boolean {
      if (notifier.closeOldest(userId, minAgeMs)) return true;
      const counts = [...(elsewhere.get(userId) ?? [])].toSorted(([, a], [, b]) => b.count - a.count);
      if (counts[0]) store.tell(`${CROWDED}${counts[0][0]} ${userId}`);
      return false;
    },

    /** After a stream was opened or closed. */
    changed(userId: string): void {
      if (notifier.count(userId) > 0) own.add(userId);
      else own.delete(userId);
      if (!store.hasOneWriter) tell(userId);
    },
  };
}
