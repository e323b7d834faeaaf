import { Database } from "bun:sqlite";
import { LIMITS } from "../limits.ts";
import { isMapped, mapIndexHeader, releaseIndexHeader } from "./foreign.ts";

const OPENINGS = 10;

/** One connection that reads and one that writes, and the header of the index that they use. */
export function openBoth(path: string): { header: Uint32Array; writer: Database; reader: Database } {
  for (let tried = 1; ; tried++) {
    const header = mapIndexHeader(path);
    const writer = connect(path, { readwrite: true, create: false });
    const reader = connect(path, { readonly: true });
    // Now the files are there that come with the first transaction.
    writer.run(`PRAGMA busy_timeout = ${LIMITS.writeLockWaitMs}`);
    writer.run("BEGIN IMMEDIATE; ROLLBACK");
    writer.run("PRAGMA busy_timeout = 0");
    if (isMapped(path) || tried === OPENINGS) return { header, writer, reader };
    reader.close();
    writer.close();
    releaseIndexHeader(path);
  }
}

/** As every connection of ours is. */
export function connect(
  path: string,
  options: { readonly?: boolean; readwrite?: boolean; create?: boolean },
): Database {
  const db = new Database(path, { ...options, strict: true });
  // A backup that was put back need not be in WAL any more.
  if (!options.readonly) db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA foreign_keys = ON");
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA trusted_schema = OFF");
  // What undoes one statement of a transaction: an image, or a disk that is full, has no place for a file of it.
  db.run("PRAGMA temp_store = MEMORY");
  // Of the one that nearly everything is read through; taken as it is used.
  if (!options.readonly) db.run(`PRAGMA cache_size = -${LIMITS.databaseCacheBytes / 1024}`);
  // What a long reader has made of the WAL does not stay on the disk for ever.
  db.run(`PRAGMA journal_size_limit = ${LIMITS.walBytesKept}`);
  // Only the reader may wait inside SQLite; waiting there stops the event loop, so the writer waits in begin().
  db.run(`PRAGMA busy_timeout = ${options.readonly ? 1000 : 0}`);
  return db;
}
