import type { Database } from "bun:sqlite";
import { statSync, writeFileSync } from "node:fs";
import { guarded } from "./statements.ts";

/** Of the WAL index (sqlite.org/walformat.html): its header, which every commit of every process changes. */
const HEADER_BYTES = 48;
/** What SQLite makes it at first, and again where it is the first to open it. */
const INDEX_BYTES = 32 * 1024;

/** Of each database that is open in this process, with how often it is. */
const mapped = new Map<string, { header: Uint32Array; inode: number; uses: number }>();

const inodeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.ino ?? 0;

/**
 * The header of the WAL index, in memory that SQLite shares among processes. To be called before SQLite opens the database:
 * mapping opens the file and closes it again, with which a process gives up every lock that it has on it (POSIX, fcntl),
 * and the next process would take the index for nobody's and make it anew under us.
 */
export function mapIndexHeader(path: string): Uint32Array {
  const file = `${path}-shm`;
  const known = mapped.get(path);
  if (known) {
    known.uses++;
    return known.header;
  }
  if (!statSync(file, { throwIfNoEntry: false })?.size)
    writeFileSync(file, new Uint8Array(INDEX_BYTES), { mode: 0o600 });
  const inode = inodeOf(file);
  const header = new Uint32Array(Bun.mmap(file, { shared: true }).buffer, 0, HEADER_BYTES / 4);
  mapped.set(path, { header, inode, uses: 1 });
  return header;
}

/** Whether SQLite uses the file that was mapped: whoever closed the database meanwhile as the last one has removed it. */
export const isMapped = (path: string): boolean => mapped.get(path)?.inode === inodeOf(`${path}-shm`);

/** After SQLite has closed it. */
export function releaseIndexHeader(path: string): void {
  const known = mapped.get(path);
  if (known && --known.uses === 0) mapped.delete(path);
}

/** Sees the commits of other connections than `db`, at the moment it is asked. */
export function createForeignCommits(db: Database, header: Uint32Array) {
  // Moved by every commit but this connection's own; asking takes a lock of the database, and 1.5 µs.
  const query = db.prepare<{ data_version: number }, []>("PRAGMA data_version");
  const readVersion = () => guarded(() => query.get()!.data_version);
  let version = readVersion();
  // So what is looked at first is whether anybody has committed at all.
  const known = new Uint32Array(HEADER_BYTES / 4);

  function isAsKnown(): boolean {
    for (let i = 0; i < known.length; i++) if (header[i] !== known[i]) return false;
    return true;
  }

  return {
    /** Whether there was one since this was last asked. */
    look(): boolean {
      if (isAsKnown()) return false;
      const seen = header.slice();
      const before = version;
      // After the header was read: what that tells of is among what is known now.
      version = readVersion();
      known.set(seen);
      return version !== before;
    },
    close: () => query.finalize(),
  };
}
