import { describe, expect, test } from "bun:test";
import { advance, FULL_COST, freezeClock, startApp, UNLIMITED } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { decode, PASSWORDS, refresh, register } from "./support/people.ts";

async function talk(alice: Visitor, title = "Talk"): Promise<string> {
  return (await alice.submit("/conversations", { title })).path;
}

describe("the cookies", () => {
  test("on https are four, prefixed, and the refresh token goes to /auth only", async () => {
    await using t = await startApp({ DUET_PUBLIC_URL: "https://duet.example.com" });
    const alice = new Visitor(t);
    await alice.register("alice");
    const token = "[\\w-]+\\.[\\w-]+\\.[\\w-]+";
    expect(alice.setCookies.slice(0, 4)).toEqual([
      expect.stringMatching(
        RegExp(`^__Host-duet_access=${token}; Path=/; Max-Age=1800; SameSite=Lax; Secure; HttpOnly$`),
      ),
      expect.stringMatching(
        RegExp(
          `^__Secure-duet_refresh=${token}; Path=/auth; Max-Age=3196800; SameSite=Lax; Secure; HttpOnly$`,
        ),
      ),
      expect.stringMatching(/^__Host-duet_gen=[0-9a-f]{12}\.1; Path=\/; Max-Age=1800; SameSite=Lax; Secure$/),
      expect.stringMatching(
        /^__Host-duet_sid=[0-9a-f-]{36}; Path=\/; Max-Age=3196800; SameSite=Lax; Secure; HttpOnly$/,
      ),
    ]);
  });

  test("on https: a refresh cookie that a sibling planted does nothing, and goes with the next refresh", async () => {
    const url = "https://duet.example.com";
    await using t = await startApp({ DUET_PUBLIC_URL: url });
    const alice = await register(t, "alice");
    const thief = await register(t, "bob");
    const sid = decode(alice.accessToken).claims.sid;
    const junk = `${alice.refreshToken.slice(0, -20)}${"A".repeat(20)}`;
    const ask = (path: string, refreshCookies: string[], own: string | null = sid) => {
      const pairs = refreshCookies.map((token) => `__Secure-duet_refresh=${token}`);
      if (own) pairs.push(`__Host-duet_sid=${own}`);
      const headers = { cookie: pairs.join("; "), "sec-fetch-site": "same-origin", "duet-viewer": "x" };
      return t.fetch(path, { method: "POST", headers });
    };
    for (const planted of [thief.refreshToken, junk, "x"])
      for (const both of [
        [alice.refreshToken, planted],
        [planted, alice.refreshToken],
      ]) {
        const answer = await ask("/auth/refresh", both);
        expect(answer.status).toBe(204);
        const lines = answer.headers.getSetCookie();
        expect(lines[0]).toContain("__Host-duet_access=");
        expect(decode(lines[0]!.split(/[=;]/)[1]!).claims.sid).toBe(sid);
        for (const domain of ["duet.example.com", "example.com"])
          expect(lines).toContain(
            `__Secure-duet_refresh=; Path=/auth; Max-Age=0; SameSite=Lax; Secure; HttpOnly; Domain=${domain}`,
          );
      }
    // Without a session of one's own there is nothing that a planted one could be taken for.
    expect((await ask("/auth/refresh", [thief.refreshToken], null)).status).toBe(401);
    expect((await ask("/auth/refresh", [thief.refreshToken])).status).toBe(401);
    expect((await ask("/auth/refresh", [alice.refreshToken])).headers.getSetCookie().join()).not.toContain(
      "Domain",
    );
    // To sign out with only a refresh cookie, whatever stands beside it.
    expect((await ask("/auth/logout", [junk, alice.refreshToken])).status).toBe(303);
    expect((await refresh(t, alice.refreshToken)).body.reason).toBe("logout");
  });

  test("on http have the port in their names: of two instances on one host neither signs the other out", async () => {
    await using one = await startApp({ DUET_PUBLIC_URL: "http://localhost:3000" });
    await using two = await startApp({ DUET_PUBLIC_URL: "http://localhost:3001" });
    const [a, b] = [new Visitor(one), new Visitor(two)];
    await a.register("alice");
    for (const [name, cookie] of a.jar) b.jar.set(name, cookie);
    await b.register("bob");
    for (const [name, cookie] of b.jar) a.jar.set(name, cookie);
    expect([...a.jar.keys()]).toContain("duet_refresh_3001");
    expect((await a.open("/account")).html).toContain('value="alice"');
    expect((await b.open("/account")).html).toContain('value="bob"');
  });

  test("that a browser does not keep are missed at the sign-in, which leaves no session behind", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    await alice.submit("/auth/logout");
    const forgetful = new Visitor(t);
    forgetful.jar.set = () => forgetful.jar;
    const shown = await forgetful.submit("/login", {
      identifier: "alice",
      password: PASSWORDS["alice"]!,
      next: "/account",
    });
    expect(forgetful.trail).toEqual(["POST /login 303", "GET /auth/arrived 400"]);
    expect(shown.html).toContain("Your browser keeps no cookies");
    expect(shown.html).toContain('name="next" value="/account"');
    expect(await t.sql("SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL")).toEqual([{ n: 0 }]);
  });

  test("of somebody who is signed in lead past the forms for signing in", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    expect((await alice.open("/login?next=%2Faccount")).path).toBe("/account");
    expect((await alice.open("/register")).path).toBe("/conversations");
    alice.forgetAccess();
    expect((await alice.open("/login")).path).toBe("/login");
  });

  test("on plain localhost lose the prefix and Secure, nothing else", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    expect(alice.setCookies.map((line) => line.split("=")[0])).toEqual([
      "duet_access",
      "duet_refresh",
      "duet_gen",
      "duet_ended", // forgotten with every sign-in
    ]);
    for (const line of alice.setCookies) expect(line).toMatch(/SameSite=Lax/);
    expect(alice.setCookies.join()).not.toContain("Secure");
  });

  test("go with the sign-out, each from where it was; the language stays for a year", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    alice.setCookies.length = 0;
    await alice.submit("/auth/logout");
    expect(alice.setCookies).toEqual([
      "duet_access=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly",
      "duet_refresh=; Path=/auth; Max-Age=0; SameSite=Lax; HttpOnly",
      "duet_gen=; Path=/; Max-Age=0; SameSite=Lax",
      expect.stringMatching(/^duet_ended=eyJ[\w.-]+; Path=\/; Max-Age=600; SameSite=Lax; HttpOnly$/),
    ]);
    alice.setCookies.length = 0;
    await alice.submit("/language", { language: "zh" });
    expect(alice.setCookies).toEqual(["duet_language=zh; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"]);
  });

  test.each([
    ["another case", (token: string) => `DUET_ACCESS=${token}`],
    ["a prefix that is not ours here", (token: string) => `__Host-duet_access=${token}`],
    ["two values under one name", (token: string) => `duet_access=${token}; duet_access=other`],
    ["an object", () => `duet_access={"a":1}`],
    ["percent signs", () => `duet_access=%ff%2541`],
    ["the refresh token", (_: string, long: string) => `duet_access=${long}`],
  ])("under %s sign nobody in", async (_, cookie) => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const [access, long] = ["duet_access", "duet_refresh"].map((name) => alice.jar.get(name)!.value);
    const headers = { cookie: cookie(access!, long!), "hx-request": "true" };
    expect((await t.fetch("/conversations", { headers })).status).toBe(401);
    const premise = { cookie: `duet_access=${access}; duet_access=${access}`, "hx-request": "true" };
    expect((await t.fetch("/conversations", { headers: premise })).status).toBe(200);
  });

  test("are not set for visitors, nor by what fails", async () => {
    await using t = await startApp();
    const visitor = new Visitor(t);
    for (const path of ["/", "/login", "/register", "/conversations", "/nothing"]) await visitor.open(path);
    await visitor.submit("/login", { identifier: "alice", password: "wrong" });
    await visitor.submit("/register", { username: "alice", password: "x" });
    expect(visitor.setCookies).toEqual([]);
  });
});

describe("an access token that has expired", () => {
  test("is renewed on the way to a page, and the page is reached", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const url = await talk(alice);
    for (const expire of [() => alice.forgetAccess(), () => advance(1801)]) {
      expire();
      const { path, html } = await alice.open(`${url}?before=01999999-0000-7000-8000-000000000000`);
      expect(alice.trail).toEqual([`GET ${url} 303`, "GET /auth/refresh 303", `GET ${url} 200`]);
      expect(path).toBe(`${url}?before=01999999-0000-7000-8000-000000000000`);
      expect(html).toContain("Talk");
    }
  });

  test("is renewed on the way of a form, whose body arrives once", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const url = await talk(alice);
    alice.forgetAccess();
    const { html } = await alice.submit(url, { body: "typed & kept", idempotency_key: "k1" });
    expect(alice.trail).toEqual([
      `POST ${url} 307`,
      "POST /auth/refresh 307",
      `POST ${url} 303`,
      `GET ${url} 200`,
    ]);
    expect(html.match(/<p class="body"[^>]*>typed &amp; kept/g)).toHaveLength(1);
  });

  test("is to the page's script a 401 by which it refreshes, and no page to put in", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    alice.forgetAccess();
    const refused = await alice.script("GET", "/conversations");
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe('Bearer realm="duet", error="invalid_token"');
    expect(refused.headers.get("hx-reswap")).toBe("none");
    expect((await alice.script("POST", "/auth/refresh")).status).toBe(204);
    expect((await alice.script("GET", "/conversations")).status).toBe(200);
  });

  test("in 8 tabs restored at once is renewed for all of them by one rotation", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    alice.forgetAccess();
    const cookie = `duet_refresh=${alice.jar.get("duet_refresh")!.value}`;
    const headers = { cookie, "sec-fetch-mode": "navigate", accept: "text/html" };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => t.fetch("/auth/refresh?next=/conversations", { headers })),
    );
    expect(answers.map((a) => a.headers.get("location"))).toEqual(Array(8).fill("/conversations"));
    const successors = answers.map((a) => a.headers.getSetCookie()[1]!.split(";")[0]);
    expect(new Set(successors).size).toBe(1);
  });
});

describe("a refresh by cookie", () => {
  test("rotates nothing where another tab has refreshed, so that a late answer cannot look like a thief", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const lateTab = alice.jar.get("duet_refresh")!.value;
    alice.forgetAccess();
    await alice.open("/conversations");
    const held = alice.jar.get("duet_refresh")!.value;
    for (let i = 0; i < 3; i++) {
      const script = await alice.script("POST", "/auth/refresh");
      expect([script.status, script.headers.getSetCookie()]).toEqual([204, []]);
      const { path } = await alice.open("/auth/refresh?next=/conversations");
      expect(path).toBe("/conversations");
    }
    expect(alice.jar.get("duet_refresh")!.value).toBe(held);
    // The tab that asked first is answered last: the same successor, and nobody is signed out.
    alice.jar.set("duet_refresh", { ...alice.jar.get("duet_refresh")!, value: lateTab });
    alice.forgetAccess();
    expect((await alice.open("/conversations")).path).toBe("/conversations");
    expect(alice.jar.get("duet_refresh")!.value).toBe(held);
  });

  const cleared = (response: Response) =>
    response.headers.getSetCookie().filter((line) => /Max-Age=0/.test(line)).length;

  test("that is refused for another reason than the session's end leaves the cookies alone", async () => {
    await using t = await startApp();
    for (const cookie of ["", "duet_refresh=x.y.z", "duet_refresh=x; duet_refresh=y"]) {
      const headers = { "sec-fetch-site": "same-origin", ...(cookie && { cookie }) };
      const response = await t.fetch("/auth/refresh", { method: "POST", headers });
      expect(response.status).toBe(401);
      expect(response.headers.getSetCookie()).toEqual([]);
    }
  });

  test("of an ended session clears them and says why, on the page and to the script", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const stolen = alice.jar.get("duet_refresh")!.value;
    alice.forgetAccess();
    await alice.open("/conversations");
    advance(11);
    expect((await refresh(t, stolen)).body.reason).toBe("reuse_detected");

    const before = new Map(alice.jar);
    const script = await alice.script("POST", "/auth/refresh");
    expect(cleared(script)).toBe(3);
    expect(await script.json()).toMatchObject({
      reason: "reuse_detected",
      reason_detail: expect.stringContaining("may have copied your sign-in"),
    });

    for (const [name, cookie] of before) alice.jar.set(name, cookie);
    const { path, html } = await alice.open("/conversations");
    expect(path).toBe("/login?next=%2Fconversations");
    expect(html).toContain("an old refresh token was used again");
    expect(html).toContain('<time datetime="2026-11-23T09:00:11.000Z"');
    expect([...alice.jar.keys()]).toEqual(["duet_ended"]);
    await alice.submit("/login", { identifier: "alice", password: PASSWORDS["alice"]! });
    expect((await alice.open("/login")).html).not.toContain("An old copy");
  });

  test("puts nothing on the sign-in page but one of its own sentences", async () => {
    await using t = await startApp();
    const { html } = await new Visitor(t).open("/login?reason=<b>call 555-0100</b>&next=//evil.example");
    expect(html).not.toContain("call 555-0100");
    expect(html).not.toContain('"//evil.example');
    expect(html).toContain('name="next" value="/conversations"');
  });
});

describe("a page", () => {
  test("shows no token, in no place", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const secrets = ["duet_access", "duet_refresh"].map((name) => alice.jar.get(name)!.value.split(".")[2]!);
    await alice.submit("/conversations", { title: "x" });
    for (const path of ["/", "/conversations", "/login", "/register", "/nothing"]) {
      const { html } = await alice.open(path);
      expect(html).toContain("</html>");
      expect(html).not.toContain("eyJ");
      for (const secret of secrets) expect(html).not.toContain(secret);
    }
    expect(JSON.stringify(t.logged)).not.toContain("eyJ");
  });

  test("lets a password manager fill in passwords of any length, and shows none", async () => {
    await using t = await startApp();
    const fields = async (path: string) =>
      [...(await new Visitor(t).open(path)).html.matchAll(/<input[^>]*name="password"[^>]*>/g)].map(
        ([tag]) => tag,
      );
    for (const [path, purpose] of [
      ["/login", "current-password"],
      ["/register", "new-password"],
    ]) {
      const [field, ...more] = await fields(path!);
      expect(more).toEqual([]);
      expect(field).toContain('type="password"');
      expect(field).toContain(`autocomplete="${purpose}"`);
      expect(field).not.toMatch(/maxlength|value=|onpaste/);
    }
  });
});

describe("without JavaScript", () => {
  test("one registers, converses, signs out and in again", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    expect((await alice.submit("/register", { username: "alice", password: PASSWORDS["alice"]! })).path).toBe(
      "/conversations",
    );
    const url = await talk(alice, "周末 & weekend");
    expect((await alice.open("/conversations")).html).toContain("周末 &amp; weekend");
    await alice.submit(url, { body: "one\r\ntwo", idempotency_key: "k" });
    expect((await alice.open(url)).html).toContain("one\ntwo");
    const out = await alice.submit("/auth/logout");
    expect(out.path).toBe("/login?next=%2Fconversations");
    expect(out.html).toContain("You signed out");
    expect([...alice.jar.keys()]).toEqual(["duet_ended"]);
    expect((await alice.open(url)).path).toStartWith("/login?next=");
    const back = await alice.submit("/login", {
      identifier: "alice",
      password: PASSWORDS["alice"]!,
      next: url,
    });
    expect(back.path).toBe(url);
  });

  test("an ended session's access cookie opens nothing, and nobody else's either", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const url = await talk(alice);
    const kept = new Map(alice.jar);
    const bob = new Visitor(t);
    await bob.register("bob");
    expect((await bob.open(url)).status).toBe(404);
    expect((await bob.submit(url, { body: "let me in" })).status).toBe(404);
    await alice.submit("/auth/logout");
    for (const [name, cookie] of kept) alice.jar.set(name, cookie);
    expect((await alice.open(url)).html).toContain("You signed out");
  });

  test("signing out works with an expired access token, and says to forget what was stored", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const long = alice.jar.get("duet_refresh")!.value;
    advance(1801);
    alice.forgetAccess();
    const response = await alice.script("POST", "/auth/logout");
    expect(response.headers.get("clear-site-data")).toBe('"cache", "storage"');
    expect((await refresh(t, long)).body.reason).toBe("logout");
  });

  test("what is wrong is said beside its field, and the rest is still there", async () => {
    await using t = await startApp();
    const alice = new Visitor(t, { "accept-language": "zh" });
    const { status, html } = await alice.submit("/register", {
      username: "alice",
      email: "nowhere",
      password: "short",
    });
    expect(status).toBe(422);
    expect(html).toContain('value="alice"');
    expect(html).toContain('<p class="error" id="email-error">格式不正确</p>');
    expect(html).toContain('<p class="error" id="password-error">至少 8 个字符</p>');
    expect(html).toMatch(/<input id="email" name="email" aria-invalid="true" aria-describedby="email-error"/);
    expect(html).not.toContain("m4rk3r");
    await alice.register("alice");
    const wrong = await alice.submit("/login", { identifier: "alice", password: "nope" });
    expect(wrong.status).toBe(401);
    expect(wrong.html).toContain("用户名或密码错误");
    const taken = await alice.submit("/register", { username: "Alice", password: PASSWORDS["bob"]! });
    expect([taken.status, taken.html.includes("用户名已被使用，请换一个")]).toEqual([409, true]);
  });

  test("a message that is too long comes back to its composer whole", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const url = await talk(alice);
    const long = `\n<first> ${"x".repeat(10_001)} last`;
    const { status, html } = await alice.submit(url, { body: long });
    expect(status).toBe(422);
    expect(html).toContain(`>\n${long.replace("<first>", "&lt;first&gt;")}</textarea>`);
    expect(html).toContain("At most 10000 characters");
    const blank = await alice.submit("/conversations", { title: "  " });
    expect([blank.status, blank.html.includes("Please fill this in")]).toEqual([422, true]);
  });

  test("people are invited, and leave", async () => {
    await using t = await startApp();
    const [alice, bob] = [new Visitor(t), new Visitor(t)];
    await alice.register("alice");
    await bob.register("bob");
    const url = await talk(alice);
    expect((await alice.submit(`${url}/members`, { username: "nobody" })).html).toContain(
      "Nobody has that username",
    );
    expect((await alice.submit(`${url}/members`, { username: "bob" })).html).toContain("2 members");
    await bob.submit(url, { body: "hello" });
    expect((await alice.open(url)).html).toMatch(/class="author">bob</);
    const leave = /action="([^"]+\/remove)\?/.exec((await bob.open(url)).html)![1]!;
    expect((await bob.submit(leave)).html).toContain("Leave this conversation?");
    expect((await bob.submit(leave, { sure: "yes" })).path).toBe("/conversations");
    expect((await bob.open(url)).status).toBe(404);
  });

  test("older messages are a page further, and the way back is there", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const url = await talk(alice);
    for (let i = 1; i <= 52; i++) await alice.script("POST", url, { body: `message ${i}.` });
    const latest = (await alice.open(url)).html;
    expect(latest).toContain("message 52.");
    expect(latest).not.toContain("message 2.");
    const older = /href="([^"]+\?before=[^"]+)"/.exec(latest)![1]!;
    const { html } = await alice.open(older);
    expect(html).toContain("message 2.");
    expect(html).not.toContain("message 3.");
    expect(html).toContain(`href="${url}"`);
  });

  test("a message that was found stands among those before and after it, and the way on is there", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = new Visitor(t);
    await alice.register("alice");
    const url = await talk(alice);
    const ids: string[] = [];
    for (let i = 0; i < 80; i++) {
      const fragment = await (await alice.script("POST", url, { body: `message ${i}.` })).text();
      ids.push(/message-([0-9a-f-]+)/.exec(fragment)![1]!);
    }
    const shown = (html: string) =>
      [...html.matchAll(/<p class="body"[^>]*>message (\d+)\./g)].map(([, n]) => Number(n));
    const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
    const found = (await alice.open(`${url}?at=${ids[40]}`)).html;
    expect(shown(found)).toEqual(numbers(0, 65));
    const later = /href="([^"]+\?at=[^"]+)"/.exec(found)![1]!;
    expect(later).toBe(`${url}?at=${ids[65]}#message-${ids[65]}`);
    const { html } = await alice.open(later.split("#")[0]!);
    expect(shown(html)).toEqual(numbers(16, 79));
    expect(html).not.toContain('class="latest"');
  });
});

describe("light and dark", () => {
  test("are as the system has them until one is chosen, on every page, without a script", async () => {
    await using t = await startApp();
    const visitor = new Visitor(t);
    const schemeOf = (html: string) => /<html[^>]* data-scheme="(\w+)"/.exec(html)?.[1];
    expect(schemeOf((await visitor.open("/login")).html)).toBeUndefined();
    const { path, html } = await visitor.submit("/scheme", { scheme: "dark", next: "/login" });
    expect([path, schemeOf(html)]).toEqual(["/login", "dark"]);
    expect(schemeOf((await visitor.open("/")).html)).toBe("dark");
    expect(html.match(/name="theme-color"/g)).toHaveLength(1);
    expect((await visitor.submit("/scheme", { scheme: "sepia" })).status).toBe(422);
    expect(
      schemeOf((await visitor.submit("/scheme", { scheme: "system", next: "/login" })).html),
    ).toBeUndefined();
    expect((await visitor.submit("/scheme", { scheme: "light", next: "//evil.example" })).path).toBe("/");
  });
});

describe("the languages", () => {
  test("follow the browser until one is chosen, which is kept", async () => {
    await using t = await startApp();
    const visitor = new Visitor(t, { "accept-language": "zh-CN" });
    expect((await visitor.open("/login")).html).toContain('<html lang="zh-CN">');
    const { path, html } = await visitor.submit("/language", { language: "en", next: "/login?next=%2Flab" });
    expect(path).toBe("/login?next=%2Flab");
    expect(html).toContain('<html lang="en">');
    expect((await visitor.open("/")).html).toContain("Two tokens in concert");
    expect((await visitor.submit("/language", { language: "constructor" })).status).toBe(422);
  });
});

describe("what people write", () => {
  const evil = [
    `<script>alert(1)</script>`,
    `"><img src=x onerror=alert(1)>`,
    `</textarea><script>alert(1)</script>`,
    `<div hx-post="/auth/logout" hx-trigger="load"></div>`,
    `javascript:alert(1)`,
    `{{7*7}} \${7*7}`,
  ];

  test.each(evil)("%s stays text on every page it is shown on", async (text) => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const url = await talk(alice, text);
    const fragment = await (await alice.script("POST", url, { body: text })).text();
    const attempts = [
      fragment,
      (await alice.open(url)).html,
      (await alice.open("/conversations")).html,
      (await alice.submit("/login", { identifier: text, password: text })).html,
      (await alice.submit("/register", { username: text, email: text, password: text })).html,
      (await alice.submit(`${url}/members`, { username: text })).html,
      (await alice.open(`/nothing?${text}`)).html,
      (await alice.open(`/login?next=${encodeURIComponent(text)}`)).html,
    ];
    for (const html of attempts) {
      const tags: string[] = [];
      const seen = new HTMLRewriter().on("*", {
        element(element) {
          tags.push(element.tagName);
          for (const [name] of element.attributes) expect(name).not.toMatch(/^on/);
        },
      });
      await seen.transform(new Response(html)).text();
      expect(tags).not.toContain("img");
      expect(tags.filter((tag) => tag === "script").length).toBeLessThanOrEqual(1);
      expect(html).not.toContain('hx-post="/auth/logout"');
    }
    expect(fragment).toContain(Bun.escapeHTML(text));
    expect(fragment).toStartWith('<li id="message-');
    expect(fragment).toContain('hx-ignore=""');
  });
});

describe("a link in a message", () => {
  test.each([
    ["see https://example.com/a?b=c&d=é#f.", "https://example.com/a?b=c&d=é#f"],
    ["(https://example.com/x), and", "https://example.com/x"],
    ["https://en.example/wiki/Duet_(music)", "https://en.example/wiki/Duet_(music)"],
    ["(see https://en.example/wiki/Duet_(music)).", "https://en.example/wiki/Duet_(music)"],
    ["见https://example.com/页。好", "https://example.com/页"],
    ['"http://example.com"!', "http://example.com"],
    [`https://example.com/${")".repeat(5000)}`, "https://example.com/"],
    ["javascript:alert(1) data:text/html,x https:// ftp://example.com www.example.com", undefined],
  ])("%p is %p", async (body, link) => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const fragment = await (await alice.script("POST", await talk(alice, "Links"), { body })).text();
    const links = [...fragment.matchAll(/<a href="(https?:[^"]*)"[^>]* rel="([^"]*)">([^<]*)<\/a>/g)];
    expect(links.map(([, href]) => href)).toEqual(link ? [Bun.escapeHTML(link)] : []);
    for (const [, href, rel, text] of links) {
      expect(text).toBe(href);
      expect(rel).toBe("noopener noreferrer nofollow ugc");
    }
  });
});

describe("code in a message", () => {
  test.each([
    ["run `bun test` now", ["bun test"], []],
    ["```ts\nconst a = `x`;\n\n<b>\n```", [], ["const a = `x`;\n\n<b>"]],
    ["a\r\n```\r\nb\r\n```\r\nc `d` e", ["d"], ["b"]],
    ["```\nnever closed `x`", ["x"], []],
    ["`a\nb` **bold** _it_ # head", [], []],
    ["`https://example.com`", ["https://example.com"], []],
    ["```\n```", [], []],
    ["```js\n1\n```\n```\n2\n```", [], ["1", "2"]],
  ] as [string, string[], string[]][])("%p has %p and blocks %p", async (body, inline, blocks) => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const fragment = await (await alice.script("POST", await talk(alice, "Code"), { body })).text();
    const found = (pattern: RegExp) => [...fragment.matchAll(pattern)].map(([, text]) => text);
    expect(found(/<code>([^<]*)<\/code>/g)).toEqual(inline.map(Bun.escapeHTML));
    expect(found(/<code tabindex="0">([^<]*)<\/code>/g)).toEqual(blocks.map(Bun.escapeHTML));
    expect(fragment.match(/<a href="https?:|<strong|<em|<h1/)).toBeNull();
  });
});

describe("an error page", () => {
  test("is a page to a person, problem details to a program, a note to the script", async () => {
    await using t = await startApp();
    const visitor = new Visitor(t);
    const page = await visitor.open("/nothing");
    expect([page.status, page.html.includes("<h1>Not found</h1>")]).toEqual([404, true]);
    const program = await t.json("GET", "/nothing");
    expect([program.status, program.body.code]).toEqual([404, "not_found"]);
    const note = await visitor.script("GET", "/nothing");
    expect([note.status, note.headers.get("hx-retarget")]).toEqual([404, "#notice"]);
    expect(await note.text()).toBe("<p>This does not exist, or you may not see it</p>");
  });
});

describe("a form that is submitted twice", () => {
  /** Its address on the page, with the key that came with it. */
  const formOn = async (visitor: Visitor, path: string, action: string) =>
    RegExp(`action="(${action}\\?once=[^"]+)"`).exec((await visitor.open(path)).html)![1]!;
  const twin = (visitor: Visitor) => {
    const other = new Visitor(visitor.t);
    for (const [name, cookie] of visitor.jar) other.jar.set(name, cookie);
    return other;
  };

  test("tells what an account is told to its holder alone: whoever reads the address in a log gets nothing", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = new Visitor(t);
    await alice.register("alice");
    const url = "/account/factors/totp?once=11111111-2222-4333-8444-555555555555";
    const first = await alice.submit(url);
    expect(first.html).toContain("<svg");
    const key = (html: string) => /<code>([A-Z2-7 ]+)<\/code>/.exec(html)?.[1];
    expect(key((await alice.submit(url)).html)).toBe(key(first.html));
    const stranger = new Visitor(t);
    const seen = await stranger.submit(url);
    expect([seen.path.startsWith("/login"), key(seen.html)]).toEqual([true, undefined]);
    const bob = new Visitor(t);
    await bob.register("bob");
    expect(key((await bob.submit(url)).html)).not.toBe(key(first.html));
  });

  test("makes one account and signs in, at once and one after the other", async () => {
    await using t = await startApp({}, undefined, FULL_COST);
    const [first, second, later] = [new Visitor(t), new Visitor(t), new Visitor(t)];
    const action = await formOn(first, "/register", "/register");
    const fields = { username: "alice", password: PASSWORDS["alice"]! };
    const both = await Promise.all([first, second].map((visitor) => visitor.submit(action, fields)));
    expect(both.map(({ path }) => path)).toEqual(["/conversations", "/conversations"]);
    expect((await later.submit(action, fields)).path).toBe("/conversations");
    expect(second.jar.get("duet_refresh")).toEqual(first.jar.get("duet_refresh")!);
    // The key alone is nothing: other fields are another submission.
    const stranger = new Visitor(t);
    expect(
      (await stranger.submit(action, { ...fields, password: "another sentence of 5 words" })).status,
    ).toBe(409);
  });

  test("was refused and is right the second time is taken then", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    await alice.submit("/auth/logout");
    const action = await formOn(alice, "/login", "/login");
    const fields = { identifier: "bob", password: PASSWORDS["bob"]! };
    expect((await alice.submit(action, fields)).status).toBe(401);
    await register(t, "bob");
    expect((await alice.submit(action, fields)).path).toBe("/conversations");
  });

  test("starts one conversation, changes a password once, deletes an account once", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const start = await formOn(alice, "/conversations", "/conversations");
    const [one, two] = await Promise.all([1, 2].map(() => twin(alice).submit(start, { title: "once" })));
    expect(one!.path).toBe(two!.path);

    const change = await formOn(alice, "/account", "/account/password");
    const fields = { current_password: PASSWORDS["alice"]!, new_password: PASSWORDS["bob"]! };
    const tabs = [twin(alice), twin(alice)];
    for (const tab of tabs) expect((await tab.submit(change, fields)).path).toBe("/account?done=password");
    expect((await tabs[1]!.open("/account")).status).toBe(200);

    const removal = await formOn(tabs[0]!, "/account", "/account/delete");
    const twins = [twin(tabs[0]!), twin(tabs[0]!)];
    for (const tab of twins) {
      const gone = await tab.submit(removal, { password: PASSWORDS["bob"]! });
      expect(gone.html).toContain("This account was deleted");
    }
  });

  test("is no matter of programs, whatever they add to an address", async () => {
    await using t = await startApp();
    const [alice, bob] = [await register(t, "alice"), await register(t, "bob")];
    const start = async (person: typeof alice) =>
      (await person.call("POST", "/api/conversations?once=1", { title: "x" })).body.id;
    expect(await start(alice)).not.toBe(await start(bob));
  });

  test("with an access token that has expired goes its way by the refresh, once", async () => {
    await using t = await startApp();
    const alice = new Visitor(t);
    await alice.register("alice");
    const start = await formOn(alice, "/conversations", "/conversations");
    const [a, b] = [twin(alice), twin(alice)];
    for (const tab of [a, b]) tab.forgetAccess();
    const [one, two] = await Promise.all([a, b].map((tab) => tab.submit(start, { title: "once" })));
    expect(one!.path).toMatch(/^\/conversations\/[0-9a-f-]{36}$/);
    expect(two!.path).toBe(one!.path);
  });

  test("has a key on every page: no form for people goes without", async () => {
    const without = new Set([
      "/language",
      "/scheme",
      "/auth/logout",
      "/login",
      "/conversations/:id",
      "/conversations/:id/read",
    ]);
    await using t = await startApp();
    const alice = new Visitor(t);
    const anonymous = ["/login", "/register"];
    const pages = [];
    for (const path of anonymous) pages.push((await alice.open(path)).html);
    await alice.register("alice");
    const { path, html } = await alice.submit("/conversations", { title: "x" });
    await alice.submit(path, { body: "hello" });
    for (const each of ["/account", "/conversations", path]) pages.push((await alice.open(each)).html);
    pages.push(html);
    let keyed = 0;
    for (const [, action] of pages.join().matchAll(/<form[^>]*? method="post" action="([^"]+)"/g)) {
      const general = action!.replace(/[0-9a-f]{8}-[0-9a-f-]{27}(?=$|\/)/g, ":id");
      if (action!.includes("?once=")) keyed++;
      else expect(without).toContain(general);
    }
    expect(keyed).toBeGreaterThan(10);
  });
});

describe("what cannot be undone", () => {
  test("is asked for on a page of its own where there is no script, the answer that changes nothing first", async () => {
    await using t = await startApp();
    const alice = new Visitor(t, { "accept-language": "en" });
    await alice.register("alice");
    const url = await talk(alice);
    await alice.submit(url, { body: "stays until it is said twice" });
    const thread = (await alice.open(url)).html;
    const [, remove] = /action="([^"]+\/messages\/[^"]+\/remove)[^"]*"/.exec(thread)!;
    const { html } = await alice.submit(remove!);
    expect(html).toContain("Delete this message for everyone?");
    expect(html.indexOf(">Cancel<")).toBeLessThan(html.indexOf(">Delete message</button>"));
    expect((await alice.open(url)).html).toContain("stays until it is said twice");
    const [, action] = /action="([^"]+\/remove\?once=[^"]+)"/.exec(html)!;
    await alice.submit(action!, { sure: "yes" });
    expect((await alice.open(url)).html).toContain("This message was deleted");
    const everywhere = await alice.submit("/account/logout-all");
    expect(everywhere.html).toContain("Sign out on all devices, this one too?");
    expect((await alice.open("/account")).status).toBe(200);
    // The script has asked already.
    expect((await alice.script("POST", `${url}/members/${crypto.randomUUID()}/remove`)).status).toBe(404);
  });
});

describe("the list", () => {
  const rows = (html: string) =>
    [...html.matchAll(/<li id="conversation-[^]*?<\/li>/g)].map(([row]) => ({
      title: /class="list-title"[^>]*>([^<]*)/.exec(row)![1],
      preview: /class="preview"[^>]*>([^<]*)/.exec(row)![1],
      unread: Number(/class="unread" data-n="(\d+)"/.exec(row)?.[1] ?? 0),
    }));

  test("says in two lines what was said last, by whom, and what of it is unread", async () => {
    await using t = await startApp();
    const alice = new Visitor(t, { "accept-language": "en" });
    await alice.register("alice");
    const bob = await register(t, "bob");
    const { id } = (await bob.call("POST", "/api/conversations", { title: "Plans" })).body;
    await bob.call("POST", `/api/conversations/${id}/members`, { username: "alice" });
    const list = async () => rows((await alice.open("/conversations")).html);
    expect(await list()).toEqual([{ title: "Plans", preview: "No messages yet", unread: 0 }]);
    const said = (
      await bob.call("POST", `/api/conversations/${id}/messages`, {
        body: `two\nlines <b> ${"x".repeat(300)}`,
      })
    ).body;
    const [row] = await list();
    expect(row).toMatchObject({ title: "Plans", unread: 1 });
    expect(row!.preview).toMatch(/^bob: two lines &lt;b&gt; x{100,140}$/);
    await bob.call("PATCH", `/api/conversations/${id}/messages/${said.id}`, { body: "changed" });
    expect((await list())[0]!.preview).toBe("bob: changed");
    await bob.call("DELETE", `/api/conversations/${id}/messages/${said.id}`);
    expect((await list())[0]!.preview).toBe("bob: This message was deleted");
    await alice.submit(`/conversations/${id}`, { body: "mine" });
    expect(await list()).toEqual([{ title: "Plans", preview: "You: mine", unread: 0 }]);
  });

  test("has what one has deleted, with the way back, and nobody else's", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = new Visitor(t, { "accept-language": "en" });
    await alice.register("alice");
    const url = await talk(alice);
    expect((await alice.open("/conversations/deleted")).html).toContain("Nothing here");
    await alice.submit(`${url}/remove`);
    const bob = new Visitor(t);
    await bob.register("bob");
    expect((await bob.open("/conversations/deleted")).html).not.toContain(url);
    const { html } = await alice.open("/conversations/deleted");
    expect(html.match(/action="[^"]*restore[^"]*"/g)).toHaveLength(1);
    await alice.submit(`${url}/restore`);
    expect((await alice.open(url)).status).toBe(200);
    for (let n = 0; n < 51; n++) await alice.submit(`${await talk(alice)}/remove`);
    const first = (await alice.open("/conversations/deleted")).html;
    expect(first.match(/\/restore/g)).toHaveLength(50);
    const [, more] = /href="(\/conversations\/deleted\?cursor=[^"]+)"/.exec(first)!;
    expect((await alice.open(more!)).html.match(/\/restore/g)).toHaveLength(1);
  });

  test("keeps what was looked for beside what was opened from it, and older ones on demand", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = new Visitor(t, { "accept-language": "en" });
    await alice.register("alice");
    const url = await talk(alice);
    for (let n = 0; n < 40; n++) await alice.script("POST", url, { body: `kettle ${n}` });
    const found = (await alice.open("/search?q=kettle")).html;
    const hits = (html: string) => html.match(/class="excerpt"/g)?.length ?? 0;
    expect(hits(found)).toBe(30);
    const [, hit] = /<a href="([^"]+\?at=[^"]+)"/.exec(found)!;
    const opened = (await alice.open(hit!.replaceAll("&amp;", "&").split("#")[0]!)).html;
    expect(hits(opened)).toBe(30);
    expect(opened).toContain('value="kettle"');
    expect(opened.match(/<a href="[^"]+" aria-current="true">/g)).toHaveLength(1);
    const [, older] = /href="(\/search\?q=kettle&amp;before=[^"]+)"/.exec(found)!;
    expect(hits((await alice.open(older!.replaceAll("&amp;", "&"))).html)).toBe(10);
    // More than there may be asked: what was opened is there all the same.
    await using limited = await startApp();
    const bob = new Visitor(limited);
    await bob.register("bob");
    const theirs = await talk(bob);
    await limited.sql("UPDATE throttles SET full_at = 0");
    for (let n = 0; n < 61; n++) await bob.script("GET", "/search?q=kettle");
    expect((await bob.open(`${theirs}?q=kettle`)).status).toBe(200);
  });

  test("begins with one sentence and one field", async () => {
    await using t = await startApp();
    const alice = new Visitor(t, { "accept-language": "en" });
    await alice.register("alice");
    const { html } = await alice.open("/conversations");
    expect(html).toContain("ask someone to add you as “alice”");
    expect(html.match(/<input[^>]+name="title"/g)).toHaveLength(1);
    expect(html).not.toContain("Pick a conversation");
    expect(html).not.toContain('name="q"');
  });
});
