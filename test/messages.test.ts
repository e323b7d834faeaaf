import { describe, expect, test } from "bun:test";
import { continueAfter, isId, newId, newIdAfter } from "../src/core/ids.ts";
import { advance, freezeClock, startApp, type TestApp } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { Stream } from "./support/stream.ts";
import { login, register } from "./support/people.ts";

async function conversation(t: TestApp) {
  const alice = await register(t, "alice");
  const { id } = (await alice.call("POST", "/api/conversations", { title: "Talk" })).body;
  const url = `/api/conversations/${id}/messages`;
  const post = (body: unknown, headers?: Record<string, string>) =>
    alice.call("POST", url, { body }, headers);
  const bodies = async (query = "") =>
    (await alice.call("GET", url + query)).body.items.map((m: any) => m.body);
  return { alice, id, url, post, bodies };
}

describe("a message", () => {
  test("comes back as it was sent", async () => {
    freezeClock();
    await using t = await startApp();
    const { alice, id, post, bodies } = await conversation(t);
    const texts = [
      "hello",
      "  spaces kept  ",
      "line\nline\r\nline\ttab",
      "小明说：你好！",
      "e\u0301 is not \u00e9 here",
      "👩‍🚀\u202e rtl \u0007 bell",
      `<script>alert(1)</script> "quotes" 'and' &amp; \\ ' OR 1=1 --`,
      '{"__proto__":{"admin":true}}',
      "字".repeat(10_000),
    ];
    for (const text of texts) {
      const { status, body } = await post(text);
      expect(status).toBe(201);
      expect(body).toEqual({
        edited_at: null,
        removed: false,
        id: expect.any(String),
        conversation_id: id,
        author: { id: alice.id, username: "alice" },
        body: text,
        created_at: "2026-11-23T09:00:00.000Z",
      });
    }
    expect(await bodies()).toEqual(texts);
  });

  test.each([
    ["nothing", undefined, "required"],
    ["white space", " \n ", "required"],
    ["10,001 characters", "字".repeat(10_001), "too_long"],
    ["half a character", "a\ud800", "ill_formed"],
    ["NUL", "a\0", "ill_formed"],
    ["an object", { text: "a" }, "wrong_type"],
  ])("of %s is refused, and nothing is kept", async (_, input, code) => {
    await using t = await startApp();
    const { post, bodies } = await conversation(t);
    const { status, body } = await post(input);
    expect({ status, errors: body.errors.map((e: any) => [e.field, e.code]) }).toEqual({
      status: 422,
      errors: [["body", code]],
    });
    expect(await bodies()).toEqual([]);
  });

  test("outlives its author's account, without the name", async () => {
    await using t = await startApp();
    const { alice, id, url } = await conversation(t);
    const bob = await register(t, "bob");
    await alice.call("POST", `/api/conversations/${id}/members`, { username: "bob" });
    await bob.call("POST", url, { body: "I was here" });
    await t.sql("DELETE FROM users WHERE username = 'bob'");
    expect((await alice.call("GET", url)).body.items).toMatchObject([{ body: "I was here", author: null }]);
  });
});

describe("a page of messages", () => {
  test("goes both ways, none twice, none left out, in the order they were sent", async () => {
    freezeClock();
    await using t = await startApp();
    const { alice, url, post } = await conversation(t);
    for (let i = 1; i <= 7; i++) {
      await post(`m${i}`);
      if (i === 3) advance(-3600); // the clock jumps back; the order stays
    }
    const get = async (query: string) => (await alice.call("GET", url + query)).body;
    const bodies = (page: any) => page.items.map((m: any) => m.body);

    const newest = await get("?limit=3");
    expect(bodies(newest)).toEqual(["m5", "m6", "m7"]);
    const older = await get(`?limit=3&before=${newest.next}`);
    expect(bodies(older)).toEqual(["m2", "m3", "m4"]);
    const oldest = await get(`?limit=3&before=${older.next}`);
    expect(bodies(oldest)).toEqual(["m1"]);
    expect(oldest.next).toBeNull();

    const after = await get(`?limit=3&after=${oldest.items[0].id}`);
    expect(bodies(after)).toEqual(["m2", "m3", "m4"]);
    const rest = await get(`?limit=3&after=${after.next}`);
    expect(bodies(rest)).toEqual(["m5", "m6", "m7"]);
    expect(rest.next).toBeNull();
  });

  test.each(["before=x", "after=x", "before=", "limit=0"])("refuses ?%s", async (query) => {
    await using t = await startApp();
    const { alice, url } = await conversation(t);
    expect((await alice.call("GET", `${url}?${query}`)).status).toBe(422);
  });
});

describe("an Idempotency-Key", () => {
  const key = { "idempotency-key": "9b2d-once" };

  test("makes one message of one post, however often and however many at once", async () => {
    await using t = await startApp();
    const { post, bodies } = await conversation(t);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post("once", key)));
    expect(answers.map((a) => a.status)).toEqual(Array(20).fill(201));
    expect(new Set(answers.map((a) => a.text)).size).toBe(1);
    expect(await bodies()).toEqual(["once"]);
  });

  test("with another text is refused; without it the same text is two messages", async () => {
    await using t = await startApp();
    const { post, bodies } = await conversation(t);
    await post("once", key);
    const { status, body } = await post("twice", key);
    expect({ status, code: body.code }).toEqual({ status: 422, code: "idempotency_key_reused" });
    await post("ok");
    await post("ok");
    expect(await bodies()).toEqual(["once", "ok", "ok"]);
  });

  test("is each person's own, and forgotten after a week", async () => {
    freezeClock();
    await using t = await startApp();
    const { alice, id, url, post, bodies } = await conversation(t);
    const bob = await register(t, "bob");
    await alice.call("POST", `/api/conversations/${id}/members`, { username: "bob" });
    await post("mine", key);
    expect((await bob.call("POST", url, { body: "his" }, key)).status).toBe(201);
    advance(7 * 86_400);
    alice.accessToken = (await login(t, "alice")).accessToken;
    await post("mine", key);
    expect(await bodies()).toEqual(["mine", "his"]);
    advance(1);
    await post("mine", key);
    expect(await bodies()).toEqual(["mine", "his", "mine"]);
  });

  test.each(["with space", "ü", "x".repeat(101)])("of %j is refused", async (value) => {
    await using t = await startApp();
    const { post } = await conversation(t);
    const { status, body } = await post("text", { "idempotency-key": value });
    expect({ status, field: body.errors[0].field }).toEqual({ status: 422, field: "idempotency_key" });
  });
});

describe("one's own message", () => {
  test("can be changed and taken back; nobody else's can", async () => {
    freezeClock();
    await using t = await startApp();
    const { alice, url, post } = await conversation(t);
    const bob = await register(t, "bob");
    await alice.call("POST", url.replace("/messages", "/members"), { username: "bob" });
    const { id } = (await post("frist")).body;
    advance(60);
    const edited = await alice.call("PATCH", `${url}/${id}`, { body: "first" });
    expect([edited.status, edited.body.body, edited.body.edited_at]).toEqual([
      200,
      "first",
      new Date().toISOString(),
    ]);
    for (const [person, path] of [
      [bob, `${url}/${id}`],
      [alice, `${url}/01999999-0000-7000-8000-000000000000`],
      [alice, `${url}/x`],
    ] as const) {
      expect((await person.call("PATCH", path, { body: "mine now" })).status).toBe(404);
      expect((await person.call("DELETE", path)).status).toBe(404);
    }
    expect((await alice.call("PATCH", `${url}/${id}`, { body: " " })).status).toBe(422);
    expect((await alice.call("DELETE", `${url}/${id}`)).status).toBe(204);
    const { items } = (await bob.call("GET", url)).body;
    expect(items).toMatchObject([{ id, body: "", removed: true }]);
    expect((await alice.call("PATCH", `${url}/${id}`, { body: "back" })).status).toBe(404);
    expect((await alice.call("DELETE", `${url}/${id}`)).status).toBe(404);
    expect(await t.sql("SELECT body FROM messages")).toEqual([{ body: "" }]);
  });
});

describe("what is unread", () => {
  test("is what others said since, counted for each, and noted in every tab and device", async () => {
    await using t = await startApp();
    const { alice, url, post } = await conversation(t);
    const bob = await register(t, "bob");
    const path = url.replace("/messages", "");
    await alice.call("POST", `${path}/members`, { username: "bob" });
    const unread = async (person: typeof alice) => (await person.call("GET", path)).body.unread;
    const first = (await post("one")).body;
    await post("two");
    expect([await unread(alice), await unread(bob)]).toEqual([0, 2]);
    const stream = await Stream.open(t.fetch, bob.accessToken);
    await stream.next();
    await bob.call("POST", `${path}/read`, { message_id: first.id });
    expect(await stream.next()).toMatchObject({ event: "read", data: { unread: 1 } });
    await stream.close();
    expect(await unread(bob)).toBe(1);
    expect((await bob.call("GET", "/api/conversations")).body.items[0].unread).toBe(1);
    const third = (await post("three")).body;
    await alice.call("DELETE", `${url}/${third.id}`);
    expect(await unread(bob)).toBe(1);
    expect((await bob.call("POST", `${path}/read`, {})).status).toBe(204);
    expect(await unread(bob)).toBe(0);
    await bob.call("POST", `${path}/read`, { message_id: first.id }); // never backwards
    const other = await alice.call("POST", "/api/conversations", { title: "elsewhere" });
    const elsewhere = (
      await alice.call("POST", `/api/conversations/${other.body.id}/messages`, { body: "x" })
    ).body;
    for (const [message_id, status, code] of [
      ["x", 422, "validation_failed"],
      ["", 422, "validation_failed"],
      ["ffffffff-ffff-ffff-ffff-ffffffffffff", 404, "not_found"],
      [elsewhere.id, 404, "not_found"],
    ] as const) {
      const refused = await bob.call("POST", `${path}/read`, { message_id });
      expect([refused.status, refused.body.code]).toEqual([status, code]);
    }
    expect(await unread(bob)).toBe(0);
    const carol = await register(t, "carol");
    expect((await carol.call("POST", `${path}/read`, {})).status).toBe(404);
  });

  test("is moved by what one says oneself, past what others said before", async () => {
    await using t = await startApp();
    const { alice, url, post } = await conversation(t);
    const bob = await register(t, "bob");
    const path = url.replace("/messages", "");
    await alice.call("POST", `${path}/members`, { username: "bob" });
    await post("one");
    expect((await bob.call("GET", path)).body.unread).toBe(1);
    const said = (await bob.call("POST", url, { body: "two" })).body;
    expect((await bob.call("GET", path)).body.unread).toBe(0);
    const marks = await t.sql("SELECT read_id FROM members WHERE user_id = $1", bob.id);
    expect(marks).toEqual([{ read_id: said.id }]);
    expect((await alice.call("GET", path)).body.unread).toBe(1);
  });

  test("is not moved by looking: a page, a HEAD, a prefetch, an image; a form without script does", async () => {
    await using t = await startApp();
    const { alice, url, post } = await conversation(t);
    const bob = new Visitor(t);
    await bob.register("bob");
    const path = url.replace("/messages", "");
    const page = path.replace("/api", "");
    await alice.call("POST", `${path}/members`, { username: "bob" });
    await post("one");
    const cookie = `duet_access=${bob.jar.get("duet_access")!.value}`;
    const unread = async () =>
      (await t.json("GET", path, undefined, { authorization: `Bearer ${bob.jar.get("duet_access")!.value}` }))
        .body.unread;
    for (const [method, headers] of [
      ["GET", { "sec-fetch-mode": "navigate" }],
      ["HEAD", { "sec-fetch-mode": "navigate" }],
      ["GET", { "sec-purpose": "prefetch" }],
      ["GET", { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image", "sec-fetch-site": "cross-site" }],
    ] as const) {
      await t.fetch(page, { method, headers: { cookie, ...headers } });
      expect([method, await unread()]).toEqual([method, 1]);
    }
    const { html } = await bob.open(page);
    expect(html).toMatch(/<noscript><form[^>]+action="\/conversations\/[^"]+\/read"/);
    expect((await bob.submit(`${page}/read`)).path).toBe(page);
    expect(await unread()).toBe(0);
    expect((await bob.open(page)).html).not.toContain("/read");
  });
});

describe("the order", () => {
  test("is that of the posts, also where the clock was an hour ahead before a restart", async () => {
    await using first = await startApp();
    const { alice, url, id, post } = await conversation(first);
    const bob = await register(first, "bob");
    await alice.call("POST", `/api/conversations/${id}/members`, { username: "bob" });
    const other = (await alice.call("POST", "/api/conversations", { title: "other" })).body.id;
    await post("before");
    const later = (text: string) => {
      const time = Number.parseInt(text.slice(0, 8) + text.slice(9, 13), 16) + 3_600_000;
      const hex = time.toString(16).padStart(12, "0");
      return `${hex.slice(0, 8)}-${hex.slice(8)}${text.slice(13)}`;
    };
    const [said] = await first.sql<{ id: string }>("SELECT id FROM messages");
    await first.sql("UPDATE messages SET id = $1, created_at = created_at + 3600000", later(said!.id));
    await first.sql("UPDATE conversations SET updated_at = updated_at + 3600000");

    await using t = await first.restart();
    const call = (method: string, path: string, body?: unknown, person = alice) =>
      t.json(method, path, body, { authorization: `Bearer ${person.accessToken}` });
    const next = (await call("POST", url, { body: "after" })).body;
    const texts = async (query: string) =>
      (await call("GET", `${url}${query}`)).body.items.map((m: any) => m.body);
    expect(await texts("")).toEqual(["before", "after"]);
    expect(await texts(`?after=${later(said!.id)}`)).toEqual(["after"]);
    expect((await call("GET", `/api/conversations/${id}`, undefined, bob)).body.unread).toBe(2);
    expect((await call("GET", "/api/conversations")).body.items.map((c: any) => c.id)).toEqual([id, other]);
    expect(next.id > later(said!.id)).toBe(true);
  });

  test("is that of the posts of two processes, of which one has a clock that is ahead", () => {
    const ahead = newId(Date.now() + 3_600_000);
    continueAfter(null);
    const mine = newIdAfter(ahead, Date.now());
    expect([mine > ahead, newIdAfter(mine, Date.now()) > mine, isId(mine)]).toEqual([true, true, true]);
    continueAfter(null);
  });
});
