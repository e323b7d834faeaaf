import { Database } from "bun:sqlite";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { StartError } from "../errors.ts";
import { checkAtStart, faultsOf, reasonOf } from "./check.ts";
import { forgetStarts } from "./starts.ts";

/** While it is written, a backup has another name: what has its own is whole and was read to its end. */
const draftOf = (file: string): string => `${file}.part`;

/**
 * Writes a database to one file, as it is at one moment, beside a server that may be writing; then reads all of that. Throws
 * StartError; never overwrites.
 */
export function backUp(databasePath: string, file: string): void {
  if (existsSync(file)) throw new StartError(`${file} is there already`);
  const draft = draftOf(file);
  // For its owner alone.
  process.umask(0o077);
  try {
    rmSync(draft, { force: true });
    const db = new Database(databasePath, { readwrite: true, create: false });
    try {
      db.run("PRAGMA busy_timeout = 5000");
      db.run("VACUUM INTO ?", [draft]);
    } finally {
      db.close();
    }
    const [fault] = faultsOf(draft);
    if (fault)
      throw new StartError(`the backup is damaged (${fault}); duet check says whether the database is`);
    renameSync(draft, file);
  } catch (cause) {
    rmSync(draft, { force: true });
    if (cause instanceof StartError) throw cause;
    throw new StartError(`the backup ${file} cannot be written (${reasonOf(cause)})`, { cause });
  }
}

/** How much of it there is, and how large it will be, about; in bytes. */
export const progressOf = (databasePath: string, file: string): [done: number, of: number] => [
  statSync(draftOf(file), { throwIfNoEntry: false })?.size ?? 0,
  statSync(databasePath).size,
];

/** Of a backup that was made by itself: `duet-2026-11-26T08-00-00Z.db`. */
const NAME = /^duet-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.db$/;

/** Those in a folder, the newest first. */
const backupsIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => NAME.test(name))
        .toSorted()
        .toReversed()
    : [];

/** How old the newest backup that was made by itself is, in milliseconds; undefined where there is none. */
export function ageOfNewest(folder: string, now: number): number | undefined {
  // One from a time that is yet to come was made by a clock that was wrong.
  const ages = backupsIn(folder).map((name) => now - statSync(join(folder, name)).mtimeMs);
  return ages.filter((age) => age >= 0).sort((a, b) => a - b)[0];
}

/** Where the next one goes. */
export function nextIn(folder: string, now: number): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const time = new Date(now).toISOString().slice(0, 19).replaceAll(":", "-");
  return join(folder, `duet-${time}Z.db`);
}

/** Removes all but the last ones; those that a clock which was wrong has made later than now are neither counted nor removed. */
export function keepLast(folder: string, count: number, now: number): void {
  const past = backupsIn(folder).filter((name) => statSync(join(folder, name)).mtimeMs <= now);
  for (const old of past.slice(count)) rmSync(join(folder, old), { force: true });
}

export const defaultFolderIn = (data: string): string => join(data, "backups");

const draftIn = (folder: string): string => join(folder, "duet.db.restored");

/** Removes what a restore that failed has left: it holds what the backup held. */
export function removeDraft(folder: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(draftIn(folder) + suffix, { force: true });
}

/**
 * Copies a backup into a folder whose server must have been stopped (`holdFolder`), beside its database: what has to be done to it
 * is done there, before `swapIn` puts it in its place. Throws StartError.
 */
export function prepare(file: string, folder: string): string {
  if (!existsSync(file)) throw new StartError(`there is no ${file}`);
  checkAtStart(file);
  const [fault] = faultsOf(file);
  if (fault) throw new StartError(`the backup ${file} is damaged (${fault})`);
  const draft = draftIn(folder);
  try {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(draft + suffix, { force: true });
    copyFileSync(file, draft);
    chmodSync(draft, 0o600);
  } catch (cause) {
    throw new StartError(`the backup cannot be copied to ${draft} (${reasonOf(cause)})`, { cause });
  }
  return draft;
}

/**
 * Puts it in the place of the database. What was there is kept beside it; answers under which name. A log without its database
 * goes too, or it would be played into the new one. Throws StartError.
 */
export function swapIn(draft: string, folder: string, now: number): string | null {
  const path = join(folder, "duet.db");
  const kept = `${path}.before-${now}`;
  // The database before its log: killed between them, the next start finds a log alone, and takes it for no new folder.
  const there = ["", "-wal", "-shm"].filter((suffix) => existsSync(path + suffix));
  try {
    for (const suffix of ["-wal", "-shm"]) rmSync(draft + suffix, { force: true });
    for (const suffix of there) renameSync(path + suffix, kept + suffix);
    renameSync(draft, path);
    forgetStarts(folder);
  } catch (cause) {
    throw new StartError(`the backup cannot be put back (${reasonOf(cause)})`, { cause });
  }
  return there.includes("") ? kept : null;
}
