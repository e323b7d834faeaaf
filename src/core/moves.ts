import { StartError } from "../errors.ts";
import type { Store } from "../store/index.ts";
import type { Log } from "./log.ts";

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

/** For a server that runs: why it must not write any more, undefined while it may. Effect: the log, when that comes. */
export function watchMoves({ store, log }: { store: Store; log: Log }): () => string | undefined {
  let moved: string | undefined;
  store.onTold((text) => {
    if (text !== MOVED && text !== null) return;
    assertSettled(store).catch((error: unknown) => {
      if (!(error instanceof StartError)) return;
      moved = error.message;
      log("error", "moved_away", { cause: moved });
    });
  });
  return () => moved;
}
