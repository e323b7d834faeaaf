import { describe, expect, test } from "bun:test";
import { ORIGIN, startApp } from "./support/app.ts";
import { register } from "./support/people.ts";

// What a browser says of a request that changes state, and whether it is believed to be our own.
type Row = [site: string | null, origin: string | null, cookie: boolean, isOurs: boolean];

const rows: Row[] = [
  ["same-origin", ORIGIN, true, true],
  ["same-origin", null, true, true],
  ["same-origin", "null", true, true], // Sec-Fetch-Site cannot be forged by a page
  ["same-site", "http://evil.localhost:3000", true, false],
  ["cross-site", "https://evil.example", true, false],
  ["cross-site", ORIGIN, true, false],
  ["cross-site", "https://evil.example", false, false],
  ["none", null, true, false],
  [null, ORIGIN, true, true],
  [null, "https://evil.example", true, false],
  [null, "http://localhost:3001", true, false],
  [null, "http://localhost:3000.evil.example", true, false],
  [null, "null", true, false],
  [null, null, true, false],
  [null, null, false, true], // a program: no cookie, nothing to forge
];

const bodies: [path: string, type: string, body: string][] = [
  ["/login", "application/x-www-form-urlencoded", "identifier=alice&password=x"],
  ["/register", "application/x-www-form-urlencoded", "username=alice&password=x"],
  ["/language", "application/x-www-form-urlencoded", "language=zh"],
  ["/conversations", "application/x-www-form-urlencoded", "title=x"],
  ["/auth/refresh", "text/plain", ""],
  ["/auth/logout", "text/plain", ""],
  ["/api/auth/login", "application/json", '{"username":"alice","password":"x"}'],
  ["/api/auth/login", "text/plain; j", '{"username":"alice","password":"x"}'],
  ["/api/auth/refresh", "application/json", '{"refresh_token":"x"}'],
];

describe("a request that changes state", () => {
  test.each(rows)(
    "from Sec-Fetch-Site %p, Origin %p, cookie %p: ours is %p",
    async (site, origin, cookie, isOurs) => {
      await using t = await startApp();
      for (const [path, type, body] of bodies) {
        const headers = new Headers({ "content-type": type, accept: "text/html" });
        if (site !== null) headers.set("sec-fetch-site", site);
        if (origin !== null) headers.set("origin", origin);
        if (cookie) headers.set("cookie", "duet_access=x; duet_refresh=x");
        const response = await t.fetch(path, { method: "POST", headers, body });
        // What a browser must ask about beforehand carries nothing that could be forged.
        const isAskedBeforehand = !cookie && type === "application/json";
        if (isOurs || isAskedBeforehand) expect([path, response.status]).not.toEqual([path, 403]);
        else {
          expect([path, response.status]).toEqual([path, 403]);
          expect(response.headers.get("set-cookie")).toBeNull();
        }
      }
    },
  );

  test("of an app in a shell of its own is let through with a Bearer token or JSON, and never as a form", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const bearer = `Bearer ${alice.accessToken}`;
    for (const origin of ["tauri://localhost", "capacitor://localhost", "null", "chrome-extension://abc"]) {
      const ask = (path: string, headers: Record<string, string>, body: string) =>
        t.fetch(path, {
          method: "POST",
          headers: { origin, "sec-fetch-site": "cross-site", ...headers },
          body,
        });
      const json = { "content-type": "application/json" };
      const form = { "content-type": "application/x-www-form-urlencoded" };
      const title = '{"title":"from an app"}';
      const created = await ask("/api/conversations", { ...json, authorization: bearer }, title);
      expect(created.status).toBe(201);
      const ended = await ask("/api/auth/logout", { authorization: "Bearer x.y.z" }, "");
      expect(ended.status).toBe(204);
      const guess = '{"username":"alice","password":"wrong"}';
      expect((await ask("/api/auth/login", json, guess)).status).toBe(401);
      const fields = "grant_type=password&username=alice&password=wrong";
      for (const type of [form, { "content-type": "text/plain" }, {}] as Record<string, string>[])
        expect((await ask("/oauth/token", type, fields)).status).toBe(403);
      // With a cookie along it may be forged, whatever else it carries.
      for (const more of [{ ...json, authorization: bearer }, json])
        expect((await ask("/api/conversations", { ...more, cookie: "x=y" }, title)).status).toBe(403);
    }
  });

  test("is not let through by a made-up Authorization beside the cookie", async () => {
    await using t = await startApp();
    const headers = {
      authorization: "Bearer x",
      cookie: "duet_access=x",
      origin: "https://evil.example",
      "content-type": "application/json",
    };
    expect((await t.fetch("/api/conversations", { method: "POST", headers, body: "{}" })).status).toBe(403);
  });

  test("is measured by the configured origin, whatever Host says", async () => {
    await using t = await startApp();
    const headers = {
      host: "evil.example",
      "x-forwarded-host": "evil.example",
      origin: "http://evil.example",
      cookie: "duet_access=x",
    };
    expect((await t.fetch("/auth/logout", { method: "POST", headers })).status).toBe(403);
  });
});

describe("a GET that acts", () => {
  test("/auth/refresh refuses what is no navigation: a foreign <img> carries the cookie too", async () => {
    await using t = await startApp();
    for (const [method, mode] of [
      ["GET", "no-cors"],
      ["GET", "cors"],
      ["GET", "same-origin"],
      ["HEAD", "navigate"],
    ] as const) {
      const headers = { "sec-fetch-mode": mode, cookie: "duet_refresh=x" };
      const response = await t.fetch("/auth/refresh", { method, headers });
      expect([method, mode, response.status]).toEqual([method, mode, 403]);
    }
  });
});
