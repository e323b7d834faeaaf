import { describe, expect, test } from "bun:test";
import { advance, freezeClock, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { createStore } from "../src/store/index.ts";
import { register, type Person } from "./support/people.ts";

async function threePeople(t: TestApp) {
  freezeClock();
  const [alice, bob, carol] = [
    await register(t, "alice"),
    await register(t, "bob"),
    await register(t, "carol"),
  ];
  const { id } = (await alice.call("POST", "/api/conversations", { title: "Plans" })).body as { id: string };
  const path = `/api/conversations/${id}`;
  const say = async (who: Person, body: string) =>
    (await who.call("POST", `${path}/messages`, { body })).body as { id: string };
  const add = (username: string) => alice.call("POST", `${path}/members`, { username });
  const open = async (who: Person, query = "", headers: Record<string, string> = {}) =>
    (
      await t.fetch(`/conversations/${id}${query}`, {
        headers: {
          cookie: `duet_access=${who.accessToken}`,
          accept: "text/html",
          "accept-language": "en",
          ...headers,
        },
      })
    ).text();
  return { alice, bob, carol, id, path, say, add, open };
}

/** What stands in the thread, in its order: messages by their text, notes by theirs. */
const linesOf = (html: string) =>
  [...html.matchAll(/<li (?:id="(?:message|note)|class="new-line)[^]*?<\/li>/g)].map(([item]) =>
    item
      .replace(/<time[^]*?<\/time>/g, "")
      .replace(/<div class="message-head">[^]*?<\/div>/, "")
      .replace(/<span class="avatar"[^]*?<\/span>/, "")
      .replaceAll(/<[^>]+>/g, "")
      .trim(),
  );

describe("what happens to a conversation", () => {
  test("stands between its messages: who was added, who left or was removed, what it is called", async () => {
    await using t = await startApp();
    const { alice, bob, carol, path, say, add, open } = await threePeople(t);
    await say(alice, "first");
    await add("bob");
    await add("carol");
    await add("bob"); // is in already
    await say(bob, "hello");
    await alice.call("PATCH", path, { title: "Better plans" });
    await alice.call("PATCH", path, { title: "Better plans" }); // is called so already
    await bob.call("DELETE", `${path}/members/${bob.id}`);
    await alice.call("DELETE", `${path}/members/${carol.id}`);
    await say(alice, "last");
    const own = linesOf(await open(alice));
    expect(own).toEqual([
      "first",
      "You added bob",
      "You added carol",
      "hello",
      "You changed the title to “Better plans”",
      "bob left",
      "You removed carol",
      "last",
    ]);
    // They are no messages: nobody has to read them, and no program is told.
    expect((await alice.call("GET", path)).body.unread).toBe(0);
    expect((await alice.call("GET", `${path}/messages`)).body.items).toHaveLength(3);
    await add("bob");
    const theirs = linesOf(await open(bob));
    expect(theirs.slice(1, 3)).toEqual(["alice added You", "alice added carol"]);
    expect((await bob.call("POST", "/api/auth/delete", { password: bob.password })).status).toBe(204);
    expect(linesOf(await open(alice))).toContain("Deleted account left");
    expect(await t.sql("SELECT kind FROM notes WHERE actor_id = $1 OR subject_id = $1", bob.id)).toEqual([]);
    // What one did oneself is in what one can take along.
    const { conversation_events } = JSON.parse(
      await (
        await t.fetch("/account/export", { headers: { cookie: `duet_access=${alice.accessToken}` } })
      ).text(),
    );
    expect(conversation_events).toContainEqual(
      expect.objectContaining({ kind: "renamed", title: "Better plans" }),
    );
  });

  test("comes with the page of messages that it stands on, and is asked for by the script", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice, say, add, open, id } = await threePeople(t);
    await say(alice, "0");
    await add("bob");
    for (let n = 1; n <= 60; n++) await say(alice, String(n));
    await add("carol");
    const latest = await open(alice);
    expect(linesOf(latest)).toContain("You added carol");
    expect(linesOf(latest)).not.toContain("You added bob");
    const [, before] = /\?before=([0-9a-f-]+)"/.exec(latest)!;
    const older = linesOf(await open(alice, `?before=${before}`, { "hx-request": "true" }));
    expect(older.slice(0, 3)).toEqual(["0", "You added bob", "1"]);
    expect(older).not.toContain("You added carol");
    const since = await open(alice, `/notes?after=${before}`, { "hx-request": "true" });
    expect(linesOf(since)).toEqual(["You added carol"]);
    // To nobody else.
    const mallory = await register(t, "mallory");
    expect(await open(mallory, `/notes?after=${id}`, { "hx-request": "true" })).not.toContain("added");
  });

  test("stands after what happened before it, also where another process's clock was ahead", async () => {
    await using t = await startApp();
    const { alice, id, add, open } = await threePeople(t);
    await add("bob");
    const ahead = "0fffffff-0000-7000-8000-000000000000";
    await t.sql("UPDATE notes SET id = $1 WHERE conversation_id = $2", ahead, id);
    await add("carol");
    expect(linesOf(await open(alice))).toEqual(["You added bob", "You added carol"]);
  });

  test("goes with the conversation", async () => {
    await using t = await startApp();
    const { alice, path, add, id } = await threePeople(t);
    await add("bob");
    expect(await t.sql("SELECT kind FROM notes")).toEqual([{ kind: "added" }]);
    await alice.call("DELETE", path);
    // Some at a time: there may be many.
    for (let n = 0; n < 250; n++)
      await t.sql(
        "INSERT INTO notes (id, conversation_id, kind, actor_id, created_at) VALUES ($1, $2, 'left', 'x', 0)",
        `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`,
        id,
      );
    const store = createStore(t.openDb());
    const removed: number[] = [];
    for (let n; (n = await store.conversations.remove(id, 100)) > 0;) removed.push(n);
    expect(removed).toEqual([100, 100, 51, 1]);
    expect(await t.sql("SELECT kind FROM notes")).toEqual([]);
  });
});

describe("a thread", () => {
  const headsOf = (html: string) =>
    [...html.matchAll(/<li id="message-[^"]+" class="message([^"]*)"/g)].map(([, more]) => more!.trim());

  test("has what one author says within five minutes under one name", async () => {
    await using t = await startApp();
    const { alice, bob, say, add, open } = await threePeople(t);
    await add("bob");
    await say(alice, "1");
    advance(299);
    await say(alice, "2");
    advance(300);
    await say(alice, "3");
    await say(bob, "4");
    await say(bob, "5");
    await add("carol");
    await say(bob, "6");
    expect(headsOf(await open(alice))).toEqual(["own", "own follows", "own", "", "follows", ""]);
    expect((await open(alice)).match(/class="avatar"[^>]*data-hue="\d"/g)).toHaveLength(3);
  });

  test("opens where one has stopped reading, however far back that is, and says how much is below", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice, bob, say, add, open, path } = await threePeople(t);
    await add("bob");
    await say(bob, "read");
    await alice.call("POST", `${path}/read`, {});
    await say(bob, "unread 1");
    let lines = linesOf(await open(alice));
    expect(lines.slice(-3)).toEqual(["read", "New", "unread 1"]);
    for (let n = 2; n <= 70; n++) await say(bob, `unread ${n}`);
    lines = linesOf(await open(alice));
    expect(lines.slice(0, 5)).toEqual(["You added bob", "read", "New", "unread 1", "unread 2"]);
    expect(lines.at(-1)).toBe("unread 25");
    expect(await open(alice)).toContain("70 unread messages below");
    // The way down leads to the latest, and from there everything is read.
    const latest = await open(alice, "?at=latest");
    expect(linesOf(latest).at(-1)).toBe("unread 70");
    expect(linesOf(latest)).not.toContain("New");
    await alice.call("POST", `${path}/read`, {});
    expect(linesOf(await open(alice))).not.toContain("New");
    // One's own are never new, and whoever has read nothing yet begins with the latest.
    await say(alice, "mine");
    expect(linesOf(await open(alice))).not.toContain("New");
    await add("carol");
  });
});
