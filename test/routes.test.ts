import { describe, expect, test } from "bun:test";
import { startApp } from "./support/app.ts";

/** What anybody may reach. Every other route needs a token: a new one that does not fails here. */
const PUBLIC = new Set([
  "GET /",
  "GET /healthz",
  "GET /readyz",
  "GET /.well-known/jwks.json",
  "GET /assets/:file",
  "GET /favicon.ico",
  "GET /login",
  "POST /login",
  "GET /register",
  "POST /register",
  "POST /language",
  "GET /auth/refresh",
  "POST /auth/refresh",
  "POST /auth/logout",
  "POST /api/auth/register",
  "POST /api/auth/login",
  "POST /api/auth/refresh",
  "POST /api/auth/logout",
  "POST /oauth/token",
  "POST /oauth/revoke",
  "GET /.well-known/oauth-authorization-server",
]);

const SOME_ID = "01999999-0000-7000-8000-000000000000";

describe("every route", () => {
  test("that is not named public refuses a caller without a token, before it looks at anything else", async () => {
    await using t = await startApp();
    expect(t.app.routes.length).toBeGreaterThan(PUBLIC.size);
    for (const { method, path } of t.app.routes) {
      const name = `${method} ${path}`;
      const isApi = path.startsWith("/api/");
      const response = await t.fetch(path.replaceAll(/:\w+/g, SOME_ID), {
        method,
        headers: isApi
          ? {}
          : { "hx-request": "true", "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" },
      });
      const wants = response.status === 401 && response.headers.get("www-authenticate");
      if (!PUBLIC.has(name)) expect([name, wants]).toEqual([name, expect.stringContaining("Bearer")]);
      expect([name, response.status < 500]).toEqual([name, true]);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  test("refuses another method with 405 and what it allows, and another path with 404", async () => {
    await using t = await startApp();
    const allowed = new Map<string, Set<string>>();
    for (const { method, path } of t.app.routes)
      allowed.set(path, (allowed.get(path) ?? new Set()).add(method));
    for (const [path, methods] of allowed) {
      const wrong = ["PUT", "DELETE"].find((method) => !methods.has(method))!;
      const response = await t.fetch(path.replaceAll(/:\w+/g, SOME_ID), { method: wrong });
      expect([path, response.status]).toEqual([path, 405]);
      const expected = [...methods, ...(methods.has("GET") ? ["HEAD"] : [])].toSorted().join(", ");
      expect([path, response.headers.get("allow")]).toEqual([path, expected]);
    }
    for (const path of [
      "/api",
      "/api/auth",
      "/api/auth/me/x",
      "/api//auth/me",
      "/.env",
      "/duet-data/secret",
      "/src/main.ts",
    ])
      expect([path, (await t.fetch(path)).status]).toEqual([path, 404]);
  });
});
