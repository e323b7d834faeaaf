import type { Config } from "../config.ts";
import { checkArchive, exportLines, importLines, type Header } from "../core/chat/transfer.ts";
import { assertSettled, MOVED, openTables } from "../data.ts";
import { readArchive, writeArchive } from "../db/archive.ts";
import { DuetError, StartError } from "../errors.ts";
import { UsageError } from "./command.ts";
import { progressBar } from "./progress.ts";

/**
 * `duet export FILE` writes everything, as it is at one moment, beside a server that may be running. With `--move` the server
 * must have been stopped, and does not start again on what was moved away, so that no session goes on in two places;
 * `duet export --undo` takes that back.
 */
export async function exportAll(path: string | undefined, isMove: boolean, config: Config): Promise<void> {
  if (!path) throw new UsageError("say duet export FILE, or duet export FILE --move");
  const { store, close } = await openTables(config, { isOurs: isMove, isThere: true });
  const header: Header = {
    format: "duet",
    version: 1,
    id: crypto.randomUUID(),
    made_at: new Date(store.now()).toISOString(),
    is_move: isMove,
  };
  const bar = progressBar();
  try {
    if (isMove) {
      await assertSettled(store);
      await store.transfer.beginMove(header.id, "out", store.now());
      if ((await store.others()) > 0)
        throw new StartError("a server is using the database; stop all of them first");
    }
    await store.snapshot((tables) => writeArchive(path, exportLines(tables, header, bar.show)));
    if (isMove) {
      await store.transfer.finishMove(header.id, store.now());
      store.tell(MOVED);
    }
  } catch (error) {
    if (isMove) await store.transfer.takeBackMove(header.id);
    throw error;
  } finally {
    bar.end();
    await close();
  }
  console.log(
    `${path} holds everything: password hashes, sealed keys, messages. Keep it as you keep the secret.`,
  );
  if (isMove) console.log("Nothing starts on the data that was moved away, until duet export --undo.");
}

/** `duet export --undo`: what was moved away may be used here again. */
export async function takeBack(config: Config): Promise<void> {
  const { store, close } = await openTables(config, { isOurs: true, isThere: true });
  const taken = await store.transfer.takeBackMoves().finally(close);
  if (taken === 0) throw new StartError("nothing was moved away from here");
  console.log(
    "The data may be used here again. If it is in use elsewhere too, sessions go on in two places.",
  );
}

/** `duet import FILE` fills a new folder or database, or goes on with an import that was broken off. */
export async function importAll(path: string, config: Config): Promise<void> {
  const archive = await checkArchive(readArchive(path));
  const { store, close } = await openTables(config, { isOurs: true, isThere: false });
  const bar = progressBar();
  try {
    await importLines(store, archive, readArchive(path), store.now(), bar.show);
  } catch (error) {
    if (!(error instanceof DuetError)) throw error;
    const { cause } = error.details;
    throw new StartError(`the database does not answer (${cause}); run duet import again`, { cause: error });
  } finally {
    bar.end();
    await close();
  }
  const { users, sessions, messages } = archive.counts;
  console.log(`${users} users, ${sessions} sessions and ${messages} messages are here, all of them checked.`);
  console.log("Start with the secret that the archive's keys are sealed with (DUET_SECRET).");
}
