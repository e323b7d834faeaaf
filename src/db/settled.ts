const LOOK_AGAIN_MS = 2;

/**
 * Says when changes may be told: when every transaction has ended that is older than theirs, and so comes before them in
 * `told_changes` (0001_start.postgres.sql). Most often at the first look, which is one for all that are waited for.
 */
export function createSettled(connections: () => Pick<Bun.SQL, "unsafe">) {
  let waiting: { id: number; resolve: () => void }[] = [];
  let isLooking = false;

  async function look(): Promise<void> {
    isLooking = true;
    while (waiting.length > 0) {
      // A database that does not answer has readers look by themselves, with their next heartbeat.
      const horizon = await horizonOf(connections()).catch(() => Number.POSITIVE_INFINITY);
      for (const { id, resolve } of waiting) if (id < horizon) resolve();
      waiting = waiting.filter(({ id }) => id >= horizon);
      if (waiting.length > 0) await Bun.sleep(LOOK_AGAIN_MS);
    }
    isLooking = false;
  }

  return (id: number): Promise<void> =>
    new Promise((resolve) => {
      waiting.push({ id, resolve });
      if (!isLooking) void look();
    });
}

async function horizonOf(sql: Pick<Bun.SQL, "unsafe">): Promise<number> {
  const [row] = await sql.unsafe(
    "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint * 65536 AS horizon",
  );
  return Number(row.horizon);
}
