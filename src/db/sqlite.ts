import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { DuetError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Db, Queryable, Row, Touched, Value } from "./index.ts";
import { connect, openBoth } from "./connect.ts";
import { createForeignCommits, releaseIndexHeader } from "./foreign.ts";
import { ALWAYS_SETTLED } from "./settled.ts";
import { databaseError, sqliteCode, Statements } from "./statements.ts";

type Job = {
  work: () => unknown;
  /** A transaction's own boundary inside the shared commit; a single statement is atomic without one. */
  savepoint: boolean;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
};

/**
 * SQLite behind the Db interface: one connection reads committed state, one writes. `besides` are files without which
 * the database is not to be written either.
 *
 * Group commit: writes are queued, and those that arrive in one turn of the event loop run inside one
 * `BEGIN IMMEDIATE … COMMIT` with one fsync; each is answered after that commit. The file must exist.
 */
export function openSqlite(path: string, besides: string[] = []): Db {
  const { header, writer, reader } = openBoth(path);
  const writes = new Statements(writer);
  const reads = new Statements(reader);
  const files = [path, `${path}-wal`, `${path}-shm`, ...besides].map((each) => ({
    path: each,
    inode: inodeOf(each),
  }));
  const listeners: ((what: Touched, id: string) => void)[] = [];
  const forget = (what: Touched, id: string) => listeners.forEach((listener) => listener(what, id));
  const foreign = createForeignCommits(writer, header);
  let queue: Job[] = [];
  let draining: Promise<void> | undefined;

  const enqueue = <T>(work: () => T | Promise<T>, savepoint: boolean) =>
    new Promise<T>((resolve, reject) => {
      queue.push({ work, savepoint, resolve: resolve as (value: unknown) => void, reject });
      draining ??= nextTurn().then(drain);
    });

  let commits = 0;
  async function drain() {
    while (queue.length > 0) {
      const batch = queue.splice(0, LIMITS.writesPerCommitMax);
      try {
        await commitTogether(writer, batch, files, () => writes.tellTouched(forget));
        commits++;
      } catch (error) {
        for (const job of batch) job.reject(databaseError(error));
      }
    }
    draining = undefined;
  }

  /** Where SQLite has rolled back by itself, what follows must not be committed on its own. */
  const stillOpen = () => {
    if (!writer.inTransaction) throw new DuetError("unavailable", { retryAfterSeconds: 1 });
    return writes;
  };
  const inTransaction: Queryable = {
    dialect: "sqlite",
    all: async <T extends Row>(sql: string, ...values: Value[]) => stillOpen().all(sql, values) as T[],
    one: async <T extends Row>(sql: string, ...values: Value[]) => stillOpen().one(sql, values) as T | null,
    run: async (sql, ...values) => stillOpen().run(sql, values),
  };

  /**
   * Reads committed state, through the writer while nothing is being written: its cache knows what its own commits have
   * changed, where the reader's is empty after each of them. The reader may wait for another process, the writer may not.
   */
  function read<T>(ask: (through: Statements) => T): T {
    if (writer.inTransaction) return ask(reads);
    try {
      return ask(writes);
    } catch (error) {
      if (error instanceof DuetError && sqliteCode(error.details.cause) === "SQLITE_BUSY") return ask(reads);
      throw error;
    }
  }

  return {
    dialect: "sqlite",
    commits: () => commits,
    all: async <T extends Row>(sql: string, ...values: Value[]) =>
      read((through) => through.all(sql, values) as T[]),
    one: async <T extends Row>(sql: string, ...values: Value[]) =>
      isRead(sql)
        ? read((through) => through.one(sql, values) as T | null)
        : enqueue(() => writes.one(sql, values) as T | null, false),
    run: (sql, ...values) => enqueue(() => writes.run(sql, values), false),
    tx: (work) => enqueue(() => work(inTransaction), true),
    onTouched: (listener) => void listeners.push(listener),
    isCurrent() {
      if (foreign.look()) forget("all", "");
      return true;
    },
    // Other processes are an operator's commands, and see with their next look what there is.
    hasOneWriter: true,
    settled: ALWAYS_SETTLED,
    tell() {},
    onTold() {},
    async snapshot(work) {
      const db = connect(path, { readonly: true });
      const statements = new Statements(db);
      db.run("BEGIN");
      try {
        return await work({
          dialect: "sqlite",
          all: async <T extends Row>(sql: string, ...values: Value[]) => statements.all(sql, values) as T[],
          one: async <T extends Row>(sql: string, ...values: Value[]) =>
            statements.one(sql, values) as T | null,
          run: async (sql, ...values) => statements.run(sql, values),
        });
      } finally {
        statements.close();
        db.close();
      }
    },
    others: async () => 0,
    alone: (work) => work(),
    now: Date.now,
    trouble: () => undefined,
    async close() {
      await draining;
      foreign.close();
      reads.close();
      writes.close();
      reader.close();
      writer.close();
      releaseIndexHeader(path);
    },
  };
}

type OpenFile = { path: string; inode: number | undefined };

const inodeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.ino;

/** A file that was removed under us still takes writes, which nobody will ever see. */
const isAway = ({ path, inode }: OpenFile) => inodeOf(path) !== inode;

/**
 * Runs a batch inside one transaction. Rejects only if the batch as a whole came to nothing. `tellTouched` is called when it
 * is committed, or may be, and before any of it is answered.
 */
async function commitTogether(
  writer: Database,
  batch: Job[],
  files: OpenFile[],
  tellTouched: () => void,
): Promise<void> {
  const away = files.find(isAway);
  if (away) throw new DuetError("unavailable", { cause: `${away.path} was moved or removed` });
  await begin(writer);
  const outcomes: (() => void)[] = [];
  try {
    for (const job of batch) {
      try {
        const value = job.savepoint ? await inSavepoint(writer, job.work) : job.work();
        outcomes.push(() => job.resolve(value));
      } catch (error) {
        // After a full disk or an I/O error SQLite may have rolled the whole transaction back by itself.
        // Its reason is this job's own; to the others the database was unavailable.
        if (!writer.inTransaction) {
          job.reject(error);
          throw new DuetError("unavailable", { cause: error, retryAfterSeconds: 1 });
        }
        outcomes.push(() => job.reject(error));
      }
    }
    writer.run("COMMIT");
  } catch (error) {
    if (writer.inTransaction) writer.run("ROLLBACK");
    throw error;
  } finally {
    tellTouched();
  }
  for (const answer of outcomes) answer();
}

/** Waits for another process's write without blocking this one's event loop. */
async function begin(writer: Database): Promise<void> {
  const giveUpAt = performance.now() + LIMITS.writeLockWaitMs;
  for (;;) {
    try {
      writer.run("BEGIN IMMEDIATE");
      return;
    } catch (error) {
      if (sqliteCode(error) !== "SQLITE_BUSY" || performance.now() > giveUpAt) throw error;
      await Bun.sleep(10);
    }
  }
}

async function inSavepoint(writer: Database, work: () => unknown): Promise<unknown> {
  writer.run("SAVEPOINT work");
  try {
    const value = await work();
    writer.run("RELEASE work");
    return value;
  } catch (error) {
    if (writer.inTransaction) {
      writer.run("ROLLBACK TO work");
      writer.run("RELEASE work");
    }
    throw error;
  }
}

const isRead = (sql: string) => /^\s*SELECT\b/i.test(sql);
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
