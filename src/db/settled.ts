import { DuetError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

const LOOK_AGAIN_MS = 2;
const LOOK_AGAIN_MAX_MS = 100;

/** The first half of the advisory locks that are held for changes; the second is the number, or what 31 bits hold of it. */
export const CHANGES_LOCK = 0x64_75_65_74;

/**
 * Up to which number of a change nothing can come any more. A transaction that will number a change holds a shared advisory
 * lock of the last number there was before (src/store/changes.ts). So whoever reads that number first, and then who holds
 * what, knows: what is not among the locks yet takes a greater number, and what is among them has one above its lock.
 */
const LOOK = `
  SELECT least(numbered.last_value, coming.above) AS settled
    FROM (SELECT last_value FROM changes_id_seq OFFSET 0) AS numbered
    LEFT JOIN LATERAL (
      SELECT min(numbered.last_value - ((numbered.last_value - objid::bigint) & 2147483647)) AS above FROM pg_locks
       WHERE numbered.last_value IS NOT NULL AND locktype = 'advisory' AND objsubid = 2 AND classid = ${CHANGES_LOCK}
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS coming ON true`;

export type Settled = {
  /** As it is known; later it is no less. */
  upTo(): number;
  /** Resolves when `upTo` has come to a number; undefined where it always has. Without one it looks once. Error code: `unavailable`. */
  reach(id?: number): Promise<void> | undefined;
  /** What another process has found. */
  learn(upTo: number): void;
  /** After a time in which another server may have taken over, which need not have come as far. */
  forget(): void;
};

/** Where one process writes, nothing comes between. */
export const ALWAYS_SETTLED: Settled = {
  upTo: () => Number.MAX_SAFE_INTEGER,
  reach: () => undefined,
  learn() {},
  forget() {},
};

export function createSettled(ask: (sql: string) => Promise<{ settled: number } | null>): Settled {
  let known = 0;
  let waiting: { id: number; until: number; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let isLooking = false;

  const learn = (upTo: number) => void (known = Math.max(known, upTo));

  /** One look for all that are waited for. */
  async function look(): Promise<void> {
    isLooking = true;
    for (
      let pauseMs = LOOK_AGAIN_MS;
      waiting.length > 0;
      pauseMs = Math.min(2 * pauseMs, LOOK_AGAIN_MAX_MS)
    ) {
      const asking = waiting;
      waiting = [];
      try {
        learn((await ask(LOOK))!.settled);
      } catch (error) {
        for (const { reject } of asking) reject(error);
        continue;
      }
      const now = performance.now();
      for (const each of asking)
        if (each.id <= known) each.resolve();
        else if (now < each.until) waiting.push(each);
        else each.reject(new DuetError("unavailable", { cause: `change ${each.id} is not settled` }));
      if (waiting.length > 0) await Bun.sleep(pauseMs);
    }
    isLooking = false;
  }

  return {
    upTo: () => known,
    learn,
    forget: () => void (known = 0),
    reach: (id = 0) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ id, until: performance.now() + LIMITS.databaseWaitMs, resolve, reject });
        if (!isLooking) void look();
      }),
  };
}
