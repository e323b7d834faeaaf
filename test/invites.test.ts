import { describe, expect, test } from "bun:test";
import { beginAnew } from "../src/core/restoration.ts";
import { LIMITS } from "../src/limits.ts";
import { createStore } from "../src/store/index.ts";
import { advance, freezeClock, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { register, type Person } from "./support/people.ts";

const DAY = 24 * 60 * 60;

async function owner(t: TestApp) {
  const alice = new Visitor(t, { "accept-language": "en" });
  await alice.register("alice");
  const { path } = await alice.submit("/conversations", { title: "Plans" });
  const make = async (days = "7", uses = "10") => {
    const { html, status } = await alice.submit(`${path}/invites`, { days, uses });
    const [, link] = /<code tabindex="0">(http[^<]+)<\/code>/.exec(html) ?? [];
    return {
      html,
      status,
      link: link?.replaceAll("&amp;", "&"),
      token: new URL(link ?? "http://x").searchParams.get("token")!,
    };
  };
  return { alice, path, id: path.split("/").at(-1)!, make };
}

async function visitor(t: TestApp, name: string) {
  const person = new Visitor(t, { "accept-language": "en" });
  await person.register(name);
  return person;
}

describe("a link that invites", () => {
  test("is shown once, kept as a hash, and joined by a form", async () => {
    await using t = await startApp();
    const { alice, path, make } = await owner(t);
    const { link, token, html } = await make();
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(link).toStartWith("http://localhost/join?token=");
    expect(html).toContain("0 of 10 joined");
    expect((await alice.open(path)).html).not.toContain(token);
    expect(JSON.stringify(await t.sql("SELECT * FROM invites"))).not.toContain(token);

    const bob = await visitor(t, "bob");
    const page = (await bob.open(`/join?token=${token}`)).html;
    expect(page).toContain("alice invites you to “Plans”.");
    // To look is not to join.
    expect((await bob.open(path)).status).toBe(404);
    expect((await bob.submit("/join", { token })).path).toBe(path);
    const thread = (await alice.open(path)).html;
    expect(thread).toContain("bob joined by a link");
    expect(thread).toContain("1 of 10 joined");
    // Whoever is in uses nothing up.
    await bob.submit("/join", { token });
    expect((await alice.open(path)).html).toContain("1 of 10 joined");
  });

  test("leads whoever has to sign in there first, and makes nobody an account where registration is closed", async () => {
    await using t = await startApp();
    const { make } = await owner(t);
    const { token } = await make();
    const nobody = new Visitor(t, { "accept-language": "en" });
    const { path, html } = await nobody.open(`/join?token=${token}`);
    expect(path).toBe(`/login?next=${encodeURIComponent(`/join?token=${token}`)}`);
    expect(html).toContain("alice invites you to “Plans”. Sign in, or create an account, to join.");
    expect(
      (await nobody.open(`/register?next=${encodeURIComponent(`/join?token=${token}`)}`)).html,
    ).toContain("alice invites you to");
    expect((await nobody.open("/login?next=/join?token=x")).html).not.toContain("invites you");
    expect(html).toContain(
      `/register?next=${encodeURIComponent(`/join?token=${token}`)}`.replaceAll("&", "&amp;"),
    );
    const closed = await t.restart({ DUET_REGISTRATION: "closed" });
    const stranger = new Visitor(closed, { "accept-language": "en" });
    const there = await stranger.open(`/join?token=${token}`);
    expect(there.html).not.toContain("/register");
    expect(
      (
        await stranger.submit("/register", {
          username: "bob",
          password: "seven quiet ferries home",
          next: `/join?token=${token}`,
        })
      ).status,
    ).toBe(403);
    await closed[Symbol.asyncDispose]();
  });

  test("is good for so many, until its end, and until it is ended", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const { alice, path, make } = await owner(t);
    const [bob, carol] = [await visitor(t, "bob"), await visitor(t, "carol")];
    const one = (await make("7", "1")).token;
    // Of two at once one is in.
    const joined = await Promise.all([bob, carol].map((who) => who.submit("/join", { token: one })));
    expect(joined.map(({ status }) => status).toSorted()).toEqual([200, 410]);
    const late = joined[0]!.status === 410 ? bob : carol;
    const day = (await make("1", "10")).token;
    advance(DAY);
    expect((await late.submit("/join", { token: day })).status).toBe(410);
    expect((await late.open(`/join?token=${day}`)).status).toBe(410);
    await alice.submit("/login", { identifier: "alice", password: "tulips on the windowsill 4" });
    const ended = await make();
    const [, invite] = /name="invite" value="([^"]+)"/.exec(ended.html)!;
    expect((await alice.submit(`${path}/invites/end`, { invite: invite! })).html).not.toContain(
      "Good for so",
    );
    await late.submit("/login", {
      identifier: late === bob ? "bob" : "carol",
      password: late === bob ? "seven quiet ferries home" : "a kettle for the lighthouse",
    });
    expect((await late.submit("/join", { token: ended.token })).status).toBe(410);
    expect((await late.submit("/join", { token: "made up" })).status).toBe(410);
  });

  test("is dead with its maker's right: somebody else's conversation, one that was deleted, an account that is gone or disabled", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice, path, id, make } = await owner(t);
    const bob = await visitor(t, "bob");
    const { token } = await make();
    const works = async () => (await bob.open(`/join?token=${token}`)).status === 200;
    expect(await works()).toBe(true);
    const [{ owner_id }] = (await t.sql("SELECT owner_id FROM conversations")) as [{ owner_id: string }];
    await t.sql("UPDATE conversations SET owner_id = (SELECT id FROM users WHERE username = 'bob')");
    expect(await works()).toBe(false);
    await t.sql("UPDATE conversations SET owner_id = $1", owner_id);
    await t.sql("UPDATE users SET disabled_at = 1 WHERE id = $1", owner_id);
    expect(await works()).toBe(false);
    await t.sql("UPDATE users SET disabled_at = NULL");
    await alice.submit(`${path}/remove`);
    expect(await works()).toBe(false);
    await alice.submit(`${path}/restore`);
    expect(await works()).toBe(true);
    // Nobody but the owner makes one, ends one or sees them.
    await bob.submit("/join", { token });
    expect((await bob.submit(`${path}/invites`, { days: "7", uses: "10" })).status).toBe(404);
    expect((await bob.open(path)).html).not.toContain("Invite by link");
    expect((await bob.submit(`${path}/invites/end`, { invite: "x" })).status).toBe(404);
    expect(await t.sql("SELECT conversation_id FROM invites")).toEqual([{ conversation_id: id }]);
  });

  test("is not for whoever was removed, until they are added again; whoever left may come back", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice, path, make } = await owner(t);
    const bob = await visitor(t, "bob");
    const { token } = await make();
    await bob.submit("/join", { token });
    const [{ id: bobs }] = (await t.sql("SELECT id FROM users WHERE username = 'bob'")) as [{ id: string }];
    await bob.submit(`${path}/members/${bobs}/remove`, { sure: "yes" });
    expect((await bob.submit("/join", { token })).path).toBe(path);
    await alice.submit(`${path}/members/${bobs}/remove`, { sure: "yes" });
    expect((await bob.open(`/join?token=${token}`)).status).toBe(410);
    expect((await bob.submit("/join", { token })).status).toBe(410);
    await alice.submit(`${path}/members`, { username: "bob" });
    await bob.submit(`${path}/members/${bobs}/remove`, { sure: "yes" });
    expect((await bob.submit("/join", { token })).path).toBe(path);
  });

  test("is no way back for whoever was removed, whatever the clock has said meanwhile", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const { alice, path, make } = await owner(t);
    const bob = await visitor(t, "bob");
    const { token } = await make();
    advance(240);
    await bob.submit("/join", { token });
    advance(-200);
    const again = await t.restart(UNLIMITED);
    const [{ id: bobs }] = (await again.sql("SELECT id FROM users WHERE username = 'bob'")) as [
      { id: string },
    ];
    const [as, bs] = [alice, bob].map(({ jar }) => {
      const visitor = new Visitor(again, { "accept-language": "en" });
      for (const [name, cookie] of jar) visitor.jar.set(name, cookie);
      return visitor;
    });
    await as!.submit(`${path}/members/${bobs}/remove`, { sure: "yes" });
    expect((await bs!.submit("/join", { token })).status).toBe(410);
    // And what is told is told in its order.
    expect((await as!.open(path)).html).toMatch(/bob joined by a link[^]*You removed bob/);
    await again[Symbol.asyncDispose]();
  });

  test("counts whoever leaves and comes back once, and lets them back when it is used up", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice, path, make } = await owner(t);
    const [bob, carol] = [await visitor(t, "bob"), await visitor(t, "carol")];
    const { token } = await make("7", "1");
    const [{ id: bobs }] = (await t.sql("SELECT id FROM users WHERE username = 'bob'")) as [{ id: string }];
    for (let n = 0; n < 3; n++) {
      expect((await bob.submit("/join", { token })).path).toBe(path);
      await bob.submit(`${path}/members/${bobs}/remove`, { sure: "yes" });
    }
    expect(await t.sql("SELECT uses FROM invites")).toEqual([{ uses: 1 }]);
    expect((await carol.submit("/join", { token })).status).toBe(410);
    expect((await alice.open(path)).html).not.toContain("of 1 joined");
  });

  test("is shown to its maker alone, also where their form is sent again by whoever has seen its address", async () => {
    await using t = await startApp();
    const { alice, path } = await owner(t);
    const [, action] = new RegExp(`action="(${path}/invites\\?once=[^"]+)"`).exec(
      (await alice.open(path)).html,
    )!;
    const first = await alice.submit(action!, { days: "7", uses: "10" });
    expect(first.html).toContain("/join?token=");
    const stranger = await t.fetch(action!, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "same-origin",
        "sec-fetch-mode": "navigate",
      },
      body: "days=7&uses=10",
    });
    expect(stranger.status).toBe(307);
    expect(await stranger.text()).not.toContain("token=");
  });

  test("of an owner who has gone is none of the next one's", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice, path, make } = await owner(t);
    const bob = await visitor(t, "bob");
    const { token } = await make();
    for (let n = 1; n < LIMITS.invitesMax; n++) await make();
    await bob.submit("/join", { token });
    await alice.submit("/account/delete", { password: "tulips on the windowsill 4" });
    const { html } = await bob.open(path);
    expect(html).not.toContain("of 10 joined");
    expect((await bob.submit(`${path}/invites`, { days: "7", uses: "10" })).status).toBe(200);
  });

  test("is not good again because a backup was put back", async () => {
    await using t = await startApp(UNLIMITED);
    const { make } = await owner(t);
    await make();
    const db = t.openDb();
    await beginAnew(createStore(db), Date.now());
    await db.close();
    expect(await t.sql("SELECT id FROM invites")).toEqual([]);
  });

  test("takes no other numbers, and there are no more than so many of one conversation", async () => {
    await using t = await startApp(UNLIMITED);
    const { make } = await owner(t);
    for (const [days, uses] of [
      ["8", "10"],
      ["7", "11"],
      ["-1", "1"],
      ["x", "10"],
    ])
      expect((await make(days, uses)).status).toBe(422);
    for (let n = 0; n < LIMITS.invitesMax; n++) expect((await make()).status).toBe(200);
    expect((await make()).status).toBe(422);
  });

  test("does not let more in than a conversation may have", async () => {
    await using t = await startApp(UNLIMITED);
    const { make, id } = await owner(t);
    const { token } = await make();
    for (let n = 1; n < LIMITS.membersPerConversationMax; n++) {
      const user = `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
      await t.sql(
        "INSERT INTO users (id, username, username_key, password_hash, created_at) VALUES ($1, $2, $2, 'x', 0)",
        user,
        `u${n}`,
      );
      await t.sql("INSERT INTO members (conversation_id, user_id, joined_at) VALUES ($1, $2, 0)", id, user);
    }
    const bob = await visitor(t, "bob");
    expect((await bob.submit("/join", { token })).status).toBe(410);
    expect(await t.sql("SELECT uses FROM invites")).toEqual([{ uses: 0 }]);
  });
});

describe("names that complete themselves", () => {
  test("are those of people one shares a conversation with, and of nobody else", async () => {
    await using t = await startApp();
    const [alice, bob, carol] = [
      await register(t, "alice"),
      await register(t, "bob"),
      await register(t, "carol"),
    ];
    await register(t, "小明");
    const talk = async (who: Person, ...names: string[]) => {
      const { id } = (await who.call("POST", "/api/conversations", { title: "x" })).body;
      for (const username of names) await who.call("POST", `/api/conversations/${id}/members`, { username });
      return id as string;
    };
    await talk(bob, "alice", "carol");
    const mine = await talk(alice);
    const ask = async (who: Person, id: string, script = true) =>
      t.fetch(`/conversations/${id}/people`, {
        headers: { cookie: `duet_access=${who.accessToken}`, ...(script && { "hx-request": "true" }) },
      });
    const names = async (id: string) =>
      [...(await (await ask(alice, id)).text()).matchAll(/<option value="([^"]+)"/g)].map(([, name]) => name);
    expect(await names(mine)).toEqual(["bob", "carol"]);
    await alice.call("POST", `/api/conversations/${mine}/members`, { username: "bob" });
    expect(await names(mine)).toEqual(["carol"]);
    // Only for whoever may add somebody.
    expect((await ask(bob, mine)).status).toBe(404);
    expect((await ask(carol, mine)).status).toBe(404);
  });
});
