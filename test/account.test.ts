import { describe, expect, test } from "bun:test";
import { THROTTLES } from "../src/core/auth/throttle.ts";
import { startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { login, me, PASSWORDS } from "./support/people.ts";

async function visitor(t: TestApp, name = "alice") {
  const person = new Visitor(t);
  await person.register(name);
  return person;
}

/** Everything here is done without JavaScript. */
describe("the account page", () => {
  test("changes name and address, and says so; what is wrong is said beside its field", async () => {
    await using t = await startApp();
    const alice = await visitor(t);
    await visitor(t, "bob");
    const taken = await alice.submit("/account/profile", { username: "bob", email: "" });
    expect(taken.status).toBe(409);
    expect(taken.html).toMatch(/id="username-error"[^>]*>That username is taken. Try another./);
    expect(taken.html).toContain('value="bob"');
    const done = await alice.submit("/account/profile", { username: "Alice", email: "a@example.com" });
    expect(done.path).toBe("/account?done=profile");
    expect(done.html).toContain("Profile saved");
    expect(done.html).toContain('value="a@example.com"');
    expect((await alice.open("/account?done=<script>")).html).not.toContain("<script>");
  });

  test("shows one's devices, and signs one out there or all of them", async () => {
    await using t = await startApp();
    const alice = await visitor(t);
    const other = await login(t, "alice");
    const { html } = await alice.open("/account");
    expect(html.match(/this device/g)).toHaveLength(1);
    const [, action] = /action="(\/account\/sessions\/[^"]+\/end)\?/.exec(html)!;
    const done = await alice.submit(action!);
    expect(done.html).toContain("That device was signed out");
    expect((await me(t, other.accessToken)).body.reason).toBe("revoked");
    expect((await alice.submit(action!)).status).toBe(404);

    const third = await login(t, "alice");
    const out = await alice.submit("/account/logout-all", { sure: "yes" });
    expect(out.path).toBe("/login");
    expect(out.html).toContain("You signed out everywhere");
    expect((await me(t, third.accessToken)).body.reason).toBe("logout_all");
  });

  test("changes the password, stays signed in here and nowhere else", async () => {
    await using t = await startApp();
    const alice = await visitor(t);
    const other = await login(t, "alice");
    const change = { current_password: PASSWORDS["alice"]!, new_password: PASSWORDS["bob"]! };
    const weak = await alice.submit("/account/password", { ...change, new_password: "password123" });
    expect(weak.html).toMatch(/id="new_password-error"[^>]*>Too easy to guess/);
    expect(weak.html).not.toContain("password123");
    const wrong = await alice.submit("/account/password", { ...change, current_password: "no" });
    expect(wrong.html).toMatch(/id="current_password-error"/);
    const before = alice.jar.get("duet_refresh")!.value;
    const done = await alice.submit("/account/password", change);
    expect(done.html).toContain("All your other devices were signed out.");
    expect(alice.jar.get("duet_refresh")!.value).not.toBe(before);
    expect((await me(t, other.accessToken)).body.reason).toBe("password_changed");
    expect((await alice.open("/conversations")).status).toBe(200);
  });

  test("tells how good a password would be, and keeps nothing of it", async () => {
    await using t = await startApp();
    const alice = await visitor(t);
    const rate = async (new_password: string) =>
      (await alice.script("POST", "/account/strength", { new_password })).text();
    expect(await rate("password123")).toMatch(/value="0".*very weak.*A very common password/s);
    expect(await rate("seven quiet ferries home")).toMatch(/value="4".*strong/s);
    expect(await rate("short")).toMatch(/value="0".*At least 8 characters/s);
    expect(await rate("")).toBe("");
    // The same before there is an account, where it knows the name that was typed.
    const newcomer = new Visitor(t);
    const rated = await newcomer.script("POST", "/register/strength", {
      username: "quiet.ferries",
      email: "",
      password: "quiet.ferries",
    });
    expect(await rated.text()).toMatch(/value="[01]"/);
    expect(JSON.stringify(t.logged)).not.toContain("ferries");
  });

  test("shows what happened to the account, in the reader's language", async () => {
    await using t = await startApp();
    const alice = new Visitor(t, { "accept-language": "zh" });
    await alice.register("alice");
    await t.json("POST", "/api/auth/login", { username: "alice", password: "wrong" });
    const { html } = await alice.open("/account");
    expect(html).toMatch(/<strong class="danger">登录失败</);
    expect(html).toContain("注册");
  });

  test("hands out all that is kept of oneself, nothing of others and no secret", async () => {
    await using t = await startApp();
    const alice = await visitor(t);
    const bob = await visitor(t, "bob");
    const { path } = await alice.submit("/conversations", { title: "ours" });
    await alice.submit(`${path}/members`, { username: "bob" });
    await alice.submit(path, { body: "what alice said" });
    await bob.submit(path, { body: "what bob said" });
    const response = await alice.script("GET", "/account/export");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="duet.json"');
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({
      user: { username: "alice", email: null },
      sessions: [{ ip: "127.0.0.1" }],
      security_events: [{ kind: "register", outcome: "success" }],
      conversations: [{ title: "ours", is_owner: true }],
      messages: [{ body: "what alice said" }],
    });
    expect(text).not.toMatch(/bob|argon2|eyJ/);
  });

  test("hands out all of long lists, a piece at a time, and as often as may be", async () => {
    await using t = await startApp();
    const alice = await visitor(t);
    const { path } = await alice.submit("/conversations", { title: "ours" });
    await alice.submit(path, { body: "x".repeat(10_000) });
    const id = (n: number) => `019aaaaa-0000-7000-8000-${String(n).padStart(12, "0")}`;
    for (const [table, rows] of [
      ["auth_events", 1001],
      ["messages", 1200],
    ] as const) {
      const [row] = (await t.sql(`SELECT * FROM ${table} LIMIT 1`)) as [Record<string, any>];
      const names = Object.keys(row).filter((name) => name !== "number" && name !== "id");
      for (let n = 1; n < rows; n++)
        await t.sql(`INSERT INTO ${table} (id, ${names}) SELECT $1, ${names} FROM ${table} LIMIT 1`, id(n));
    }
    const response = await alice.script("GET", "/account/export");
    let pieces = 0;
    let text = "";
    const decoder = new TextDecoder();
    for await (const piece of response.body!) {
      text += decoder.decode(piece, { stream: true });
      pieces++;
    }
    const all = JSON.parse(text);
    expect([all.security_events.length, all.messages.length, all.conversations.length]).toEqual([
      1001, 1200, 1,
    ]);
    expect(new Set(all.messages.map((m: any) => m.id)).size).toBe(1200);
    expect(pieces).toBeGreaterThan(100);
    const statuses = [];
    for (let i = 0; i < THROTTLES.export_account.burst; i++) {
      const again = await alice.script("GET", "/account/export");
      await again.body?.cancel();
      statuses.push(again.status);
    }
    expect(statuses).toEqual([...Array(THROTTLES.export_account.burst - 1).fill(200), 429]);
  });

  test("goes on where a list is longer than the page", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await visitor(t);
    for (let i = 0; i < 60; i++) await login(t, "alice");
    const shown = (html: string) => html.match(/action="\/account\/sessions\/[^"]+\/end(?=\?)/g) ?? [];
    const events = (html: string) => /<section[^>]+aria-labelledby="events">.*?<\/section>/s.exec(html)![0];
    const first = await alice.open("/account");
    const [, devices] = /href="(\/account\?devices=[^"#]+)/.exec(first.html)!;
    const rest = await alice.open(devices!);
    const all = [...shown(first.html), ...shown(rest.html)];
    expect([all.length, new Set(all).size]).toEqual([60, 60]);
    const [, older] = /href="(\/account\?events=[^"#]+)/.exec(first.html)!;
    const before = await alice.open(older!);
    expect(events(before.html)).not.toBe(events(first.html));
    expect((await alice.open("/account?devices=none")).status).toBe(422);
  });

  test("deletes the account with its password, and says so", async () => {
    await using t = await startApp();
    const alice = await visitor(t);
    const wrong = await alice.submit("/account/delete", { password: "no" });
    expect([wrong.status, wrong.html.includes('id="password-again-error"')]).toEqual([422, true]);
    const gone = await alice.submit("/account/delete", { password: PASSWORDS["alice"]! });
    expect(gone.path).toBe("/login");
    expect(gone.html).toContain("This account was deleted");
    expect([...alice.jar.keys()]).toEqual(["duet_ended"]);
  });
});
