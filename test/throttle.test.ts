import { describe, expect, test } from "bun:test";
import { THROTTLES } from "../src/core/auth/throttle.ts";
import { advance, FULL_COST, freezeClock, startApp, temporaryFolder, type TestApp } from "./support/app.ts";
import { login, PASSWORDS, refresh, register } from "./support/people.ts";

/** A proxy that is trusted here says where a request is from. */
const PROXIED = { DUET_TRUSTED_PROXIES: "127.0.0.1" };
const from = (ip: string) => ({ "x-forwarded-for": ip });

const attempt = (t: TestApp, username: string, password: string, ip: string, more = {}) =>
  t.json("POST", "/api/auth/login", { username, password }, { ...from(ip), ...more });
const wrong = (t: TestApp, username: string, ip: string) => attempt(t, username, "wrong", ip);
const right = (t: TestApp, username: string, ip: string) => attempt(t, username, PASSWORDS[username]!, ip);
const times = <T>(n: number, act: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: n }, (_, i) => act(i)));
const count = (answers: { status: number }[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

const { burst, everyMs } = THROTTLES.login_account_and_network;

describe("wrong passwords", () => {
  test("for one account from one place: 429 with Retry-After by the ninth, as for a name that nobody has", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    await register(t, "alice");
    for (const name of ["alice", "nobody"]) {
      const answers = [];
      for (let i = 0; i < 10; i++) answers.push(await wrong(t, name, "192.0.2.1"));
      expect(answers.map((a) => a.status)).toEqual([...Array(burst).fill(401), 429, 429]);
      expect(Number(answers.at(-1)!.headers.get("retry-after"))).toBe(everyMs / 1000);
      expect(answers.at(-1)!.body.code).toBe("rate_limited");
    }
    expect((await right(t, "alice", "192.0.2.1")).status).toBe(429);
    advance(everyMs / 1000);
    expect((await right(t, "alice", "192.0.2.1")).status).toBe(200);
  });

  test("100 at once: as many as the limit reach the hash", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    await register(t, "alice");
    const answers = await times(100, () => wrong(t, "alice", "192.0.2.1"));
    // Those for whom there is no place to wait are told so.
    expect(count(answers, 401)).toBe(burst);
    expect(count(answers, 429) + count(answers, 503)).toBe(100 - burst);
  });

  test("of a stranger elsewhere do not keep the owner out", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    await register(t, "alice");
    await times(20, () => wrong(t, "alice", "192.0.2.1"));
    expect((await right(t, "alice", "203.0.113.7")).status).toBe(200);
  });

  test("of many strangers together are limited, but never where the owner has signed in from before", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    await register(t, "alice"); // from 127.0.0.1
    await right(t, "alice", "2001:db8:1:2::3");
    const strangers = await times(80, (i) => wrong(t, "alice", `198.51.100.${i}`));
    expect(count(strangers, 401)).toBe(THROTTLES.login_account.burst);
    expect((await right(t, "alice", "203.0.113.7")).status).toBe(429);
    expect((await right(t, "alice", "2001:db8:1:2::4")).status).toBe(200);
    expect((await right(t, "alice", "127.0.0.1")).status).toBe(200);
  });

  test("for 200 accounts from one place, or one /64: 429 before the hundredth", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    const answers: { status: number }[] = [];
    for (let round = 0; round < 200; round += 40)
      answers.push(...(await times(40, (i) => wrong(t, `user${round + i}`, `2001:db8:1:2::${round + i}`))));
    expect(count(answers, 401)).toBe(THROTTLES.login_network.burst);
    expect(count(answers, 429)).toBe(200 - THROTTLES.login_network.burst);
    expect((await wrong(t, "user200", "2001:db8:1:3::1")).status).toBe(401);
  });

  test.each([
    [
      "the name in other letters",
      (i: number) => ["alice", "ALICE", "Alice", " alice ", "ａｌｉｃｅ"][i % 5]!,
    ],
    ["the e-mail address", (i: number) => ["a@example.com", "A@EXAMPLE.com", " a@example.com"][i % 3]!],
  ])("count as one account by %s", async (_, name) => {
    freezeClock();
    await using t = await startApp(PROXIED);
    const alice = { username: "alice", password: PASSWORDS["alice"], email: "a@example.com" };
    await t.json("POST", "/api/auth/register", alice);
    const answers = [];
    for (let i = 0; i < 12; i++) answers.push(await wrong(t, name(i), "192.0.2.1"));
    expect(count(answers, 401)).toBe(burst);
  });

  test("tell nobody which name and address are one account's, nor that either is anybody's", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    const alice = { username: "alice", password: PASSWORDS["alice"], email: "a@example.com" };
    await t.json("POST", "/api/auth/register", alice, from("203.0.113.9"));
    const statusesOf = async (names: string[]) => {
      const statuses = [];
      for (const name of names) statuses.push((await wrong(t, name, "192.0.2.1")).status);
      return statuses;
    };
    const somebody = [...Array(burst + 1).fill("alice"), "a@example.com"] as string[];
    const nobody = [...Array(burst + 1).fill("nobody"), "n@example.com"] as string[];
    expect(await statusesOf(somebody)).toEqual(await statusesOf(nobody));
  });

  test("count as one place whatever headers say, while no proxy is trusted", async () => {
    freezeClock();
    await using t = await startApp();
    const answers = [];
    for (let i = 0; i < 12; i++)
      answers.push(
        await attempt(t, "alice", "x", `192.0.2.${i}`, {
          forwarded: `for=192.0.2.${i}`,
          "x-real-ip": `${i}`,
        }),
      );
    expect(count(answers, 401)).toBe(burst);
  });

  test("are still counted after a restart, and a clock set back does not lock anybody out for longer", async () => {
    freezeClock();
    await using first = await startApp(PROXIED);
    await register(first, "alice");
    await times(burst, () => wrong(first, "alice", "192.0.2.1"));
    await using t = await first.restart();
    expect((await wrong(t, "alice", "192.0.2.1")).status).toBe(429);
    advance(-365 * 24 * 3600);
    expect((await right(t, "alice", "192.0.2.1")).status).toBe(200);
  });

  test("are all that counts as guessing: twenty right ones at once are let in", async () => {
    freezeClock();
    await using t = await startApp(PROXIED, temporaryFolder(), FULL_COST);
    await register(t, "alice");
    const answers = await times(20, () => right(t, "alice", "192.0.2.1"));
    expect(count(answers, 200)).toBe(20);
    for (let i = 0; i < burst - 1; i++) expect((await wrong(t, "alice", "192.0.2.1")).status).toBe(401);
    expect((await right(t, "alice", "192.0.2.1")).status).toBe(200);
  });

  test("of names that nobody has count as one however they are folded, as an account's do", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    for (const name of ["stranger", "qharl\u0131e"]) {
      for (let i = 0; i < burst; i++) await wrong(t, name, "192.0.2.1");
      expect((await wrong(t, name.toUpperCase(), "192.0.2.1")).status).toBe(429);
    }
    expect((await wrong(t, "qharlie", "192.0.2.1")).status).toBe(429);
  });

  test("are not what could not be checked: a full queue counts against nobody", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    await register(t, "alice");
    const flood = times(80, (i) => wrong(t, `nobody${i}`, `198.51.100.${i}`));
    const own = await times(burst, () => right(t, "alice", "192.0.2.1"));
    await flood;
    expect(count(own, 503)).toBeGreaterThan(0);
    expect(count(own, 429) + count(own, 401)).toBe(0);
    const guesses = await times(burst, () => wrong(t, "alice", "192.0.2.1"));
    expect(count(guesses, 401)).toBe(burst);
  });

  test("on the page are told in words, and what was typed stays", async () => {
    await using t = await startApp();
    let html = "";
    for (let i = 0; i <= burst; i++) {
      const response = await t.fetch("/login", {
        method: "POST",
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          "sec-fetch-site": "same-origin",
          "sec-fetch-mode": "navigate",
          "accept-language": "zh",
        },
        body: "identifier=alice&password=wrong",
      });
      html = await response.text();
    }
    expect(html).toContain("操作过于频繁");
    expect(html).toContain('value="alice"');
  });
});

describe("a limit", () => {
  test("on registering counts the taken names too, by network", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    const once = (ip: string) =>
      t.json("POST", "/api/auth/register", { username: "alice", password: PASSWORDS["alice"] }, from(ip));
    const answers = await times(40, () => once("192.0.2.1"));
    expect([count(answers, 201), count(answers, 409), count(answers, 429)]).toEqual([1, 29, 10]);
    expect((await once("192.0.2.2")).status).toBe(409);
  });

  test("on judging passwords is for those that are refused too", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    const weak = { username: "alice", password: "password123" };
    const judged = await times(70, () => t.json("POST", "/api/auth/register", weak, from("192.0.2.1")));
    expect([count(judged, 422), count(judged, 429)]).toEqual([60, 10]);
  });

  test("on the password when it is asked again: changing it, deleting the account", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const change = { current_password: "wrong", new_password: PASSWORDS["bob"] };
    const changes = await times(6, () => alice.call("POST", "/api/auth/password", change));
    const deletions = await times(6, () => alice.call("POST", "/api/auth/delete", { password: "wrong" }));
    expect(count([...changes, ...deletions], 422)).toBe(THROTTLES.password_account_and_network.burst);
    expect(count(deletions, 429)).toBe(12 - THROTTLES.password_account_and_network.burst);
    advance(THROTTLES.password_account_and_network.everyMs / 1000);
    // A weak new password is no wrong one.
    for (let i = 0; i < 3; i++) {
      const weak = { current_password: alice.password, new_password: "12345678" };
      expect((await alice.call("POST", "/api/auth/password", weak)).status).toBe(422);
    }
    const good = { current_password: alice.password, new_password: PASSWORDS["bob"] };
    expect((await alice.call("POST", "/api/auth/password", good)).status).toBe(200);
  });

  test("on that password locks its owner out for nobody who guesses elsewhere, with a copied token", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    const alice = await register(t, "alice");
    const wrong = { current_password: "wrong", new_password: PASSWORDS["bob"] };
    const guess = (n: number) => alice.call("POST", "/api/auth/password", wrong, from(`203.0.${n}.7`));
    const answers: Awaited<ReturnType<typeof guess>>[] = [];
    // Of all networks that the account has not signed in from there are as many wrong ones as of wrong codes.
    for (let n = 0; n < 15; n++) for (let i = 0; i < 10; i++) answers.push(await guess(n));
    expect(count(answers, 422)).toBe(THROTTLES.password_account.burst);
    const good = { current_password: alice.password, new_password: PASSWORDS["bob"] };
    expect((await alice.call("POST", "/api/auth/password", good)).status).toBe(200);
  });

  test("on hashing counts right passwords too, of an account and of a network", async () => {
    freezeClock();
    await using t = await startApp(PROXIED);
    await register(t, "alice");
    const { burst: most, everyMs: each } = THROTTLES.hash_account_and_network;
    for (let i = 0; i < most; i++) expect((await right(t, "alice", "192.0.2.1")).status).toBe(200);
    const refused = await right(t, "alice", "192.0.2.1");
    expect([refused.status, Number(refused.headers.get("retry-after"))]).toEqual([429, each / 1000]);
    expect((await right(t, "alice", "198.51.100.1")).status).toBe(200);
    // Right ones, that is to say, for the wrong ones are stopped long before.
    const change = { current_password: PASSWORDS["alice"], new_password: "12345678" };
    const { body } = await right(t, "alice", "198.51.100.1");
    const headers = { authorization: `Bearer ${body.access_token}`, ...from("203.0.113.1") };
    const weak = () => t.json("POST", "/api/auth/password", change, headers);
    for (let i = 0; i < most; i++) expect((await weak()).status).toBe(422);
    expect((await weak()).status).toBe(429);
    for (let i = 0; i < THROTTLES.hash_network.burst; i++) await wrong(t, `nobody${i}`, "192.0.2.77");
    expect((await right(t, "alice", "192.0.2.77")).status).toBe(429);
  });

  test("on refreshing is each session's own, ends nothing, and never hides a theft", async () => {
    freezeClock();
    await using t = await startApp();
    const phone = await register(t, "alice");
    const laptop = await login(t, "alice");
    const answers = await times(THROTTLES.refresh_session.burst + 5, () => refresh(t, phone.refreshToken));
    expect([count(answers, 200), count(answers, 429)]).toEqual([THROTTLES.refresh_session.burst, 5]);
    expect(answers.find((a) => a.status === 429)!.headers.get("retry-after")).toBe("1");
    expect((await phone.call("GET", "/api/auth/me")).status).toBe(200);
    expect((await refresh(t, laptop.refreshToken)).status).toBe(200);
    const successor = answers.find((a) => a.status === 200)!.body;
    await t.json("GET", "/api/auth/me", undefined, { authorization: `Bearer ${successor.access_token}` });
    advance(0.5);
    expect((await refresh(t, phone.refreshToken)).status).toBe(429);
    advance(121);
    await times(121, () => refresh(t, successor.refresh_token));
    expect((await refresh(t, successor.refresh_token)).status).toBe(429);
    expect((await refresh(t, phone.refreshToken)).body.reason).toBe("reuse_detected");
  });

  test("on inviting counts names that nobody has, and only those", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    await register(t, "bob");
    const { id } = (await alice.call("POST", "/api/conversations", { title: "x" })).body;
    const invite = (username: string) => alice.call("POST", `/api/conversations/${id}/members`, { username });
    const { burst: most } = THROTTLES.invite_account;
    for (let i = 0; i < most; i++) expect((await invite("bob")).status).toBeLessThan(202);
    for (let i = 0; i < most; i++) expect((await invite(`nobody${i}`)).status).toBe(422);
    expect((await invite("nobody")).status).toBe(429);
    expect((await invite("bob")).status).toBe(429);
  });

  test("on messages and conversations is each account's own, and passes", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const bob = await register(t, "bob");
    const { id } = (await alice.call("POST", "/api/conversations", { title: "x" })).body;
    const post = () => alice.call("POST", `/api/conversations/${id}/messages`, { body: "x" });
    const posts = await times(THROTTLES.message_account.burst + 3, post);
    expect([count(posts, 201), count(posts, 429)]).toEqual([THROTTLES.message_account.burst, 3]);
    advance(1);
    expect((await post()).status).toBe(201);
    const start = () => bob.call("POST", "/api/conversations", { title: "x" });
    const starts = await times(THROTTLES.conversation_account.burst + 2, start);
    expect([count(starts, 201), count(starts, 429)]).toEqual([THROTTLES.conversation_account.burst, 2]);
  });

  test("can be switched off as a whole", async () => {
    freezeClock();
    await using t = await startApp({ DUET_RATE_LIMITS: "off" });
    const answers = [];
    for (let i = 0; i < 12; i++) answers.push(await wrong(t, "alice", "192.0.2.1"));
    expect(count(answers, 401)).toBe(12);
  });
});
