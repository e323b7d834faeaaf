import { describe, expect, test } from "bun:test";
import { indexedTerms, messageMark, titleMark } from "../src/core/chat/terms.ts";
import { createStore } from "../src/store/index.ts";
import { LIMITS } from "../src/limits.ts";
import { startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { register, type Person } from "./support/people.ts";

async function talk(t: TestApp) {
  const alice = await register(t, "alice");
  const bob = await register(t, "bob");
  const start = async (person: Person, title: string) =>
    (await person.call("POST", "/api/conversations", { title })).body.id as string;
  const say = async (person: Person, id: string, body: string) =>
    (await person.call("POST", `/api/conversations/${id}/messages`, { body })).body;
  const find = async (person: Person, q: string) => {
    const { status, body } = await person.call("GET", `/api/search?q=${encodeURIComponent(q)}`);
    expect(status).toBe(200);
    return {
      titles: body.conversations.map((c: any) => c.title),
      texts: body.messages.map((m: any) => m.body),
    };
  };
  return { alice, bob, start, say, find };
}

describe("search", () => {
  test("finds words and their beginnings, in any case and script, newest first, all of them", async () => {
    await using t = await startApp();
    const { alice, start, say, find } = await talk(t);
    const id = await start(alice, "Weekend plans 周末");
    for (const text of ["Shall we hike?", "我们周末去爬山吗", "Crème brûlée HIKING", "周五有雨"])
      await say(alice, id, text);
    expect(await find(alice, "hik")).toEqual({
      titles: [],
      texts: ["Crème brûlée HIKING", "Shall we hike?"],
    });
    expect(await find(alice, "周末")).toEqual({
      titles: ["Weekend plans 周末"],
      texts: ["我们周末去爬山吗"],
    });
    expect(await find(alice, "爬山 我们")).toEqual({ titles: [], texts: ["我们周末去爬山吗"] });
    expect(await find(alice, "末周")).toEqual({ titles: [], texts: [] });
    expect(await find(alice, "creme")).toEqual({ titles: [], texts: ["Crème brûlée HIKING"] });
    expect(await find(alice, "weekend PLANS")).toEqual({ titles: ["Weekend plans 周末"], texts: [] });
    expect(await find(alice, "hike nothing")).toEqual({ titles: [], texts: [] });
    for (const odd of [
      "",
      "   ",
      '"',
      "*",
      "a AND",
      "NEAR(",
      "-",
      "%",
      "\0",
      "' OR 1=1 --",
      "x".repeat(5000),
    ])
      await find(alice, odd);
    expect((await alice.call("GET", "/api/search")).status).toBe(422);
  });

  test.each([
    ["cafe", "Café"],
    ["CAFÉ", "cafe\u0301"],
    ["ışık", "Işık"],
    ["ISIK", "ışık"],
    ["istanbul", "İstanbul"],
    ["все", "Всё"],
    ["ΟΔΥΣΣΕΑΣ", "Οδυσσέας"],
    ["οδυσσεας", "ΟΔΥΣΣΕΑΣ"],
    ["strasse", "Straße"],
    ["STRASSE", "straße"],
    ["lodz", "Łódź"],
    ["smorrebrod", "Smørrebrød"],
    ["dokovic", "Đoković"],
    ["việt nam", "VIET NAM"],
    ["กิน", "ฉันกินข้าว"],
    ["नमस्ते", "नमस्ते दुनिया"],
    ["한국", "한국어"],
    ["한국".normalize("NFD"), "한국어"],
    ["東京", "明日は東京へ"],
    ["ガム", "ｶﾞﾑを買う"],
    ["がっこう", "がっこうへ行く".normalize("NFD")],
    ["🎉", "Well done 🎉🎉"],
    ["👩‍🚀", "an 👩🏽‍🚀 at last"],
    ["ﬁne", "fine"],
    ["שלום", "שלום עולם"],
    ["سلام", "سلام"],
  ])("for %p finds %p, in messages and titles, and marks it", async (query, text) => {
    await using t = await startApp();
    const { alice, start, say, find } = await talk(t);
    const id = await start(alice, text);
    await say(alice, id, `${"x ".repeat(200)}${text}`);
    const found = await find(alice, query);
    expect([found.titles, found.texts.length]).toEqual([[text], 1]);
    for (const { title } of (await t.app.duet.search.find({ userId: alice.id }, query)).conversations)
      expect(title.some(({ hit }) => hit)).toBe(true);
    for (const { excerpt } of (await t.app.duet.search.find({ userId: alice.id }, query)).messages)
      expect(excerpt.some(({ hit }) => hit)).toBe(true);
  });

  test.each([
    ["กิน", "กันไหม"],
    ["か", "が"],
    ["afe", "café"],
    ["🎉", "🎈"],
  ])("for %p does not find %p, in messages or titles", async (query, text) => {
    await using t = await startApp();
    const { alice, start, say, find } = await talk(t);
    await say(alice, await start(alice, text), text);
    expect(await find(alice, query)).toEqual({ titles: [], texts: [] });
  });

  test("finds a title however many newer ones there are, and says that it is cut", async () => {
    await using t = await startApp();
    const { alice, start, say } = await talk(t);
    const first = await start(alice, "The very first one");
    const id = await start(alice, "Newer 0");
    const { updated_at: now } = (await alice.call("GET", `/api/conversations/${id}`)).body;
    const db = t.openDb();
    await createStore(db).tx(async (tx) => {
      for (let n = 1; n < 1100; n++) {
        const other = `019aaaaa-0000-7000-8000-${String(n).padStart(12, "0")}`;
        const title = `Newer ${n}`;
        const at = Date.parse(now) + n;
        const number = await tx.conversations.insert({
          id: other,
          owner_id: alice.id,
          title,
          created_at: at,
          updated_at: at,
        });
        await tx.members.add(other, alice.id, at);
        await tx.terms.setTitle(number, indexedTerms(titleMark(number), title));
      }
    });
    await db.close();
    const find = async (q: string) => (await alice.call("GET", `/api/search?q=${q}`)).body;
    const found = await find("very");
    expect(found.conversations.map((c: any) => c.id)).toEqual([first]);
    expect(found.is_cut).toBe(false);
    expect(await find("%3F!")).toEqual({
      conversations: [],
      messages: [],
      is_cut: false,
      next: null,
    });
    const many = await find("newer");
    expect([many.conversations.length, many.conversations[0].title, many.is_cut]).toEqual([
      30,
      "Newer 1099",
      true,
    ]);
    for (let n = 0; n < 30; n++) await say(alice, id, `kettle ${n}`);
    expect((await find("kettle")).is_cut).toBe(false);
    await say(alice, id, "one more kettle");
    const cut = await find("kettle");
    expect([cut.messages.length, cut.messages[0].body, cut.is_cut]).toEqual([30, "one more kettle", true]);
    // What is older is asked for by the last of these.
    const older = await find(`kettle&before=${cut.next}`);
    expect(older.conversations).toEqual([]);
    expect(older.messages.length).toBeGreaterThan(0);
    expect([older.is_cut, older.next]).toEqual([false, null]);
    const all = [...cut.messages, ...older.messages].map(({ id }: { id: string }) => id);
    expect(new Set(all).size).toBe(all.length);
    // Not by what is no message, or not one's own to read.
    const others = await register(t, "mallory");
    const { id: theirs } = (await others.call("POST", "/api/conversations", { title: "x" })).body;
    const said = (await others.call("POST", `/api/conversations/${theirs}/messages`, { body: "kettle" }))
      .body;
    for (const before of ["nonsense", said.id]) {
      const refused = await find(`kettle&before=${before}`);
      expect([refused.code, refused.errors[0].field]).toEqual(["validation_failed", "before"]);
    }
  });

  test("goes through all parts of a long conversation, the newest first, and edits stay where they are", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice, start, say, find } = await talk(t);
    const id = await start(alice, "Long");
    const first = await say(alice, id, "the very first pelican");
    const db = t.openDb();
    await db.run("UPDATE conversations SET said = $1 WHERE id = $2", 3 * LIMITS.messagesPerPart, id);
    await say(alice, id, "the newest pelican");
    await db.run("UPDATE conversations SET said = $1 WHERE id = $2", LIMITS.messagesPerPart, id);
    await say(alice, id, "a pelican between");
    await db.run("UPDATE conversations SET said = $1 WHERE id = $2", 4 * LIMITS.messagesPerPart, id);
    expect((await find(alice, "pelican")).texts).toEqual([
      "a pelican between",
      "the newest pelican",
      "the very first pelican",
    ]);
    await alice.call("PATCH", `/api/conversations/${id}/messages/${first.id}`, {
      body: "the very first heron",
    });
    expect((await find(alice, "heron")).texts).toEqual(["the very first heron"]);
    expect((await find(alice, "pelican")).texts).toHaveLength(2);
    await db.close();
  });

  test("takes no text for a mark of the index", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice, bob, start, say, find } = await talk(t);
    const [hers, his] = [await start(alice, "1 hers"), await start(bob, "11 his")];
    for (const text of [messageMark(1, 0), messageMark(2, 0), titleMark(1), "c1p0", "1p0"])
      await say(bob, his, `${text}secret`);
    await say(alice, hers, "1secret");
    expect((await find(alice, "secret")).texts).toEqual([]);
    expect((await find(alice, "1sec")).texts).toEqual(["1secret"]);
    expect((await find(bob, "secret")).texts).toHaveLength(3);
  });

  test("finds nothing of others, of what was taken back, changed or deleted; and what came back again", async () => {
    await using t = await startApp();
    const { alice, bob, start, say, find } = await talk(t);
    const id = await start(alice, "ours");
    const message = await say(alice, id, "the pelican flies");
    expect((await find(bob, "pelican")).texts).toEqual([]);
    await alice.call("POST", `/api/conversations/${id}/members`, { username: "bob" });
    expect((await find(bob, "pelican")).texts).toEqual(["the pelican flies"]);
    const url = `/api/conversations/${id}/messages/${message.id}`;
    await alice.call("PATCH", url, { body: "the heron flies" });
    expect((await find(bob, "pelican")).texts).toEqual([]);
    expect((await find(bob, "heron")).texts).toEqual(["the heron flies"]);
    await alice.call("DELETE", `/api/conversations/${id}`);
    expect(await find(bob, "heron")).toEqual({ titles: [], texts: [] });
    await alice.call("POST", `/api/conversations/${id}/restore`);
    expect((await find(bob, "heron")).texts).toEqual(["the heron flies"]);
    await alice.call("DELETE", url);
    expect((await find(bob, "heron")).texts).toEqual([]);
    await alice.call("DELETE", `/api/conversations/${id}/members/${bob.id}`);
    expect((await find(bob, "ours")).titles).toEqual([]);
  });

  test("on the page marks the words, escapes the rest, and leads to the message", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const { path } = await alice.submit("/conversations", { title: "<b>plans</b>" });
    await alice.submit(path, { body: "see <script>alert(1)</script> pelican & co" });
    for (let i = 0; i < 60; i++) await alice.submit(path, { body: `later ${i}` });
    const { html } = await alice.open("/search?q=pelican");
    expect(html).toContain("see &lt;script&gt;alert(1)&lt;/script&gt; <mark>pelican</mark> &amp; co");
    const link = /href="(\/conversations\/[^"]+\?at=[^"]+)"/.exec(html)![1]!.replace("&amp;", "&");
    const found = await alice.open(link.split("#")[0]!);
    expect(found.html).toContain("pelican");
    expect(found.html).toContain("Back to the latest");
    expect(found.html).not.toContain("later 59");
    expect((await alice.open("/search?q=%3Cb%3Enothing")).html).toContain(
      "Nothing found for “&lt;b&gt;nothing”",
    );
  });

  test("loses nothing between its pages, however many steps it is looked for in", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const talk = async (title: string, hits: number) => {
      const { id } = (await alice.call("POST", "/api/conversations", { title })).body;
      for (let n = 0; n < hits; n++)
        await alice.call("POST", `/api/conversations/${id}/messages`, { body: `kettle ${title} ${n}` });
      return id as string;
    };
    const large = await talk("large", 40);
    const middle = await talk("middle", 40);
    await talk("small", 5);
    // Each as much as is looked through in one step; the one that was written in first is gone through first.
    for (const [id, later] of [
      [large, 2000],
      [middle, 1000],
    ] as const) {
      await t.sql("UPDATE conversations SET said = $1 WHERE id = $2", LIMITS.messagesPerPart, id);
      await t.sql("UPDATE members SET active_at = active_at + $1 WHERE conversation_id = $2", later, id);
    }
    const seen: string[] = [];
    for (let before = ""; ;) {
      const { messages, next, is_cut } = (
        await alice.call("GET", `/api/search?q=kettle${before && `&before=${before}`}`)
      ).body;
      seen.push(...messages.map(({ body }: { body: string }) => body));
      expect(is_cut).toBe(next !== null);
      if (next === null) break;
      before = next;
    }
    expect(seen).toHaveLength(85);
    expect(new Set(seen).size).toBe(85);
  });
});
