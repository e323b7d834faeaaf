import { describe, expect, test } from "bun:test";
import { startApp, UNLIMITED } from "./support/app.ts";
import { KeyHolder } from "./support/dpop.ts";
import { me, PASSWORDS, register } from "./support/people.ts";

const APP = "https://app.example";
const SETTINGS = { ...UNLIMITED, DUET_ALLOWED_ORIGINS: `${APP}, http://localhost:5173` };
const BROWSER = { origin: APP, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" };

describe("a browser app of an origin that the operator has named", () => {
  test("asks before, signs in, refreshes and reads what it is told, with tokens", async () => {
    await using t = await startApp(SETTINGS);
    const asked = await t.fetch("/api/auth/login", {
      method: "OPTIONS",
      headers: {
        ...BROWSER,
        "access-control-request-method": "POST",
        "access-control-request-headers": "dpop",
      },
    });
    expect(asked.status).toBe(204);
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      "access-control-allow-origin": APP,
      "access-control-allow-methods": "GET, POST, PATCH, DELETE",
      "access-control-max-age": "7200",
      vary: "Origin",
    });
    expect(asked.headers.get("access-control-allow-headers")).toContain("dpop");
    await register(t, "alice");
    const login = { username: "alice", password: PASSWORDS["alice"] };
    const pair = await t.json("POST", "/api/auth/login", login, BROWSER);
    const bearer = { ...BROWSER, authorization: `Bearer ${pair.body.access_token}` };
    // The quick way too.
    for (let n = 0; n < 2; n++) {
      const seen = await t.json("GET", "/api/auth/me", undefined, bearer);
      expect([
        seen.status,
        seen.headers.get("access-control-allow-origin"),
        seen.headers.get("vary"),
      ]).toEqual([200, APP, "Origin"]);
    }
    // Errors are read by it as well, and forms go to the OAuth routes.
    const wrong = await t.fetch("/oauth/token", {
      method: "POST",
      headers: { ...BROWSER, "content-type": "application/x-www-form-urlencoded" },
      body: "grant_type=password&username=alice&password=wrong",
    });
    expect([wrong.status, wrong.headers.get("access-control-allow-origin")]).toEqual([400, APP]);
    const key = await KeyHolder.create(t);
    const dpop = await key.proof("POST", "/api/auth/login");
    const nonce = await t.json("POST", "/api/auth/login", login, { ...BROWSER, dpop });
    expect(nonce.headers.get("access-control-expose-headers")).toContain("DPoP-Nonce");
    // With nothing that a browser keeps.
    for (const { headers } of [asked, pair, wrong, nonce]) {
      expect(headers.get("access-control-allow-credentials")).toBeNull();
      expect(headers.getSetCookie()).toEqual([]);
    }
  });

  test("is that origin exactly, on the routes of programs, and never with cookies", async () => {
    await using t = await startApp(SETTINGS);
    const alice = await register(t, "alice");
    const preflight = { "access-control-request-method": "POST" };
    for (const origin of [
      "https://app.example.evil",
      "https://evil.example",
      "http://app.example",
      "https://app.example:444",
      "null",
    ]) {
      const asked = await t.fetch("/api/auth/login", {
        method: "OPTIONS",
        headers: { ...BROWSER, origin, ...preflight },
      });
      expect([origin, asked.headers.get("access-control-allow-origin")]).toEqual([origin, null]);
      const seen = await t.json("GET", "/api/auth/me", undefined, {
        ...BROWSER,
        origin,
        authorization: `Bearer ${alice.accessToken}`,
      });
      expect(seen.headers.get("access-control-allow-origin")).toBeNull();
    }
    for (const path of ["/login", "/account", "/auth/refresh", "/live", "/metrics"]) {
      const asked = await t.fetch(path, { method: "OPTIONS", headers: { ...BROWSER, ...preflight } });
      expect([path, asked.headers.get("access-control-allow-origin")]).toEqual([path, null]);
    }
    const withCookie = {
      ...BROWSER,
      cookie: `duet_refresh=${alice.refreshToken}`,
      "content-type": "application/x-www-form-urlencoded",
    };
    expect(
      (await t.fetch("/oauth/token", { method: "POST", headers: withCookie, body: "grant_type=x" })).status,
    ).toBe(403);
    expect((await t.fetch("/auth/refresh", { method: "POST", headers: withCookie })).status).toBe(403);
    await using closed = await startApp();
    expect((await me(closed, "x")).headers.get("vary")).toBeNull();
    const refused = await closed.fetch("/api/auth/login", {
      method: "OPTIONS",
      headers: { ...BROWSER, ...preflight },
    });
    expect(refused.headers.get("access-control-allow-origin")).toBeNull();
  });
});
