export type Notifier = ReturnType<typeof createNotifier>;

/** One event stream's wait for news. A notification that comes while nobody waits is kept for the next wait. */
export type Subscription = {
  /** True after `close`, its own or the notifier's. */
  readonly closed: boolean;
  /** Resolves true when there is news or it is closed, false after `ms`. */
  wait(ms: number): Promise<boolean>;
  close(): void;
};

/**
 * Wakes the event streams of users after a commit that concerns them, within one process. It says who, never what:
 * a stream reads that from the database.
 */
export function createNotifier() {
  /** By user, the oldest first. */
  const subscribers = new Map<string, Set<{ wake(): void; close(): void; since: number }>>();
  let isClosed = false;

  return {
    /** How many streams a user has open. */
    count: (userId: string): number => subscribers.get(userId)?.size ?? 0,

    /** How many there are in all. */
    size: (): number => [...subscribers.values()].reduce((sum, { size }) => sum + size, 0),

    notify(userIds: Iterable<string>) {
      for (const userId of userIds) for (const each of subscribers.get(userId) ?? []) each.wake();
    },

    /** For when nobody knows whom something concerned. */
    notifyAll() {
      for (const all of subscribers.values()) for (const each of all) each.wake();
    },

    /** For a server that closes: every stream wakes, and none waits again. */
    close() {
      isClosed = true;
      for (const all of subscribers.values()) for (const each of all) each.wake();
    },

    /** Closes the oldest stream of a user if it has been open for that long; answers whether there was one. */
    closeOldest(userId: string, minAgeMs: number): boolean {
      const [oldest] = subscribers.get(userId) ?? [];
      if (!oldest || performance.now() - oldest.since < minAgeMs) return false;
      oldest.close();
      return true;
    },

    subscribe(userId: string): Subscription {
      let hasNews = false;
      let closed = false;
      let waiting: (() => void) | undefined;
      const wake = () => {
        hasNews = true;
        waiting?.();
      };
      const own = subscribers.get(userId) ?? new Set();
      const subscription: Subscription = {
        get closed() {
          return closed || isClosed;
        },
        async wait(ms) {
          if (!hasNews && !this.closed) {
            const { promise, resolve } = Promise.withResolvers<void>();
            const timer = setTimeout(resolve, ms);
            waiting = resolve;
            await promise;
            clearTimeout(timer);
          }
          const isWoken = hasNews || this.closed;
          hasNews = false;
          return isWoken;
        },
        close() {
          closed = true;
          wake();
          own.delete(entry);
          if (own.size === 0 && subscribers.get(userId) === own) subscribers.delete(userId);
        },
      };
      const entry = { wake, close: () => subscription.close(), since: performance.now() };
      subscribers.set(userId, own.add(entry));
      return subscription;
    },
  };
}
