import { issuerOf, type Config } from "../config.ts";
import { timeIn } from "../core/ids.ts";
import { beginAnew } from "../core/restoration.ts";
import type { Log } from "../core/log.ts";
import { openRestored } from "../data.ts";
import {
  ageOfNewest,
  backUp,
  defaultFolderIn,
  keepLast,
  nextIn,
  prepare,
  progressOf,
  removeDraft,
  swapIn,
} from "../db/backup.ts";
import { assertNobodyLeaves, findFolder, holdFolder } from "../db/folder.ts";
import { StartError } from "../errors.ts";
import { UsageError } from "./command.ts";
import { timeOf } from "./people.ts";
import { progressBar } from "./progress.ts";
import { selfWith } from "./self.ts";

const LOOK_MS = 100;

/** `duet backup FILE`: the database in one file, as it is at one moment, beside a server that may be writing, and checked. */
export async function backup(file: string, config: Config): Promise<void> {
  if (config.databaseUrl)
    throw new StartError("a PostgreSQL database is backed up by its own tools (pg_dump)");
  const { databasePath } = findFolder(config.data);
  if (process.stderr.isTTY) await watched(file, databasePath, config.data);
  else backUp(databasePath, file);
  console.log(
    `${file} is whole. The secret is not in it: keep the one of ${config.data}, or DUET_SECRET, elsewhere.`,
  );
}

/** The work holds its thread up: another process does it, while this one says how far it is. */
async function watched(file: string, databasePath: string, folder: string): Promise<void> {
  const child = Bun.spawn(selfWith("backup", file, "--data", folder), {
    env: {},
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const bar = progressBar();
  const look = setInterval(() => bar.show(...progressOf(databasePath, file), "backup"), LOOK_MS);
  const said = (await new Response(child.stderr).text()).trim();
  const exitCode = await child.exited;
  clearInterval(look);
  bar.end();
  if (exitCode !== 0) throw new StartError(said.replace(/^duet: /, ""));
}

/**
 * `duet restore FILE`: puts a backup in the place of a folder's database, whose server must have been stopped, and begins anew
 * on it; `duet restore` the same for a PostgreSQL database that its own tools have put back.
 */
export async function restore(file: string | undefined, config: Config): Promise<void> {
  if ((file === undefined) !== (config.databaseUrl !== undefined))
    throw new UsageError(
      "say duet restore FILE, and duet restore where PostgreSQL's own tools have put it back",
    );
  const release = file === undefined ? () => {} : holdFolder(config.data);
  try {
    if (file !== undefined) assertNobodyLeaves(config.data);
    const draft = file === undefined ? null : prepare(file, config.data);
    const { store, keys, close } = await openRestored(config, issuerOf(config), draft);
    let people: number;
    let newest: string | null;
    try {
      if ((await store.others()) > 0)
        throw new StartError("a server is using the database; stop all of them first");
      newest = await store.newestId();
      people = await beginAnew(store, store.now());
      await keys.renewRefreshSecrets();
    } finally {
      await close();
    }
    const kept = draft === null ? null : swapIn(draft, config.data, Date.now());
    const asOf = newest === null ? "nothing" : timeOf(timeIn(newest));
    console.log(
      `Restored as of ${asOf}: ${people} accounts, with the passwords they had then. Everybody is signed out.`,
    );
    if (kept) console.log(`What was there before is ${kept}.`);
  } finally {
    if (file !== undefined) removeDraft(config.data);
    release();
  }
}

/** Of the newest that was made by itself; undefined where there is none. */
export function backupAgeSeconds({ backupFolder, data, databaseUrl }: Config): number | undefined {
  const age = databaseUrl ? undefined : ageOfNewest(backupFolder ?? defaultFolderIn(data), Date.now());
  return age === undefined ? undefined : age / 1000;
}

/** Makes a backup when the newest is older than the setting says, by a process of its own, and keeps the last ones. Answers how to stop it. */
export function backUpByItself(config: Config, log: Log): () => void {
  const { backupEverySeconds, backupsKept, data } = config;
  if (backupEverySeconds === undefined || config.databaseUrl) return () => {};
  const folder = config.backupFolder ?? defaultFolderIn(data);
  const lookMs = Math.min(60_000, backupEverySeconds * 1000);
  let making: Promise<void> | undefined;

  async function make() {
    const age = ageOfNewest(folder, Date.now());
    // One that is due before the next look is made now.
    if (age !== undefined && age < backupEverySeconds! * 1000 - lookMs / 2) return;
    const file = nextIn(folder, Date.now());
    const child = Bun.spawn(selfWith("backup", file, "--data", data), {
      env: {},
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const said = (await new Response(child.stderr).text()).trim();
    if ((await child.exited) !== 0) return log("error", "backup_failed", { cause: said });
    log("info", "backup_made", { file });
    keepLast(folder, backupsKept, Date.now());
  }

  const tend = () => {
    making ??= make()
      .catch((cause: unknown) => log("error", "backup_failed", { cause: String(cause) }))
      .finally(() => (making = undefined));
  };
  tend();
  const timer = setInterval(tend, lookMs);
  return () => clearInterval(timer);
}
