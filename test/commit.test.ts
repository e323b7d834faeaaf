import { describe, expect, test } from "bun:test";
import { createCommit } from "../src/core/commit.ts";
import { newId } from "../src/core/ids.ts";
import { createNotifier } from "../src/core/notifier.ts";
import { openFolder } from "../src/db/folder.ts";
import { migrate } from "../src/db/migrate.ts";
import { openSqlite } from "../src/db/sqlite.ts";
import { createStore } from "../src/store/index.ts";
import { temporaryFolder } from "./support/app.ts";

async function openCommit() {
  const db = openSqlite(openFolder(temporaryFolder()).databasePath);
  await migrate(db);
  const store = createStore(db);
  const notifier = createNotifier();
  const news = notifier.subscribe("alice");
  return { store, commit: createCommit({ store, notifier, whyOver: () => undefined, onChange() {} }), news };
}
const change = () => ({
  conversation_id: newId(Date.now()),
  user_id: "alice",
  kind: "message" as const,
  message_id: null,
  created_at: Date.now(),
});

describe("a commit", () => {
  test("tells others when what it tells of is there to be read, and not before", async () => {
    const { store, commit, news } = await openCommit();
    const told: string[] = [];
    const result = await commit(async (tx) => {
      tx.notify(["alice"]);
      tx.afterCommit(() => told.push("logged"));
      await tx.changes.insert(change());
      expect([told, await store.changes.nextFor("alice", 0, Number.MAX_SAFE_INTEGER)]).toEqual([[], null]);
      return "done";
    });
    expect([result, told]).toEqual(["done", ["logged"]]);
    expect(await news.wait(1)).toBe(true);
    expect(await store.changes.nextFor("alice", 0, Number.MAX_SAFE_INTEGER)).toMatchObject({
      user_id: "alice",
    });
  });

  test("that comes to nothing tells nobody", async () => {
    const { store, commit, news } = await openCommit();
    const told: string[] = [];
    const failing = commit(async (tx) => {
      await tx.changes.insert(change());
      tx.notify(["alice"]);
      tx.afterCommit(() => told.push("logged"));
      throw new Error("after all not");
    });
    await expect(failing).rejects.toThrow("after all not");
    expect(told).toEqual([]);
    expect(await news.wait(1)).toBe(false);
    expect(await store.changes.nextFor("alice", 0, Number.MAX_SAFE_INTEGER)).toBeNull();
  });
});
