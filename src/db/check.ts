import { Database } from "bun:sqlite";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { StartError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** "Duet", in the file's header: whose database it is. */
export const APPLICATION_ID = 0x44756574;

/**
 * What a start looks at, whatever the size: that the file is there, whole by its own count, ours, and has a readable schema;
 * a small one is checked to its end. Answers whether the rest of a larger one should be checked while it is used: its last
 * server did not close it. Throws StartError and changes nothing.
 */
export function checkAtStart(path: string): { isUnsure: boolean } {
  const { size } = statSync(path);
  // SQLite opens a zero-byte file as a new, empty database. Where there was one before, that is data loss.
  if (size === 0)
    throw new StartError(`the database ${path} is empty (0 bytes); restore it, or remove it to start anew`);
  const isUnclean = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
  const isSmall = size <= LIMITS.databaseCheckedAtStartBytes;
  if (!isUnclean && size < countedBytes(path)) throw damaged(path, "its end is missing");
  if (isSmall) {
    const [fault] = faultsOf(path);
    if (fault) throw damaged(path, fault);
  }
  const owner = withDatabase(path, (db) => {
    db.query("SELECT count(*) FROM sqlite_schema").get();
    return db.query<{ application_id: number }, []>("PRAGMA application_id").get()?.application_id;
  });
  if (owner !== APPLICATION_ID) throw new StartError(`the database ${path} is another program's`);
  return { isUnsure: isUnclean && !isSmall };
}

/** Reads all of a database, beside a server that may be running, and says what is wrong with it. Throws StartError. */
export const faultsOf = (path: string): string[] =>
  withDatabase(path, (db) =>
    db
      .query<{ quick_check: string }, []>("PRAGMA quick_check(10)")
      .all()
      .map(({ quick_check: fault }) => fault.replace(/\s+/g, " "))
      .filter((fault) => fault !== "ok"),
  );

/** How long the file is by its own header (sqlite.org/fileformat.html section 1.3). */
function countedBytes(path: string): number {
  const header = Buffer.alloc(32);
  const file = openSync(path, "r");
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  const pageBytes = header.readUInt16BE(16);
  return header.readUInt32BE(28) * (pageBytes === 1 ? 65_536 : pageBytes);
}

function withDatabase<T>(path: string, work: (db: Database) => T): T {
  try {
    const db = new Database(path, { readwrite: true, create: false });
    try {
      db.run("PRAGMA busy_timeout = 5000");
      return work(db);
    } finally {
      db.close();
    }
  } catch (cause) {
    const reason = reasonOf(cause);
    const is = /CORRUPT|NOTADB/.test(reason) ? "is damaged" : "cannot be read";
    throw new StartError(`the database ${path} ${is} (${reason})`, { cause });
  }
}

const damaged = (path: string, fault: string) =>
  new StartError(`the database ${path} is damaged (${fault}); put a backup back`);

/** What an error says of itself, in a word where it has one. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error && "code" in error
    ? String(error.code)
    : error instanceof Error
      ? error.message
      : String(error);
