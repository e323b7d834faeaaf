import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { StartError } from "../errors.ts";
import { reasonOf } from "./check.ts";

const STARTS = "duet.db-start";

/**
 * Notes a start: by a number in the database, and beside it. Where there is no log the database must say one of those that are
 * noted, or it is not the one that was served last, or its log was lost: what was answered last may be nowhere else.
 */
export async function noteStart(path: string, store: (start: number) => Promise<unknown>): Promise<void> {
  const start = 1 + Math.floor(Math.random() * 0x7fff_fffe);
  const last = startsIn(path).at(-1);
  // Whichever of the two is stored when the machine stops.
  writeDurably(join(path, STARTS), `${last ?? ""} ${start}\n`);
  await store(start);
  writeDurably(join(path, STARTS), `${start}\n`);
}

/** What is put in the place of the database is another one. */
export const forgetStarts = (path: string): void => rmSync(join(path, STARTS), { force: true });

const startsIn = (path: string): number[] =>
  existsSync(join(path, STARTS))
    ? (readFileSync(join(path, STARTS), "utf8").match(/\d+/g)?.map(Number) ?? [])
    : [];

/** Of SQLite's header (sqlite.org/fileformat.html section 1.3.7): `PRAGMA user_version`. */
const START_OFFSET = 60;
const MAGIC = "SQLite format 3\0";

function headerOf(databasePath: string): Buffer {
  const header = Buffer.alloc(START_OFFSET + 4);
  const file = openSync(databasePath, "r");
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  return header;
}

/** Throws StartError where it is not; what is no database at all is for others to say. */
export function assertSameDatabase(path: string, databasePath: string): void {
  let starts: number[];
  let header: Buffer;
  try {
    starts = startsIn(path);
    header = headerOf(databasePath);
  } catch (cause) {
    throw new StartError(`the database ${databasePath} cannot be read (${reasonOf(cause)})`, { cause });
  }
  if (
    starts.length === 0 ||
    existsSync(`${databasePath}-wal`) ||
    !header.toString("latin1").startsWith(MAGIC)
  )
    return;
  if (starts.includes(header.readUInt32BE(START_OFFSET))) return;
  throw new StartError(
    `duet.db in ${path} is not as its last server left it: its log, duet.db-wal, is gone with what was stored last, or it is ` +
      `another file; put back what is missing, or a backup by duet restore, or remove ${STARTS} to go on with what is there`,
  );
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, "w", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
