const LOOK_AGAIN_MS = 2;

/**
 * Up to which number of a change nothing can come any more. A transaction that will number a change holds a shared advisory
 * lock of the last number there was before (src/store/changes.ts). So whoever reads that number first, and then who holds
 * what, knows: what is not among the locks yet takes a greater number, and what is among them has one above its lock.
 */
const LOOK = `
  SELECT least(numbered.last_value, coming.above) AS settled
    FROM (SELECT last_value FROM changes_id_seq OFFSET 0) AS numbered
    LEFT JOIN LATERAL (
      SELECT min((classid::bigint << 31) | objid::bigint) AS above FROM pg_locks
       WHERE numbered.last_value IS NOT NULL AND locktype = 'advisory' AND objsubid = 2
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS coming ON true`;

export type Settled = {
  /** As it is known; later it is no less. */
  upTo(): number;
  /** Resolves when `upTo` has come to a number; undefined where it always has. Without one it looks once. Error code: `unavailable`. */
  reach(id?: number): Promise<void> | undefined;
  /** What another process has found. */
  learn(upTo: number): void;
};

/** Where one process writes, nothing comes between. */
export const ALWAYS_SETTLED: Settled = {
  upTo: () => Number.MAX_SAFE_INTEGER,
  reach: () => undefined,
  learn() {},
};

export function createSettled(ask: (sql: string) => Promise<{ settled: number } | null>): Settled {
  let known = 0;
  let waiting: { id: number; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let isLooking = false;

  const learn = (upTo: number) => void (known = Math.max(known, upTo));

  /** One look for all that are waited for. */
  async function look(): Promise<void> {
    isLooking = true;
    while (waiting.length > 0) {
      const asking = waiting;
      waiting = [];
      try {
        learn((await ask(LOOK))!.settled);
      } catch (error) {
        for (const { reject } of asking) reject(error);
        continue;
      }
      for (const each of asking)
        if (each.id <= known) each.resolve();
        else waiting.push(each);
      if (waiting.length > 0) await Bun.sleep(LOOK_AGAIN_MS);
    }
    isLooking = false;
  }

  return {
    upTo: () => known,
    learn,
    reach: (id = 0) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ id, resolve, reject });
        if (!isLooking) void look();
      }),
  };
}
