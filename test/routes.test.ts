import { describe, expect, test } from "bun:test";
import { THROTTLES } from "../src/core/auth/throttle.ts";
import fc from "fast-check";
import { freezeClock, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { DATA_CSP, FIXED, PAGE_CSP } from "./support/headers.ts";
import { LIMITED, PUBLIC } from "./support/inventory.ts";
import { register, type Person } from "./support/people.ts";

/** What may be kept by anybody for a while. Everything else is `no-store`: a new route that is not fails here. */
const CACHED = new Set([
  "GET /.well-known/jwks.json",
  "GET /.well-known/oauth-authorization-server",
  "GET /.well-known/openid-configuration",
  "GET /openapi.json",
  "GET /assets/:file",
]);

/** What reads without a limit, and why it costs little: nothing that grows with what there is. */
const CHEAP: Record<string, string> = {
  "GET /": "one session",
  "GET /healthz": "nothing",
  "GET /auth/verify": "one session",
  "GET /metrics": "some hundred numbers, for whoever has the operator's token",
  "GET /readyz": "one transaction",
  "GET /.well-known/jwks.json": "from memory",
  "GET /.well-known/oauth-authorization-server": "from memory",
  "GET /.well-known/openid-configuration": "from memory",
  "GET /.well-known/change-password": "nothing",
  "GET /robots.txt": "nothing",
  "GET /.well-known/security.txt": "nothing",
  "GET /openapi.json": "from memory",
  "GET /docs": "from memory, but for its bar",
  "GET /assets/:file": "from memory",
  "GET /favicon.ico": "from memory",
  "GET /login": "one row",
  "GET /auth/arrived": "one session",
  "GET /register": "nothing",
  "GET /reset": "two rows",
  "GET /admin": "one page, for operators",
  "GET /admin/people/:id": "one page, for operators",
  "GET /lab": "one session, and a diary that is bounded",
  "GET /lab/guest": "the same; a refresh of it is within refresh_session",
  "GET /lab/run/:run": "sixty events at most, by the model",
  "GET /lab/run/:run/picture.svg": "the same",
  "GET /account": "one page of sessions and events",
  "GET /conversations": "one page",
  "GET /conversations/:id": "one page; what was looked for beside it, within search_account",
  "GET /conversations/deleted": "one page",
  "GET /conversations/:id/notes": "a hundred at most",
  "GET /conversations/:id/people": "a hundred names, from fifty conversations",
  "GET /join": "one row",
  "GET /conversations/:id/members": "as many as may be in one",
  "GET /conversations/:id/messages/:messageId": "one row",
  "GET /conversations/:id/messages/:messageId/edit": "one row",
  "GET /api/auth/me": "one row",
  "GET /api/auth/sessions": "one page",
  "GET /api/auth/events": "one page",
  "GET /forgot": "nothing",
  "GET /email/undo": "one row",
  "GET /account/email": "one row",
  "GET /api/auth/factors": "as many as one may have",
  "GET /api/conversations": "one page",
  "GET /api/conversations/:id": "one row",
  "GET /api/conversations/:id/messages": "one page",
  "GET /api/conversations/:id/members": "as many as may be in one",
};

/** What changes state without a limit, and why it needs none. */
const WITHOUT_LIMIT: Record<string, string> = {
  "POST /language": "sets a cookie",
  "POST /scheme": "the same",
  "POST /reset/strength": "judges for whom a link was made, within judge_network",
  "POST /forgot": "forgot_network, where there is mail (emails.test.ts)",
  "POST /api/auth/forgot": "the same",
  "POST /account/email/send": "email_account, where there is mail (emails.test.ts)",
  "POST /api/auth/email/send": "the same",
  "POST /account/email": "once for each link",
  "POST /api/auth/email/confirm": "the same",
  "POST /email/undo": "the same",
  "POST /api/auth/challenge":
    "five tries of what was made within a limit, and code_few and its like (factors.test.ts)",
  "POST /login/challenge": "the same",
  "POST /account/proof": "the same",
  "POST /api/auth/passkeys/login": "the same",
  "POST /login/passkey": "the same",
  "POST /api/auth/passkeys": "the same, once for each challenge",
  "POST /account/passkeys": "the same",
  "POST /api/auth/factors/totp/:id/confirm": "code_few and its like, of what was begun within a limit",
  "POST /account/factors/totp/:id/confirm": "the same",
  "DELETE /api/auth/factors/:id": "removes what was made within a limit, once",
  "POST /account/factors/:id/remove": "the same",
  "POST /admin/people/:id/disable": "an operator's act",
  "POST /admin/people/:id/enable": "the same",
  "POST /admin/people/:id/sessions/:sessionId/end": "the same",
  "POST /admin/people/:id/reset-link": "the same",
  "POST /admin/invitations": "the same",
  "POST /admin/invitations/:id/end": "the same",
  "POST /auth/dbsc/register": "once for each sign-in, which stands behind limits",
  "POST /auth/dbsc/refresh": "the session's own limit, after the signature (dbsc.test.ts)",
  "POST /auth/lab": "guest_network, of whoever is not signed in (lab-guest.test.ts)",
  "POST /lab/guest/:act": "refresh_session, of a guest's session (lab-guest.test.ts)",
  "POST /auth/logout": "ends what was started within a limit, once",
  "POST /api/auth/logout": "the same",
  "POST /api/auth/logout-all": "the same",
  "POST /oauth/revoke": "the same",
  "DELETE /api/auth/sessions/:id": "the same",
  "POST /account/logout-all": "the same",
  "POST /account/sessions/:id/end": "the same",
  "POST /oauth/introspect": "writes nothing",
  "DELETE /api/conversations/:id": "removes what was made within a limit, once",
  "POST /conversations/:id/remove": "the same",
  "POST /api/conversations/:id/restore": "undoes that, once",
  "POST /conversations/:id/restore": "the same",
  "POST /api/conversations/:id/read": "moves a mark along messages that were posted within a limit",
  "POST /conversations/:id/read": "the same",
  "POST /conversations/:id/invites/end": "removes what was made within a limit, once",
  "DELETE /api/conversations/:id/members/:userId": "the same",
  "POST /conversations/:id/members/:userId/remove": "the same",
};

const SOME_ID = "01999999-0000-7000-8000-000000000000";
const nameOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;
const isForPrograms = (path: string) => /^\/(api|oauth|\.well-known)\//.test(path);

describe("every route", () => {
  test("that is not named public refuses a caller without a token, before it looks at anything else", async () => {
    await using t = await startApp({ DUET_METRICS_TOKEN: "what prometheus says to be let in" });
    expect(t.app.routes.length).toBeGreaterThan(PUBLIC.size);
    for (const { method, path } of t.app.routes) {
      const name = `${method} ${path}`;
      const response = await t.fetch(path.replaceAll(/:\w+/g, SOME_ID), {
        method,
        headers: isForPrograms(path)
          ? {}
          : { "hx-request": "true", "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" },
      });
      const wants = response.status === 401 && response.headers.get("www-authenticate");
      if (!PUBLIC.has(name)) expect([name, wants]).toEqual([name, expect.stringContaining("Bearer")]);
      expect([name, response.status < 500]).toEqual([name, true]);
    }
  });

  test("has the headers, and is kept by nobody unless it is named", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const [asset] = /\/assets\/[^"]+/.exec(await (await t.fetch("/login")).text())!;
    for (const route of t.app.routes) {
      const path = route.path.replace("/assets/:file", asset).replaceAll(/:\w+/g, SOME_ID);
      for (const isSignedIn of [true, false]) {
        const { headers, body } = await t.fetch(path, {
          method: route.method,
          headers: {
            "sec-fetch-site": "same-origin",
            "sec-fetch-mode": isForPrograms(path) ? "cors" : "navigate",
            ...(isSignedIn && { authorization: `Bearer ${alice.accessToken}` }),
            ...(isSignedIn && { cookie: `duet_access=${alice.accessToken}` }),
          },
        });
        await body?.cancel();
        for (const [name, value] of Object.entries(FIXED))
          expect([nameOf(route), name, headers.get(name)]).toEqual([nameOf(route), name, value]);
        const isPage = headers.get("content-type")?.startsWith("text/html");
        expect(headers.get("content-security-policy")).toBe(isPage ? PAGE_CSP : DATA_CSP);
        const isKept = headers.get("cache-control") !== "no-store";
        expect([nameOf(route), isKept]).toEqual([nameOf(route), CACHED.has(nameOf(route))]);
        const open = headers.get("access-control-allow-origin");
        const isOpen = isKept && !route.path.startsWith("/assets/");
        expect([nameOf(route), open]).toEqual([nameOf(route), isOpen ? "*" : null]);
      }
    }
  });

  test("stands behind a limit, or says why it needs none: what it changes, and what it costs", async () => {
    await using t = await startApp();
    for (const name of t.app.routes.map(nameOf)) {
      const reasons = name.startsWith("GET ") ? CHEAP : WITHOUT_LIMIT;
      expect([name, name in LIMITED || name in reasons]).toEqual([name, true]);
    }
    for (const name of [LIMITED, WITHOUT_LIMIT, CHEAP].flatMap((each) => Object.keys(each)))
      expect(t.app.routes.map(nameOf)).toContain(name);
  });

  test.each(Object.keys(LIMITED))("%s answers 429 with Retry-After beyond its limit", async (name) => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const { id } = (await alice.call("POST", "/api/conversations", { title: "x" })).body;
    await t.sql("DELETE FROM throttles");

    const [limit, bodyOf] = LIMITED[name]!;
    const said = (await alice.call("POST", `/api/conversations/${id}/messages`, { body: "x" })).body;
    await t.sql("DELETE FROM throttles");
    const [method, path] = name
      .replace(":id", id)
      .replace(":messageId", said.id)
      .replace(":act", "refresh")
      .split(" ") as [string, string];
    const first = await ask(t, alice, method, `${path}?q=x`, bodyOf?.(alice));
    expect(first).not.toBe(429);
    const { burst, everyMs } = THROTTLES[limit];
    const now = Date.now();
    // As it would be after as many as there may be.
    const emptied = await t.sql(
      "UPDATE throttles SET full_at = $1 WHERE full_at <= $2 RETURNING id",
      now + burst * everyMs,
      now + everyMs,
    );
    expect(emptied.length).toBeGreaterThan(0);
    expect(await ask(t, alice, method, `${path}?q=x`, bodyOf?.(alice))).toBe(429);
  });

  test("refuses another method with 405 and what it allows, and another path with 404", async () => {
    await using t = await startApp();
    const allowed = new Map<string, Set<string>>();
    const isUnder = (path: string, pattern: string) =>
      RegExp(`^${pattern.replaceAll(/:\w+/g, "[^/]+")}$`).test(path);
    for (const { path } of t.app.routes)
      allowed.set(
        path,
        new Set(t.app.routes.filter((each) => isUnder(path, each.path)).map((each) => each.method)),
      );
    for (const [path, methods] of allowed) {
      const wrong = ["PUT", "DELETE"].find((method) => !methods.has(method))!;
      const response = await t.fetch(path.replaceAll(/:\w+/g, SOME_ID), { method: wrong });
      // A browser would forget its key at a 405.
      expect([path, response.status]).toEqual([path, path.startsWith("/auth/dbsc/") ? 403 : 405]);
      const expected = [...methods, ...(methods.has("GET") ? ["HEAD"] : [])].toSorted().join(", ");
      expect([path, response.headers.get("allow")]).toEqual([path, expected]);
    }
    for (const path of [
      "/api",
      "/api/auth",
      "/api/auth/me/x",
      "/api//auth/me",
      "/.env",
      "/duet.db",
      "/duet-data/secret",
      "/duet-data/duet.db",
      "/src/main.ts",
      "/assets/..%2f..%2fpackage.json",
    ])
      expect([path, (await t.fetch(path)).status]).toEqual([path, 404]);
  });
});

/** One request of a program or a page, with everything a person has to show; answers its status. */
async function ask(
  t: TestApp,
  alice: Person,
  method: string,
  path: string,
  body: Record<string, string> | undefined,
): Promise<number> {
  const isApi = path.startsWith("/api/");
  // Where there is a good access token nothing is refreshed.
  const access = path.startsWith("/auth/") ? "" : `duet_access=${alice.accessToken}; `;
  const cookie = `${access}duet_refresh=${alice.refreshToken}`;
  const response = await t.fetch(path, {
    method,
    headers: {
      "content-type": isApi ? "application/json" : "application/x-www-form-urlencoded",
      "sec-fetch-site": "same-origin",
      "sec-fetch-mode": isApi ? "cors" : "navigate",
      ...(isApi ? { authorization: `Bearer ${alice.accessToken}` } : { cookie }),
    },
    ...(body && { body: isApi ? JSON.stringify(body) : new URLSearchParams(body).toString() }),
  });
  await response.body?.cancel();
  if (response.status === 429) expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  return response.status;
}

describe("what stands in a path", () => {
  const strange = fc.oneof(
    fc.string({ minLength: 1, unit: "binary" }),
    fc.constantFrom(
      "\0",
      "\n",
      "\r\n",
      "😀",
      "..",
      "%",
      "%00",
      "01999999-0000-7000-8000-00000000000G",
      "ID".repeat(2000),
    ),
    fc.uuid({ version: 7 }).map((id) => id.toUpperCase()),
  );

  test("is an id or is not found: every parameter of every route", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const { id } = (await alice.call("POST", "/api/conversations", { title: "mine" })).body;
    const routes = t.app.routes.filter(({ path }) => path.includes("/:"));
    const visitor = {
      authorization: `Bearer ${alice.accessToken}`,
      cookie: `duet_access=${alice.accessToken}`,
    };
    expect(routes.length).toBeGreaterThan(20);
    for (const { method, path } of routes) {
      const parameters = path.match(/:\w+/g)!;
      const samples = fc.sample(strange, { numRuns: 30, seed: 20261125 });
      for (const wrong of samples)
        for (const one of parameters) {
          const url = path.replaceAll(/:\w+/g, (name) =>
            name === one ? encodeURIComponent(wrong.toWellFormed()) : id,
          );
          // A dot segment is another path.
          if (/\/\.{1,2}(?:\/|$)/.test(url)) continue;
          const answer = await t.fetch(url, {
            method,
            headers: {
              ...visitor,
              "sec-fetch-site": "same-origin",
              "content-type": path.startsWith("/api")
                ? "application/json"
                : "application/x-www-form-urlencoded",
            },
            ...(method !== "GET" && method !== "DELETE" && { body: path.startsWith("/api") ? "{}" : "" }),
          });
          expect([method, path, wrong, answer.status < 500]).toEqual([method, path, wrong, true]);
          expect([method, path, wrong, answer.status]).not.toEqual([method, path, wrong, 200]);
        }
    }
  });
});
