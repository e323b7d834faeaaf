import { Database } from "bun:sqlite";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartError } from "../errors.ts";
import { APPLICATION_ID, checkAtStart, reasonOf } from "./check.ts";
import { assertSameDatabase } from "./starts.ts";

/**
 * The data folder: `duet.db` (with its -wal and -shm), `secret`, `server.lock`, `duet.db-start` (starts.ts) and, for a
 * takeover, `handover.sock` and `leaving.lock`. Everything in it is for the owner alone (0700, 0600). Each function either succeeds or throws a StartError and overwrites nothing.
 */
const LOCK = "server.lock";
const LEAVING = "leaving.lock";

/** A folder that goes with the process: in memory where the machine has such a place. */
export function demoFolder(): { path: string; remove(): void } {
  const base = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const path = mkdtempSync(join(base, "duet-demo-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export type Folder = {
  databasePath: string;
  /** Whether this process is the folder's server. */
  isOurs: boolean;
  /** Whether all of the database should be checked while it is used (`checkAtStart`). */
  isUnsure: boolean;
  /** What says so, and must stay where it is for as long. */
  lockPath?: string;
  unlock(): void;
};

/** Makes sure that no server uses a folder, until the function that it answers is called; whatever is in it. */
export function holdFolder(path: string): () => void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (!statSync(path).isDirectory()) throw new Error("not a folder");
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new StartError(`the data folder ${path} cannot be written to (${reasonOf(cause)})`, { cause });
  }
  return lock(path);
}

export function openFolder(path: string): Folder {
  const unlock = holdFolder(path);
  try {
    const databasePath = join(path, "duet.db");
    let isUnsure = false;
    if (existsSync(databasePath)) {
      // Before the next line: it may take the log into the database.
      assertSameDatabase(path, databasePath);
      ({ isUnsure } = checkAtStart(databasePath));
    } else {
      // The secret is written after the database: where it is alone, the database was lost.
      for (const left of ["duet.db-wal", "secret"])
        if (existsSync(join(path, left)))
          throw new StartError(
            `${left} is in ${path} but duet.db is not; restore it, or remove ${left} to start anew`,
          );
      createDatabase(databasePath);
    }
    return { databasePath, isOurs: true, isUnsure, lockPath: join(path, LOCK), unlock };
  } catch (error) {
    unlock();
    throw error;
  }
}

/** The folder of a server, running or not, for an operator's command beside it. Takes no lock, makes nothing. */
export function findFolder(path: string): Folder {
  const databasePath = join(path, "duet.db");
  if (!existsSync(databasePath)) throw new StartError(`there is no database in ${path}`);
  assertSameDatabase(path, databasePath);
  checkAtStart(databasePath);
  return { databasePath, isOurs: false, isUnsure: false, unlock() {} };
}

/** A file that is there for its locks alone, which the system drops however a process ends. */
function openLock(file: string): Database {
  closeSync(openSync(file, "a", 0o600));
  const holder = new Database(file);
  holder.run("PRAGMA busy_timeout = 0");
  return holder;
}

/**
 * Says that this server still uses a folder that another one has taken over, until the function that it answers is called or the
 * process ends: several may at once.
 */
export function holdWhileLeaving(path: string): () => void {
  const holder = openLock(join(path, LEAVING));
  holder.run("BEGIN");
  holder.query("SELECT count(*) FROM sqlite_schema").get();
  return () => holder.close();
}

/** For what nobody may write beside. Throws StartError where a server that was taken over from has not gone yet. */
export function assertNobodyLeaves(path: string): void {
  const holder = openLock(join(path, LEAVING));
  try {
    holder.run("BEGIN EXCLUSIVE");
  } catch (cause) {
    throw new StartError(
      `a server that was taken over from still answers in ${path}; try again in two minutes`,
      { cause },
    );
  } finally {
    holder.close();
  }
}

/**
 * One server per folder, by a lock that the system drops however the process ends: an exclusive transaction on
 * a file of its own, so that operator commands may open the database beside the server.
 */
function lock(path: string): () => void {
  const file = join(path, LOCK);
  let holder: Database | undefined;
  try {
    holder = openLock(file);
    holder.run("BEGIN EXCLUSIVE");
    const held = holder;
    return () => held.close();
  } catch (cause) {
    holder?.close();
    if (reasonOf(cause).startsWith("SQLITE_BUSY"))
      throw new StartError(`another Duet server is using the data folder ${path}`, { cause });
    throw new StartError(`the data folder ${path} cannot be locked (${reasonOf(cause)})`, { cause });
  }
}

/** Made beside its place and moved there whole: a start that is killed leaves no half database. */
function createDatabase(path: string): void {
  const draft = `${path}.new`;
  try {
    rmSync(draft, { force: true });
    closeSync(openSync(draft, "wx", 0o600));
    const db = new Database(draft);
    db.run("PRAGMA journal_mode = WAL");
    db.run(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    for (const suffix of ["-wal", "-shm"]) rmSync(draft + suffix, { force: true });
    renameSync(draft, path);
  } catch (cause) {
    throw new StartError(`the database ${path} cannot be created (${reasonOf(cause)})`, { cause });
  }
}

/**
 * The secret that seals the signing keys: from the settings, else from the folder's `secret` file, which is
 * written on the first start (`isFirstStart`: no key exists yet that another secret may have sealed).
 */
export function loadSecret(path: string, configured: string | undefined, isFirstStart: boolean): string {
  if (configured !== undefined) return configured;
  const file = join(path, "secret");
  if (existsSync(file)) {
    const secret = readSecret(file);
    if (secret.length < 32)
      throw new StartError(`the secret in ${file} is damaged: it has fewer than 32 characters`);
    return secret;
  }
  if (!isFirstStart)
    throw new StartError(
      `signing keys exist but their secret is missing: set DUET_SECRET or restore ${file}`,
    );
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
  try {
    // As the database: a start that is killed leaves no empty one, with which no other can begin.
    const draft = `${file}.new`;
    rmSync(draft, { force: true });
    writeFileSync(draft, `${secret}\n`, { flag: "wx", mode: 0o600, flush: true });
    renameSync(draft, file);
  } catch (cause) {
    throw new StartError(`the secret cannot be written to ${file} (${reasonOf(cause)})`, { cause });
  }
  return secret;
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new StartError(`the secret in ${file} cannot be read (${reasonOf(cause)})`, { cause });
  }
}
