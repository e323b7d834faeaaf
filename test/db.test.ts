import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { checkStatement, UniqueViolation, type Db } from "../src/db/index.ts";
import { openFolder } from "../src/db/folder.ts";
import { migrate } from "../src/db/migrate.ts";
import { migrations } from "../src/db/migrations/index.ts";
import { openSqlite } from "../src/db/sqlite.ts";
import { createStore } from "../src/store/index.ts";
import { temporaryFolder } from "./support/app.ts";

async function withDb(use: (db: Db, path: string) => Promise<void>) {
  const folder = temporaryFolder();
  const { databasePath, unlock } = openFolder(folder);
  const db = openSqlite(databasePath);
  try {
    await use(db, databasePath);
  } finally {
    await db.close();
    unlock();
    rmSync(folder, { recursive: true });
  }
}
/** The database cannot now; a second later it may. */
const UNAVAILABLE = { code: "unavailable", details: { retryAfterSeconds: 1 } };

const withNotes = (use: (db: Db, path: string) => Promise<void>) =>
  withDb(async (db, path) => {
    await db.run("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT");
    await use(db, path);
  });
const insert = (db: Pick<Db, "run">, text: string) => db.run("INSERT INTO notes (text) VALUES ($1)", text);
const texts = async (db: Pick<Db, "all">) =>
  (await db.all<{ text: string }>("SELECT text FROM notes ORDER BY id")).map((row) => row.text);

/** How often the file was committed to, by what SQLite writes of it into the write-ahead log. */
function commits(path: string): number {
  const bytes = new DataView(require("node:fs").readFileSync(`${path}-wal`).buffer);
  const pageSize = bytes.getUint32(8);
  const salt = bytes.getUint32(16);
  let count = 0;
  for (let at = 32; at + 24 <= bytes.byteLength; at += 24 + pageSize)
    if (bytes.getUint32(at + 8) === salt && bytes.getUint32(at + 4) > 0) count++;
  return count;
}

describe("sqlite", () => {
  test("is set up as it must be", () =>
    withDb(async (db, path) => {
      const [row] = await db.all<{ v: string }>("SELECT sqlite_version() AS v");
      expect(Bun.semver.satisfies(row!.v, ">=3.51.3")).toBe(true);
      using beside = new Database(path, { readonly: true });
      expect(beside.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
      expect(await db.tx((q) => q.one("PRAGMA synchronous"))).toEqual({ synchronous: 2 }); // FULL
      const orphan = "INSERT INTO members (conversation_id, user_id, joined_at) VALUES ($1, $2, $3)";
      await migrate(db);
      await expect(db.run(orphan, "none", "none", 1)).rejects.toMatchObject({ code: "not_found" });
    }));

  test("shares one commit between the writes of one turn, and answers each after it", () =>
    withNotes(async (db, path) => {
      const before = commits(path);
      let answered = 0;
      const writes = Array.from({ length: 20 }, (_, i) => insert(db, `n${i}`).then(() => answered++));
      await Promise.resolve();
      expect(answered).toBe(0);
      await Promise.all(writes);
      expect(commits(path) - before).toBe(1);
      using beside = new Database(path, { readonly: true });
      expect(beside.query("SELECT count(*) AS n FROM notes").get()).toEqual({ n: 20 });
    }));

  test("fails one write of a shared commit without the others", () =>
    withNotes(async (db) => {
      const results = await Promise.allSettled(["a", "b", "a", "c"].map((text) => insert(db, text)));
      expect(results.map((r) => r.status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
      expect((results[2] as PromiseRejectedResult).reason).toBeInstanceOf(UniqueViolation);
      expect((results[2] as PromiseRejectedResult).reason.constraint).toBe("notes.text");
      expect(await texts(db)).toEqual(["a", "b", "c"]);
    }));

  test("keeps all of a transaction or none, beside others in the same commit", () =>
    withNotes(async (db) => {
      const failing = db.tx(async (q) => {
        await insert(q, "gone 1");
        await insert(q, "gone 2");
        expect(await texts(q)).toContain("gone 2");
        throw new Error("changed my mind");
      });
      const clashing = db.tx(async (q) => {
        await insert(q, "gone 3");
        await insert(q, "kept 1");
        await insert(q, "kept 1");
      });
      const keeping = db.tx(async (q) => {
        await insert(q, "kept 2");
        return "value";
      });
      const single = insert(db, "kept 3");
      const [failed, clashed, kept] = await Promise.allSettled([failing, clashing, keeping, single]);
      expect(failed).toMatchObject({ status: "rejected", reason: { message: "changed my mind" } });
      expect(clashed).toMatchObject({ status: "rejected", reason: { constraint: "notes.text" } });
      expect(kept).toEqual({ status: "fulfilled", value: "value" });
      expect(await texts(db)).toEqual(["kept 2", "kept 3"]);
    }));

  test("never shows a reader what is not committed", () =>
    withNotes(async (db) => {
      let seen: string[] | undefined;
      await db.tx(async (q) => {
        await insert(q, "not yet");
        seen = await texts(db);
      });
      expect(seen).toEqual([]);
      expect(await texts(db)).toEqual(["not yet"]);
    }));

  test("waits for another process's write without stopping this one, then gives up as unavailable", () =>
    withNotes(async (db, path) => {
      using other = new Database(path);
      other.run("BEGIN IMMEDIATE");
      const waiting = insert(db, "patient");
      expect(await texts(db)).toEqual([]); // reads go on
      other.run("ROLLBACK");
      await waiting;
      other.run("BEGIN IMMEDIATE");
      await expect(insert(db, "refused")).rejects.toMatchObject({ code: "unavailable" });
      other.run("ROLLBACK");
      await insert(db, "again");
      expect(await texts(db)).toEqual(["patient", "again"]);
    }));

  test("with a full disk refuses what it cannot keep, keeps the rest, and recovers", () =>
    withNotes(async (db, path) => {
      await insert(db, "before");
      // As many pages as there are: the next one is one too many, as on a full disk.
      const [{ n }] = (await db.all<{ n: number }>("SELECT page_count AS n FROM pragma_page_count()")) as [
        { n: number },
      ];
      await db.one(`PRAGMA max_page_count = ${n}`);
      const big = "x".repeat(100_000);
      const results = await Promise.allSettled([insert(db, "small"), insert(db, big), insert(db, "after")]);
      expect(results[1]!.status).toBe("rejected");
      expect((results[1] as PromiseRejectedResult).reason).toMatchObject(UNAVAILABLE);
      const acknowledged = ["small", "", "after"].filter(
        (text, i) => text && results[i]!.status === "fulfilled",
      );
      expect(await texts(db)).toEqual(["before", ...acknowledged]);
      await db.one(`PRAGMA max_page_count = 1000000`);
      await insert(db, big);
      using beside = new Database(path, { readonly: true });
      expect(beside.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    }));

  test.skipIf(process.platform !== "linux")(
    "keeps its locks, so that no other process takes the index of the WAL for nobody's",
    () =>
      withDb(async (db, path) => {
        const isHeld = (name: string) =>
          readFileSync("/proc/locks", "utf8")
            .split("\n")
            .some((line) => line.includes(` ${process.pid} `) && line.includes(`:${statSync(name).ino} `));
        await db.run("CREATE TABLE x (y TEXT) STRICT");
        expect([isHeld(`${path}-shm`), isHeld(path)]).toEqual([true, true]);
        const beside = openSqlite(path);
        expect(beside.isCurrent()).toBe(true);
        await beside.close();
        expect([isHeld(`${path}-shm`), isHeld(path)]).toEqual([true, true]);
        // Others come and go, and what they write is seen.
        const { exitCode } = Bun.spawnSync([
          process.execPath,
          "-e",
          `const db = new (await import("bun:sqlite")).Database(${JSON.stringify(path)});
           db.run("INSERT INTO x VALUES ('from elsewhere')"); db.close();`,
        ]);
        expect(exitCode).toBe(0);
        expect(await db.all("SELECT y FROM x")).toEqual([{ y: "from elsewhere" }]);
        expect(isHeld(`${path}-shm`)).toBe(true);
      }),
  );

  test("takes no write for a file that was removed under it, and goes on when it is back", () =>
    withNotes(async (db, path) => {
      await insert(db, "before");
      renameSync(path, `${path}.away`);
      await expect(insert(db, "nowhere")).rejects.toMatchObject({ code: "unavailable" });
      renameSync(`${path}.away`, path);
      await insert(db, "after");
      expect(await texts(db)).toEqual(["before", "after"]);
    }));

  test("commits nothing of a transaction that the database gave up, even if its work goes on", () =>
    withNotes(async (db) => {
      const outcome = db.tx(async (q) => {
        await insert(q, "one");
        await q.run("INSERT OR ROLLBACK INTO notes (text) VALUES ($1)", "one").catch(() => {});
        await insert(q, "two");
      });
      const [mine, beside] = await Promise.allSettled([outcome, insert(db, "three")]);
      expect(mine).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
      expect(beside).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
      expect(await texts(db)).toEqual([]);
      await insert(db, "four");
    }));

  test("refuses SQL that would silently mean something else", () => {
    expect(() => checkStatement("DELETE FROM a; DELETE FROM b")).toThrow("more than one statement");
    expect(() => checkStatement("DELETE FROM a;\n")).not.toThrow();
    expect(() => checkStatement("UPDATE t SET a = $1, b = $1 WHERE c = $2")).not.toThrow();
    expect(() => checkStatement("UPDATE t SET a = $2 WHERE c = $1")).toThrow("out of order");
    expect(() => checkStatement("SELECT $1, $3")).toThrow("out of order");
  });
});

describe("migrations", () => {
  const step = (name: string, sqlite: string) => ({ name, sql: { sqlite, postgres: "" } });
  const two = [
    step("0002_b", "CREATE TABLE b (x TEXT) STRICT;\nINSERT INTO b SELECT x FROM a"),
    step("0001_a", "CREATE TABLE a (x TEXT) STRICT;\nINSERT INTO a VALUES ('kept');"),
  ];

  test("run once each, in the order of their names", () =>
    withDb(async (db) => {
      await migrate(db, two);
      await migrate(db, two);
      expect(await db.all("SELECT x FROM b")).toEqual([{ x: "kept" }]);
      expect(await db.all("SELECT name FROM migrations ORDER BY name")).toEqual([
        { name: "0001_a" },
        { name: "0002_b" },
      ]);
    }));

  test("leave nothing of one that fails, and all before it", () =>
    withDb(async (db) => {
      const broken = step("0003_c", "CREATE TABLE c (x TEXT) STRICT;\nINSERT INTO nowhere VALUES (1)");
      await expect(migrate(db, [...two, broken])).rejects.toThrow();
      expect(
        await db.all("SELECT name FROM sqlite_schema WHERE name IN ('a', 'b', 'c') ORDER BY name"),
      ).toEqual([{ name: "a" }, { name: "b" }]);
      await migrate(db, [...two, step("0003_c", "CREATE TABLE c (x TEXT) STRICT")]);
    }));

  test("that changed, or are not known here, are refused", () =>
    withDb(async (db) => {
      await migrate(db, two);
      const changed = two.map((m) => (m.name === "0001_a" ? step(m.name, `${m.sql.sqlite} `) : m));
      await expect(migrate(db, changed)).rejects.toThrow("migration 0001_a was changed after it was applied");
      await expect(migrate(db, two.slice(0, 1))).rejects.toThrow(
        "migration 0001_a was applied by a newer Duet",
      );
    }));

  test("are all embedded, one per file of the folder", async () => {
    const files = [
      ...new Bun.Glob("*.sql").scanSync(join(import.meta.dir, "../src/db/migrations")),
    ].toSorted();
    expect(migrations.flatMap(({ name }) => [`${name}.postgres.sql`, `${name}.sql`])).toEqual(files);
  });

  test("are frozen: to change the schema, add one", () => {
    const checksums = Object.fromEntries(
      migrations.map((m) => [
        m.name,
        Object.values(m.sql).map((sql) =>
          new Bun.CryptoHasher("sha256").update(sql).digest("hex").slice(0, 16),
        ),
      ]),
    );
    expect(checksums).toEqual({ "0001_start": ["b7ef838c18537cea", "b5e404bfee8be0bc"] });
  });
});

describe("the addresses of an account", () => {
  test("are read from a bounded number of its sessions, live ones and those that were started last", () =>
    withDb(async (db) => {
      await migrate(db);
      await db.run(
        `INSERT INTO users (id, username, username_key, password_hash, created_at) VALUES ('u', 'u', 'u', 'x', 1)`,
      );
      const ended = (n: number) => (n >= 1000 ? `${n}, 'logout'` : "NULL, NULL");
      await db.tx(async (q) => {
        for (let n = 0; n < 2000; n++)
          await q.run(
            `INSERT INTO sessions (id, user_id, kind, generation, rotated_at, created_at, seen_at, idle_ends_at, ends_at, user_agent, ip, ended_at, end_reason)
             VALUES ($1, 'u', 'browser', 1, 1, 1, ${n}, 1, 1, '', $2, ${ended(n)})`,
            String(n).padStart(4, "0"),
            `10.0.${n >> 8}.${n & 255}`,
          );
      });
      const read = () => createStore(db).devices.addressesOf("u", 50);
      expect((await read()).length).toBe(100);
      expect(await read()).toContain("10.0.7.207");
      expect(await read()).toContain("10.0.3.231");
      expect(await createStore(db).devices.addressesOf("nobody", 50)).toEqual([]);
    }));
});
