/** Wakes the event streams of users after a commit that concerns them. Says who, never what: that is in the database. */
export type Bell = ReturnType<typeof createBell>;

/** One listener's ear. A ring while nobody waits is kept, so that nothing falls between reading and waiting. */
export type Ear = {
  /** By its owner, or because the server closes. */
  readonly closed: boolean;
  /** Resolves true when it has rung or is closed, false after `ms`. */
  next(ms: number): Promise<boolean>;
  close(): void;
};

/** Makes a bell for one process. */
export function createBell() {
  const ears = new Map<string, Set<() => void>>();
  let silenced = false;

  return {
    /** How many listen for a user. */
    count: (userId: string): number => ears.get(userId)?.size ?? 0,

    ring(userIds: Iterable<string>) {
      for (const userId of userIds) for (const wake of ears.get(userId) ?? []) wake();
    },

    /** For a server that closes: everybody wakes, and nobody waits again. */
    silence() {
      silenced = true;
      for (const user of ears.values()) for (const wake of user) wake();
    },

    listen(userId: string): Ear {
      let rung = false;
      let closed = false;
      let waiting: (() => void) | undefined;
      const wake = () => {
        rung = true;
        waiting?.();
      };
      const mine = ears.get(userId) ?? new Set();
      ears.set(userId, mine.add(wake));
      return {
        get closed() {
          return closed || silenced;
        },
        async next(ms) {
          if (!rung && !this.closed) {
            const { promise, resolve } = Promise.withResolvers<void>();
            const timer = setTimeout(resolve, ms);
            waiting = resolve;
            await promise;
            clearTimeout(timer);
          }
          const woken = rung || this.closed;
          rung = false;
          return woken;
        },
        close() {
          closed = true;
          wake();
          mine.delete(wake);
          if (mine.size === 0 && ears.get(userId) === mine) ears.delete(userId);
        },
      };
    },
  };
}
