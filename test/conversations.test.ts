import { describe, expect, test } from "bun:test";
import { advance, freezeClock, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { register, type Person } from "./support/people.ts";

const start = async (person: Person, title: string) =>
  (await person.call("POST", "/api/conversations", { title })).body;
const titles = ({ body }: { body: any }) => body.items.map((c: any) => c.title);

describe("conversations", () => {
  test("are made, read, renamed and removed by their owner", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const made = await alice.call("POST", "/api/conversations", { title: "  周末爬山 <b>& more</b>  " });
    expect(made.status).toBe(201);
    const { id } = made.body;
    expect(made.headers.get("location")).toBe(`/api/conversations/${id}`);
    expect(made.body).toEqual({
      unread: 0,
      id,
      title: "周末爬山 <b>& more</b>",
      owner_id: alice.id,
      created_at: "2026-11-23T09:00:00.000Z",
      updated_at: "2026-11-23T09:00:00.000Z",
    });
    expect((await alice.call("GET", `/api/conversations/${id}`)).body).toEqual(made.body);
    const renamed = await alice.call("PATCH", `/api/conversations/${id}`, { title: "Hike" });
    expect(renamed.body).toEqual({ ...made.body, title: "Hike" });
    expect((await alice.call("DELETE", `/api/conversations/${id}`)).status).toBe(204);
    expect((await alice.call("GET", `/api/conversations/${id}`)).status).toBe(404);
    expect((await alice.call("GET", "/api/conversations")).body).toEqual({ items: [], next: null });
  });

  test("are listed newest activity first, page by page, none twice and none left out", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const all = [];
    for (let i = 0; i < 7; i++) {
      all.unshift(`c${i}`);
      await start(alice, `c${i}`); // several in one millisecond
      if (i % 3 === 0) advance(1);
    }
    const seen: string[] = [];
    let cursor = "";
    do {
      const page = await alice.call("GET", `/api/conversations?limit=2${cursor}`);
      seen.push(...titles(page));
      cursor = page.body.next && `&cursor=${page.body.next}`;
    } while (cursor);
    expect(seen).toEqual(all);
    const oldest = (await alice.call("GET", "/api/conversations")).body.items.at(-1);
    advance(1);
    await alice.call("POST", `/api/conversations/${oldest.id}/messages`, { body: "again" });
    expect(titles(await alice.call("GET", "/api/conversations"))[0]).toBe("c0");
  });

  test.each(["0", "-1", "1.5", "NaN", "1e400", "abc", "0x10"])("refuse limit=%s", async (limit) => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const { status, body } = await alice.call("GET", `/api/conversations?limit=${limit}`);
    expect({ status, field: body.errors?.[0].field }).toEqual({ status: 422, field: "limit" });
  });

  test("show at most 100 however many are asked for", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    await Promise.all(Array.from({ length: 101 }, (_, i) => start(alice, `c${i}`)));
    const { body } = await alice.call("GET", "/api/conversations?limit=1000000");
    expect(body.items).toHaveLength(100);
    expect(body.next).toBeString();
  });

  test.each(["", "x", "bm90aGluZw", "MS54", "..", "9999999999999999999"])(
    "refuse the cursor %j",
    async (cursor) => {
      await using t = await startApp();
      const alice = await register(t, "alice");
      const { status, body } = await alice.call("GET", `/api/conversations?cursor=${cursor}`);
      expect({ status, field: body.errors?.[0].field }).toEqual({ status: 422, field: "cursor" });
    },
  );

  test.each([
    ["nothing", {}, "required"],
    ["white space", { title: " \n\t " }, "required"],
    ["201 characters", { title: "字".repeat(201) }, "too_long"],
    ["a number", { title: 7 }, "wrong_type"],
    ["null", { title: null }, "wrong_type"],
    ["half a character", { title: "\ud800" }, "ill_formed"],
    ["NUL", { title: "a\0b" }, "ill_formed"],
  ])("refuse a title of %s", async (_, input, code) => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const { status, body } = await alice.call("POST", "/api/conversations", input);
    expect(status).toBe(422);
    expect(body.errors.map((e: any) => [e.field, e.code])).toEqual([["title", code]]);
    expect((await alice.call("GET", "/api/conversations")).body.items).toEqual([]);
  });

  test("take no owner and no id from the body", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const bob = await register(t, "bob");
    const forged = { title: "mine", id: bob.id, owner_id: bob.id, created_at: "1970-01-01T00:00:00Z" };
    const { body } = await alice.call("POST", "/api/conversations", forged);
    expect(body).toMatchObject({ title: "mine", owner_id: alice.id });
    expect(body.id).not.toBe(bob.id);
  });
});

describe("somebody else's conversation", () => {
  /** Every route with an id in it; `id` is alice's or one that is nobody's. */
  const routes: [string, string, unknown][] = [
    ["GET", "", null],
    ["PATCH", "", { title: "taken over" }],
    ["DELETE", "", null],
    ["GET", "/messages", null],
    ["POST", "/messages", { body: "let me in" }],
    ["GET", "/members", null],
    ["POST", "/members", { username: "bob" }],
    ["DELETE", "/members/01999999-0000-7000-8000-000000000000", null],
  ];

  test.each(routes)(
    "%s /api/conversations/:id%s is 404, as if it were not there",
    async (method, path, body) => {
      await using t = await startApp();
      const alice = await register(t, "alice");
      const bob = await register(t, "bob");
      const { id } = await start(alice, "alice's own");
      const ask = async (target: string) => {
        const { status, text, headers } = await bob.call(method, `/api/conversations/${target}${path}`, body);
        return { status, text, headers: [...headers].filter(([name]) => name !== "x-request-id") };
      };
      const foreign = await ask(id);
      expect(foreign.status).toBe(404);
      expect(foreign.text).not.toContain("alice");
      expect(foreign).toEqual(await ask("01999999-0000-7000-8000-000000000000"));
      expect(foreign).toEqual(await ask("no-id-at-all"));
      const anonymous = await t.json(method, `/api/conversations/${id}${path}`, body);
      expect({ status: anonymous.status, code: anonymous.body.code }).toEqual({
        status: 401,
        code: "token_missing",
      });
      // The premise: alice has it, unchanged, and may do what bob may not.
      expect((await alice.call("GET", `/api/conversations/${id}`)).body.title).toBe("alice's own");
      await alice.call("POST", `/api/conversations/${id}/members`, { username: "bob" });
      const own = path.replace("01999999-0000-7000-8000-000000000000", bob.id);
      expect((await alice.call(method, `/api/conversations/${id}${own}`, body)).status).toBeLessThan(300);
    },
  );
});

describe("members", () => {
  async function trio(t: TestApp) {
    const [alice, bob, carol] = [
      await register(t, "alice"),
      await register(t, "bob"),
      await register(t, "carol"),
    ];
    const { id } = await start(alice, "Trio");
    const url = `/api/conversations/${id}`;
    await alice.call("POST", `${url}/members`, { username: "bob" });
    return { alice, bob, carol, url };
  }

  test("read and write; what is the owner's is not there for them", async () => {
    await using t = await startApp();
    const { alice, bob, url } = await trio(t);
    expect((await bob.call("GET", url)).body.title).toBe("Trio");
    expect((await bob.call("POST", `${url}/messages`, { body: "hello" })).status).toBe(201);
    expect((await alice.call("GET", `${url}/messages`)).body.items[0].author).toEqual({
      id: bob.id,
      username: "bob",
    });
    for (const [method, path, body] of [
      ["PATCH", "", { title: "x" }],
      ["DELETE", ""],
      ["POST", "/members", { username: "carol" }],
      ["DELETE", `/members/${alice.id}`],
    ] as const)
      expect((await bob.call(method, url + path, body)).status).toBe(404);
  });

  test("are listed in the order they came; inviting twice changes nothing", async () => {
    freezeClock();
    await using t = await startApp();
    const { alice, url } = await trio(t);
    advance(5);
    const invited = await alice.call("POST", `${url}/members`, { username: "CAROL" });
    expect([invited.status, invited.body.username]).toEqual([201, "carol"]);
    const before = (await alice.call("GET", `${url}/members`)).body.items;
    const again = await alice.call("POST", `${url}/members`, { username: "bob" });
    expect([again.status, again.body.username]).toEqual([200, "bob"]);
    const after = (await alice.call("GET", `${url}/members`)).body.items;
    expect(after.map((m: any) => m.username)).toEqual(["alice", "bob", "carol"]);
    expect(after).toEqual(before);
  });

  test("invited or writing while the conversation is being deleted find it gone, and nothing fails", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice, bob } = await trio(t);
    const met = new Set<number>();
    for (let round = 0; round < 20; round++) {
      const url = `/api/conversations/${(await start(alice, "short-lived")).id}`;
      await alice.call("POST", `${url}/members`, { username: "bob" });
      const invite = () => alice.call("POST", `${url}/members`, { username: "carol" });
      const write = () => bob.call("POST", `${url}/messages`, { body: "still here?" });
      const answers = await Promise.all([alice.call("DELETE", url), invite(), write(), invite(), write()]);
      for (const { status } of answers) met.add(status);
    }
    for (const status of met) expect([200, 201, 204, 404]).toContain(status);
    expect(met).toContain(404);
  });

  test("leave or are removed; the owner stays", async () => {
    await using t = await startApp();
    const { alice, bob, carol, url } = await trio(t);
    await alice.call("POST", `${url}/members`, { username: "carol" });
    expect((await bob.call("DELETE", `${url}/members/${bob.id}`)).status).toBe(204);
    expect((await bob.call("GET", url)).status).toBe(404);
    expect((await alice.call("DELETE", `${url}/members/${carol.id}`)).status).toBe(204);
    expect((await carol.call("GET", url)).status).toBe(404);
    expect((await alice.call("DELETE", `${url}/members/${carol.id}`)).status).toBe(404);
    expect((await alice.call("DELETE", `${url}/members/${alice.id}`)).body.code).toBe("owner_cannot_leave");
  });

  test.each(["nobody", "", " ", "\ud800", "x".repeat(1000)])("cannot be invited as %j", async (username) => {
    await using t = await startApp();
    const { alice, url } = await trio(t);
    const { status, body } = await alice.call("POST", `${url}/members`, { username });
    expect({ status, field: body.errors[0].field }).toEqual({ status: 422, field: "username" });
  });
});

describe("a conversation that was deleted", () => {
  test("is gone for everybody, and back for everybody when its owner wants it, for 30 days", async () => {
    freezeClock();
    await using t = await startApp({ DUET_ACCESS_TTL: "1d", DUET_REFRESH_TTL: "80d" });
    const alice = await register(t, "alice");
    const bob = await register(t, "bob");
    const { id } = await start(alice, "plans");
    const url = `/api/conversations/${id}`;
    await alice.call("POST", `${url}/members`, { username: "bob" });
    await bob.call("POST", `${url}/messages`, { body: "still here" });
    expect((await alice.call("DELETE", url)).status).toBe(204);
    for (const person of [alice, bob]) {
      expect((await person.call("GET", url)).status).toBe(404);
      expect((await person.call("GET", "/api/conversations")).body.items).toEqual([]);
      expect((await person.call("POST", `${url}/messages`, { body: "x" })).status).toBe(404);
    }
    expect((await bob.call("POST", `${url}/restore`)).status).toBe(404);
    const restored = await alice.call("POST", `${url}/restore`);
    expect([restored.status, restored.body.title]).toEqual([200, "plans"]);
    expect((await alice.call("POST", `${url}/restore`)).status).toBe(404);
    expect((await bob.call("GET", `${url}/messages`)).body.items).toMatchObject([{ body: "still here" }]);

    await alice.call("DELETE", url);
    advance(29 * 24 * 3600);
    await t.app.duet.housekeeping.tend();
    const rows = async (table: string) => (await t.sql(`SELECT count(*) AS n FROM ${table}`))[0]!["n"];
    expect([await rows("messages"), await rows("terms")]).toEqual([1, 2]);
    advance(2 * 24 * 3600);
    await t.app.duet.housekeeping.tend();
    for (const table of ["conversations", "messages", "terms"]) expect(await rows(table)).toBe(0);
  });
});
