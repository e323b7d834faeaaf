import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Db } from "../src/db/index.ts";
import { ALWAYS_SETTLED } from "../src/db/settled.ts";
import { inSqlite } from "../src/db/statements.ts";
import { createStore } from "../src/store/index.ts";
import { startApp } from "./support/app.ts";

/** Every statement of the store, by what it is called, without running any. */
async function statements(): Promise<[name: string, sql: string][]> {
  const asked: [string, string][] = [];
  let name = "";
  const note = (sql: string) => void asked.push([name, sql]);
  const db: Db = {
    dialect: "sqlite",
    all: async (sql) => (note(sql), []),
    one: async (sql) => (note(sql), { id: 1 } as never),
    run: async (sql) => (note(sql), 0),
    tx: (work) => work(db),
    onTouched() {},
    isCurrent: () => true,
    hasOneWriter: true,
    settled: ALWAYS_SETTLED,
    tell() {},
    onTold() {},
    snapshot: (work) => work(db),
    others: async () => 0,
    commits: () => 0,
    alone: (work) => work(),
    now: Date.now,
    trouble: () => undefined,
    close: async () => {},
  };
  const store = createStore(db) as unknown as Record<string, Record<string, (...of: unknown[]) => unknown>>;
  // Whatever a function makes of it (a row, a list, a text), its statements are the same.
  const anything = Array.from({ length: 8 }, () =>
    Object.assign([[{ words: ["1"], isPrefix: true }]], { id: "1", time: 1 }),
  );
  // An operator's command goes through all there is, on purpose.
  delete store["transfer"];
  for (const [table, functions] of Object.entries(store))
    for (const [of, call] of Object.entries(functions)) {
      name = `${table}.${of}`;
      await call(...anything);
    }
  name = "newestId";
  await createStore(db).newestId();
  return asked;
}

/** What a statement would go through without an index, or sort by itself. */
function faultsOf(db: Database, sql: string): string[] {
  const plan = db.query<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${inSqlite(sql)}`).all();
  return plan
    .map(({ detail }) => detail)
    .filter((detail) => /^SCAN(?! \(|.* VIRTUAL TABLE INDEX| CONSTANT)|TEMP B-TREE/.test(detail));
}

/** What may be read as a whole, or sorted, because there is never much of it. */
const BOUNDED: Record<string, string> = {
  "keys.list": "a handful of keys",
  "keys.activateNext": "a handful of keys",
  "keys.removeRetiredBefore": "a handful of keys",
  "conversations.find": "unread messages, counted up to 100",
  "conversations.findRemoved": "unread messages, counted up to 100",
  "conversations.listByActivity": "unread messages, counted up to 100",
  "users.findDeparted": "the first of an index",
  "members.heirOf": "the members of one conversation, 200 at most",
  "conversations.idsOf": "ten at most",
  "members.list": "the members of one conversation, 200 at most",
  "eras.endAll": "everybody, once, before a backup that was put back is used",
  "guests.keepNewest": "a thousand sessions of nobody at most",
  "members.listKnown": "the members of fifty conversations",
  "terms.findMessages": "a page of what was found",
};

describe("every statement of the store", () => {
  test("goes by an index, and sorts no more than a page", async () => {
    await using t = await startApp();
    using db = new Database(join(t.folder, "duet.db"), { readonly: true });
    const asked = await statements();
    expect(asked.length).toBeGreaterThan(60);
    const faults = asked.flatMap(([name, sql]) => faultsOf(db, sql).map((fault) => ({ name, fault })));
    expect(faults.filter(({ name }) => !BOUNDED[name])).toEqual([]);
    expect(Object.keys(BOUNDED).filter((known) => !faults.some(({ name }) => name === known))).toEqual([]);
    // And what does not would be found.
    for (const sql of [
      "SELECT * FROM users WHERE created_at > 1",
      "SELECT * FROM messages ORDER BY body LIMIT 1",
      "DELETE FROM sessions WHERE ip = 'x'",
    ])
      expect(faultsOf(db, sql)).not.toEqual([]);
  });
});
