import { describe, expect, test } from "bun:test";
import { LIMITS } from "../src/limits.ts";
import { advance, freezeClock, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { BoundBrowser, HTTPS } from "./support/device.ts";
import { decode, me, PASSWORDS, refresh } from "./support/people.ts";
import { Stream } from "./support/stream.ts";

const rowOf = async (t: TestApp, token: string): Promise<any> =>
  (await t.sql("SELECT * FROM sessions WHERE id = $1", decode(token).claims.sid))[0];
const eventsOf = async (t: TestApp) =>
  (await t.sql("SELECT kind FROM auth_events ORDER BY id")).map(({ kind }: any) => kind);

async function bound(t: TestApp, algorithm?: string) {
  const browser = await BoundBrowser.create(t, algorithm);
  await browser.signUp();
  const registered = await browser.register();
  expect(registered.status).toBe(200);
  // With its next request: the cookie that came with it is about to expire.
  expect((await browser.refresh()).status).toBe(200);
  return { browser, registered };
}

/** Somebody with a copy of all cookies and no key. */
async function copyOf(browser: BoundBrowser, { withAccess = true } = {}) {
  const copy = await BoundBrowser.create(browser.t);
  for (const [name, value] of browser.jar) copy.jar.set(name, value);
  copy.id = browser.id;
  copy.challenge = browser.challenge;
  if (!withAccess) copy.forgetAccess();
  return copy;
}

describe("a browser that offers it", () => {
  test.each(["ES256", "RS256"])(
    "binds its session to a key of its device with the sign-in: %s",
    async (algorithm) => {
      freezeClock();
      await using t = await startApp(HTTPS);
      const { browser, registered } = await bound(t, algorithm);
      expect(browser.offer).toMatch(/^\(ES256 RS256\);path="\/auth\/dbsc\/register";challenge="[\w-]{43}"$/);
      expect(registered.body).toEqual({
        session_identifier: expect.stringMatching(/^[\w-]{36}$/),
        refresh_url: "/auth/dbsc/refresh",
        continue: true,
        scope: {
          origin: "https://duet.example",
          include_site: false,
          scope_specification: expect.any(Array),
        },
        credentials: [
          {
            type: "cookie",
            name: "__Host-duet_access",
            attributes: "Path=/; Secure; HttpOnly; SameSite=Lax",
          },
        ],
        allowed_refresh_initiators: [],
      });
      const row = await rowOf(t, browser.refreshToken);
      expect(row).toMatchObject({ kind: "browser", key_thumbprint: await browser.thumbprint() });
      // Its name for the browser is no part of any token.
      expect(row.device_session).not.toBe(row.id);
      expect(await eventsOf(t)).toEqual(["register", "key_bound"]);
      const access = decode(browser.access!).claims;
      expect(access.exp - access.iat).toBe(LIMITS.boundAccessSeconds);
      expect(access.cnf).toBeUndefined();
      // Its devices say so.
      const devices = (
        await t.json("GET", "/api/auth/sessions", undefined, { authorization: `Bearer ${browser.access}` })
      ).body.items;
      expect(devices).toMatchObject([{ kind: "browser", bound: true }]);
    },
  );

  test("goes on by signing, from one challenge to the next", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const { browser } = await bound(t);
    for (let n = 3; n < 8; n++) {
      advance(300);
      expect(await browser.isSignedIn()).toBe(false);
      const { status, body } = await browser.refresh();
      expect([status, body.continue]).toEqual([200, true]);
      expect(decode(browser.refreshToken).claims.gen).toBe(n);
      expect(await browser.isSignedIn()).toBe(true);
    }
    // After a restart it has no challenge, and is told one.
    advance(300);
    const asked = await browser.refresh({ challenge: null });
    expect([asked.status, asked.body.code]).toEqual([403, "device_proof_required"]);
    expect(asked.headers.get("secure-session-challenge")).toBe(`"${browser.challenge}";id="${browser.id}"`);
    expect((await browser.refresh()).status).toBe(200);
    expect(await eventsOf(t)).toEqual(["register", "key_bound"]);
  });

  test("loses any number of answers, and goes on", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const { browser } = await bound(t);
    for (let round = 0; round < 4; round++) {
      advance(300);
      for (let lost = 0; lost < 3; lost++) expect((await browser.refresh({ isLost: true })).status).toBe(200);
      expect((await browser.refresh()).status).toBe(200);
      expect(await browser.isSignedIn()).toBe(true);
    }
    expect(await rowOf(t, browser.refreshToken)).toMatchObject({ generation: 6, ended_at: null });
  });

  test("shows a challenge late: until W after the next was used it is answered, then told the present one, and never ended", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const { browser } = await bound(t);
    const old = browser.challenge!;
    advance(300);
    await browser.refresh();
    expect(await browser.isSignedIn()).toBe(true); // its first use
    const present = browser.challenge!;
    advance(10);
    expect((await browser.refresh({ challenge: old, isLost: true })).status).toBe(200);
    advance(1);
    for (const challenge of [old, "made-up", ""]) {
      const late = await browser.refresh({ challenge: challenge || null });
      expect([late.status, late.body.code]).toEqual([403, "device_proof_required"]);
      expect(late.headers.get("secure-session-challenge")).toBe(`"${present}";id="${browser.id}"`);
    }
    expect(await rowOf(t, browser.refreshToken)).toMatchObject({ ended_at: null });
    expect((await browser.refresh({ challenge: present })).status).toBe(200);
  });

  test("binds once, within a minute, by the challenge of that sign-in", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const browser = await BoundBrowser.create(t);
    await browser.signUp();
    const challenge = /challenge="([^"]+)"/.exec(browser.offer!)![1]!;
    const other = await BoundBrowser.create(t);
    const refused = async (jwt: string) => {
      const { status, body, headers } = await browser.register(jwt);
      expect([status, body.code]).toEqual([403, "device_proof_required"]);
      // One, as browsers want it, but not that of the sign-in: who has its cookies only must not learn it.
      expect(headers.get("secure-session-challenge")).toMatch(/^"[\w-]+"$/);
      expect(headers.get("secure-session-challenge")).not.toContain(challenge);
    };
    await refused(await browser.sign({ jti: "made-up" }, { jwk: browser.jwk }));
    await refused(await browser.sign({ jti: challenge }, { jwk: other.jwk }));
    await refused(await browser.sign({ jti: challenge }));
    await refused(await browser.sign({ jti: challenge }, { jwk: browser.jwk, typ: "JWT" }));
    await refused("x");
    // A signature for one purpose is good for no other.
    expect(await rowOf(t, browser.refreshToken)).toMatchObject({ key_thumbprint: null });
    const registered = await browser.register();
    expect(registered.status).toBe(200);
    expect((await browser.refresh({ challenge })).status).toBe(403);
    // The answer was lost: the same again.
    expect((await browser.register()).body.session_identifier).toBe(registered.body.session_identifier);
    expect((await browser.refresh()).status).toBe(200);
    // Another key: no.
    const first = await rowOf(t, browser.refreshToken);
    expect(first.key_thumbprint).toBe(await browser.thumbprint());
    await refused(await other.sign({ jti: challenge }, { jwk: other.jwk }));
    expect(await rowOf(t, browser.refreshToken)).toMatchObject({ key_thumbprint: first.key_thumbprint });
    // Later than a minute after the sign-in.
    await browser.send("POST", "/auth/logout", { headers: { "sec-fetch-mode": "navigate" } });
    const late = await BoundBrowser.create(t);
    await late.signUp("bob");
    advance(61);
    expect((await late.register()).status).toBe(403);
    expect(await late.isSignedIn()).toBe(true);
  });

  test("is not asked on plain http, and one that does not know of it works as before", async () => {
    freezeClock();
    await using t = await startApp();
    const plain = await BoundBrowser.create(t);
    await plain.signUp();
    expect(plain.offer).toBeNull();
    await using secure = await startApp(HTTPS);
    const browser = await BoundBrowser.create(secure);
    await browser.signUp();
    advance(1800);
    browser.forgetAccess();
    const response = await browser.send("POST", "/auth/refresh");
    expect(response.status).toBe(204);
    expect(await browser.isSignedIn()).toBe(true);
  });

  test("binds the session after a new password anew", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const { browser } = await bound(t);
    const before = browser.offer;
    const fields = { current_password: PASSWORDS["alice"]!, new_password: PASSWORDS["bob"]! };
    const headers = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-mode": "navigate" };
    await browser.send("POST", "/account/password", {
      headers,
      body: new URLSearchParams(fields).toString(),
    });
    expect(browser.offer).not.toBe(before);
    expect(await rowOf(t, browser.refreshToken)).toMatchObject({ key_thumbprint: null });
    // What the browser still knows of the session before is over.
    expect((await browser.refresh()).body.continue).toBe(false);
    expect((await browser.register()).status).toBe(200);
    expect((await browser.refresh()).status).toBe(200);
    expect(await rowOf(t, browser.refreshToken)).toMatchObject({
      key_thumbprint: await browser.thumbprint(),
    });
  });

  test("whose registration is lost goes on without, and nobody is signed out", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const browser = await BoundBrowser.create(t);
    await browser.signUp();
    expect((await browser.register(undefined, { isLost: true })).status).toBe(200);
    advance(1800);
    browser.forgetAccess();
    expect((await browser.send("POST", "/auth/refresh")).status).toBe(204);
    expect(await browser.isSignedIn()).toBe(true);
    expect(await eventsOf(t)).toEqual(["register"]);
  });

  test("is not bound by a copy of its cookies, dead or alive, to whoever has not read the answer to the sign-in", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const browser = await BoundBrowser.create(t);
    await browser.signUp();
    const thief = await copyOf(browser);
    const asked = await thief.register(await thief.sign({ jti: "x" }, { jwk: thief.jwk }));
    const [, told] = /^"([^"]+)"/.exec(asked.headers.get("secure-session-challenge")!)!;
    const again = await thief.register(await thief.sign({ jti: told }, { jwk: thief.jwk }));
    expect([again.status, again.body.code]).toEqual([403, "device_proof_required"]);
    browser.forgetAccess();
    await browser.send("POST", "/auth/refresh");
    expect(await browser.isSignedIn()).toBe(true);
    advance(11);
    // Shown here too, what has died is theft.
    const late = await thief.register(await thief.sign({ jti: told }, { jwk: thief.jwk }));
    expect([late.status, late.body.continue]).toEqual([200, false]);
    expect(await rowOf(t, browser.refreshToken)).toMatchObject({
      end_reason: "reuse_detected",
      device_key: null,
    });
  });
});

describe("a cookie that was copied from a bound browser", () => {
  test("to refresh with: opens nothing on any route, ends nothing, signs nobody out, and its owner is told", async () => {
    freezeClock();
    await using t = await startApp({ ...HTTPS, ...UNLIMITED });
    const { browser } = await bound(t);
    const thief = await copyOf(browser, { withAccess: false });
    const navigation = { "sec-fetch-mode": "navigate", accept: "text/html" };
    for (const generation of [2, 3]) {
      expect(decode(thief.refreshToken).claims.gen).toBe(generation);
      expect((await refresh(t, thief.refreshToken)).body.code).toBe("key_missing");
      const posted = await thief.send("POST", "/auth/refresh");
      expect([posted.status, posted.headers.getSetCookie()]).toEqual([401, []]);
      const opened = await thief.send("GET", "/auth/refresh?next=/account", { headers: navigation });
      expect(opened.headers.get("location")).toStartWith("/login");
      expect((await thief.refresh()).status).toBe(403);
      expect((await thief.refresh({ challenge: null })).status).toBe(403);
      expect((await thief.register(await thief.sign({ jti: "x" }, { jwk: thief.jwk }))).status).toBe(403);
      await thief.send("POST", "/auth/lab/refresh", { headers: navigation });
      await thief.send("POST", "/auth/logout", { headers: navigation });
      expect(
        (await t.json("POST", "/api/auth/logout", { refresh_token: browser.refreshToken })).body.code,
      ).toBe("key_missing");
      expect(await rowOf(t, browser.refreshToken)).toMatchObject({ generation, ended_at: null });
      advance(300);
      await browser.refresh();
      expect(await browser.isSignedIn()).toBe(true);
      for (const [name, value] of browser.jar) thief.jar.set(name, value);
      thief.forgetAccess();
    }
    expect(await eventsOf(t)).toEqual(["register", "key_bound", "key_missing"]);
    // Its owner's sign-out is one.
    await browser.send("POST", "/auth/logout", { headers: navigation });
    expect(await browser.isSignedIn()).toBe(false);
    expect((await browser.refresh()).body.continue).toBe(false);
  });

  test("to open pages with: is dead within five minutes, also one from before the binding", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const browser = await BoundBrowser.create(t);
    await browser.signUp();
    const early = browser.access!;
    const claims = decode(early).claims;
    expect(claims.exp - claims.iat).toBe(1800);
    expect((await me(t, early)).status).toBe(200);
    await browser.register();
    await browser.refresh();
    const late = browser.access!;
    advance(LIMITS.boundAccessSeconds - 1);
    for (const token of [early, late]) expect((await me(t, token)).status).toBe(200);
    advance(1);
    for (const token of [early, late]) expect((await me(t, token)).body.code).toBe("token_expired");
    const thief = await copyOf(browser);
    expect(await thief.isSignedIn()).toBe(false);
    // The browser that still sends one, since its clock or ours is wrong, is told to drop it, and fetches another.
    const headers = { "sec-fetch-mode": "navigate", accept: "text/html" };
    const told = await browser.send("GET", "/auth/refresh?next=/account", { headers });
    expect(told.headers.get("location")).toBe("/account");
    expect(browser.access).toBeUndefined();
    expect((await browser.refresh()).status).toBe(200);
    expect(await browser.isSignedIn()).toBe(true);
    expect(await eventsOf(t)).toEqual(["register", "key_bound"]);
  });

  test("to follow a stream with: ends within five minutes, also one that was opened before the binding", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const browser = await BoundBrowser.create(t);
    await browser.signUp();
    const stream = await Stream.open(t.fetch, browser.access!);
    await stream.next();
    await browser.register();
    await browser.refresh();
    advance(LIMITS.boundAccessSeconds);
    await t.json("POST", "/api/auth/login", { username: "alice", password: PASSWORDS["alice"] });
    t.app.duet.notifier.notifyAll();
    expect(await stream.next()).toMatchObject({ event: "token_expired" });
  });

  test("to introspect with: is inactive when it is dead, and ends nothing", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const { browser } = await bound(t);
    const old = browser.refreshToken;
    advance(200);
    await browser.refresh();
    expect(await browser.isSignedIn()).toBe(true);
    advance(20);
    const by = { authorization: `Bearer ${browser.access}` };
    expect((await t.json("POST", "/oauth/introspect", { token: old }, by)).body).toEqual({ active: false });
    expect(await rowOf(t, old)).toMatchObject({ ended_at: null });
  });

  test("to sign out with: the sessions of its owner end, whatever stands before them", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const { browser } = await bound(t);
    const victim = await BoundBrowser.create(t);
    await victim.signUp("bob");
    const both = { refresh_token: browser.refreshToken };
    const answer = await t.json("POST", "/api/auth/logout", both, {
      authorization: `Bearer ${victim.access}`,
    });
    expect(answer.body.code).toBe("key_missing");
    expect(await rowOf(t, victim.refreshToken)).toMatchObject({ end_reason: "logout" });
    expect(await rowOf(t, browser.refreshToken)).toMatchObject({ ended_at: null });
  });
});

describe("the routes that a browser asks by itself", () => {
  test("answer no 4xx but 403, and no 403 without a challenge", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const { browser } = await bound(t);
    // The origin check, with and without cookies.
    for (const path of ["/auth/dbsc/register", "/auth/dbsc/refresh"])
      for (const headers of [
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site", "sec-secure-session-id": browser.id! },
      ]) {
        const foreign = await browser.send("POST", path, { headers });
        expect(foreign.status).toBe(403);
        expect(foreign.headers.get("secure-session-challenge")).toStartWith('"');
      }
    // Nobody's, another's, one of before, one that is over.
    const nobody = await BoundBrowser.create(t);
    for (const answer of [await nobody.refresh(), await nobody.register("x")])
      expect([answer.status, answer.body.continue]).toEqual([200, false]);
    expect((await browser.refresh({ id: "another" })).body).toEqual({
      session_identifier: "another",
      continue: false,
    });
    // A limit is 503.
    await browser.refresh({ challenge: null });
    let answer = await browser.refresh();
    for (let n = 0; n < 250 && answer.status === 200; n++) answer = await browser.refresh();
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).not.toBeNull();
    // Whatever else is asked of them, or comes with it.
    for (const method of ["GET", "PUT", "DELETE", "OPTIONS"]) {
      const odd = await browser.send(method, "/auth/dbsc/refresh");
      expect([method, odd.status]).toEqual([method, 403]);
      expect(odd.headers.get("secure-session-challenge")).toStartWith('"');
    }
    expect((await nobody.refresh({ headers: { dpop: "x" } })).status).toBe(200);
    // Over: the browser forgets it, and its cookies go.
    advance(8 * 86_400);
    const over = await browser.refresh();
    expect([over.status, over.body.continue]).toEqual([200, false]);
    expect(over.headers.getSetCookie().some((line) => line.startsWith("__Secure-duet_refresh=;"))).toBe(true);
  });

  test("tell nothing for good by a clock that was set just now", async () => {
    freezeClock();
    let monotonic = 0;
    await using t = await startApp(HTTPS, undefined, { monotonic: () => monotonic });
    const { browser } = await bound(t);
    monotonic += 1000;
    advance(8 * 86_400);
    const wrong = await browser.refresh({ isLost: true });
    expect([wrong.status, wrong.headers.get("retry-after")]).toEqual([503, "10"]);
    advance(-8 * 86_400);
    expect((await browser.refresh()).status).toBe(200);
    expect(await browser.isSignedIn()).toBe(true);
  });

  test("are not needed where the browser could not reach them: it has lost nothing", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const { browser } = await bound(t);
    advance(300);
    browser.forgetAccess();
    const skipped = { "secure-session-skipped": 'unreachable;session_identifier="x"' };
    for (const [method, path] of [
      ["GET", "/account"],
      ["GET", "/auth/refresh?next=/account"],
      ["POST", "/auth/logout"],
      ["POST", "/auth/refresh"],
    ] as const) {
      const headers = { ...skipped, "sec-fetch-mode": "navigate", accept: "text/html" };
      const answer = await browser.send(method, path, { headers });
      expect([path, answer.status, answer.headers.get("retry-after")]).toEqual([path, 503, "2"]);
    }
    expect((await browser.refresh()).status).toBe(200);
    // Who is signed in nowhere is asked to sign in all the same; so is who signed out or was signed out.
    const nobody = await BoundBrowser.create(t);
    const headers = { ...skipped, "sec-fetch-mode": "navigate", accept: "text/html" };
    expect((await nobody.send("GET", "/account", { headers })).status).toBe(303);
    await browser.isSignedIn();
    const token = browser.access;
    await t.json("POST", "/api/auth/logout", undefined, { authorization: `Bearer ${token}` });
    browser.forgetAccess();
    const over = await browser.send("GET", "/auth/refresh?next=/account", { headers });
    expect(over.headers.get("location")).toStartWith("/login");
  });
});
