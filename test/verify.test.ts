import { describe, expect, test } from "bun:test";
import { advance, freezeClock, startApp } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { KeyHolder } from "./support/dpop.ts";
import { me, PASSWORDS, refresh, register } from "./support/people.ts";

const PROXY = { DUET_TRUSTED_PROXIES: "127.0.0.1" };
const asked = (method: string, uri = "/app/page?x=1") => ({
  "x-forwarded-method": method,
  "x-forwarded-uri": uri,
});

describe("a proxy that asks who somebody is", () => {
  test("is told by cookie and by Bearer, with the id always and the name for show", async () => {
    await using t = await startApp(PROXY);
    const visitor = new Visitor(t);
    await visitor.submit("/register", { username: "小明", password: PASSWORDS["小明"]! });
    const cookie = `duet_access=${visitor.jar.get("duet_access")!.value}`;
    const seen = await t.fetch("/auth/verify", { headers: { cookie, ...asked("GET") } });
    expect([seen.status, await seen.text()]).toEqual([204, ""]);
    expect(seen.headers.get("duet-user-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(decodeURIComponent(seen.headers.get("duet-username")!)).toBe("小明");
    expect(seen.headers.get("cache-control")).toBe("no-store");
    // What is for the service behind is not ours.
    const basic = { cookie, authorization: "Basic YTpi", ...asked("GET") };
    expect((await t.fetch("/auth/verify", { headers: basic })).status).toBe(204);
    const alice = await register(t, "alice");
    const bearer = { authorization: `Bearer ${alice.accessToken}` };
    const program = await t.fetch("/auth/verify", { headers: { ...bearer, ...asked("DELETE") } });
    expect([program.status, program.headers.get("duet-user-id")]).toEqual([204, alice.id]);
    await alice.call("POST", "/api/auth/logout");
    const over = await t.fetch("/auth/verify", { headers: { ...bearer, ...asked("GET") } });
    expect([over.status, over.headers.get("duet-user-id")]).toEqual([401, null]);
  });

  test("sends a browser to where it gets a new token and comes back from, and everybody else away", async () => {
    freezeClock();
    await using t = await startApp(PROXY);
    const navigation = { "sec-fetch-mode": "navigate", accept: "text/html" };
    const sent = await t.fetch("/auth/verify", {
      headers: { ...navigation, ...asked("GET") },
      redirect: "manual",
    });
    expect([sent.status, sent.headers.get("location")]).toEqual([
      302,
      "http://localhost/auth/refresh?next=%2Fapp%2Fpage%3Fx%3D1",
    ]);
    for (const headers of [
      asked("GET"),
      { ...navigation, ...asked("POST") },
      navigation,
      { "sec-fetch-mode": "cors", ...asked("GET") },
    ])
      expect((await t.fetch("/auth/verify", { headers, redirect: "manual" })).status).toBe(
        "x-forwarded-method" in headers && headers["x-forwarded-method"] === "GET" ? 401 : 403,
      );
    // Expired: the refresh finds the session, and the browser is back where it was.
    const visitor = new Visitor(t);
    await visitor.register("alice");
    advance(1800);
    visitor.forgetAccess();
    const { path } = await visitor.open("/auth/refresh?next=%2Flab");
    expect(path).toBe("/lab");
  });

  test("lets nothing through that changes state and comes from elsewhere, by the method that a trusted proxy tells", async () => {
    await using t = await startApp(PROXY);
    const visitor = new Visitor(t);
    await visitor.register("alice");
    const cookie = `duet_access=${visitor.jar.get("duet_access")!.value}`;
    const ask = async (headers: Record<string, string>) =>
      (await t.fetch("/auth/verify", { headers: { cookie, ...headers } })).status;
    expect(await ask({ ...asked("POST"), "sec-fetch-site": "same-origin" })).toBe(204);
    expect(await ask({ ...asked("POST"), origin: "http://localhost" })).toBe(204);
    for (const site of ["cross-site", "same-site", "none"])
      expect(await ask({ ...asked("POST"), "sec-fetch-site": site })).toBe(403);
    expect(await ask({ ...asked("POST"), origin: "https://evil.example" })).toBe(403);
    expect(await ask({ ...asked("POST") })).toBe(403);
    // Not told is not safe.
    expect(await ask({})).toBe(403);
    expect(await ask({ "sec-fetch-site": "cross-site" })).toBe(403);
    // Nor is what anybody else tells.
    await using open = await startApp();
    const other = new Visitor(open);
    await other.register("alice");
    const own = { cookie: `duet_access=${other.jar.get("duet_access")!.value}` };
    expect((await open.fetch("/auth/verify", { headers: { ...own, ...asked("GET") } })).status).toBe(403);
    expect(
      (await open.fetch("/auth/verify", { headers: { ...own, "sec-fetch-site": "same-origin" } })).status,
    ).toBe(204);
  });

  test("does not take a token of a session that a key holds for enough", async () => {
    await using t = await startApp(PROXY);
    const key = await KeyHolder.create(t);
    const alice = { username: "alice", password: PASSWORDS["alice"] };
    const pair = (await key.ask("POST", "/api/auth/register", alice)).body;
    for (const headers of [
      { cookie: `duet_access=${pair.access_token}` },
      { authorization: `Bearer ${pair.access_token}` },
    ])
      expect((await t.fetch("/auth/verify", { headers: { ...headers, ...asked("GET") } })).status).toBe(401);
    expect((await me(t, pair.access_token)).status).toBe(401);
    expect((await refresh(t, pair.refresh_token)).status).toBe(400);
  });
});
