import { StartError } from "../errors.ts";
import type { Store } from "../store/index.ts";

/** What one process says to the others when all has been taken away: one that stood still meanwhile hears it when it goes on. */
export const MOVED = "moved";

/** Throws StartError where the data has been taken away, or has not all come. */
export async function assertSettled(store: Store): Promise<void> {
  for (const { id, direction, started_at, finished_at } of await store.transfer.moves()) {
    const on = new Date(started_at).toISOString().slice(0, 10);
    if (direction === "out")
      throw new StartError(
        `the data was moved away on ${on} (${id}); start where it is now, or take that back by duet export --undo`,
      );
    if (finished_at === null) throw new StartError("an import is not finished; run duet import again");
  }
}
