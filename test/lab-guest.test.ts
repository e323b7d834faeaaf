import { describe, expect, test } from "bun:test";
import { GUEST_TYP } from "../src/core/auth/guest-tokens.ts";
import { THROTTLES } from "../src/core/auth/throttle.ts";
import { LIMITS } from "../src/limits.ts";
import { advance, freezeClock, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { PUBLIC } from "./support/inventory.ts";
import { decode, PASSWORDS } from "./support/people.ts";

const ACCESS = "duet_lab_access";
const REFRESH = "duet_lab_refresh";

async function asGuest(t: TestApp) {
  freezeClock();
  const guest = new Visitor(t, { "accept-language": "en" });
  const { path, html } = await guest.submit("/auth/lab");
  expect(path).toBe("/lab/guest");
  const token = (name: string) => guest.jar.get(name)!.value;
  return { guest, html, act: (name: string) => guest.submit(`/lab/guest/${name}`), token };
}

const decided = (html: string) =>
  [...html.matchAll(/<div id="row-\w+" data-row="(\w+)" class="decided">/g)].map(([, row]) => row);

describe("the lab without an account", () => {
  test("is open to everybody, and starts a session only when it is asked to", async () => {
    await using t = await startApp();
    const visitor = new Visitor(t, { "accept-language": "en" });
    const { path, status, html } = await visitor.open("/lab?step=2");
    expect([path, status]).toEqual(["/lab/guest?step=2", 200]);
    expect(visitor.trail).toEqual(["GET /lab 303", "GET /auth/refresh 303", "GET /lab/guest 200"]);
    expect(html).toContain('action="/auth/lab?step=2"');
    expect(visitor.jar.size).toBe(0);
    expect(await t.sql("SELECT * FROM guests")).toEqual([]);
    for (const page of ["/", "/login"])
      expect((await visitor.open(page)).html).toMatch(/(?:action|href)="\/(?:auth\/)?lab"/);
  });

  test("does everything by the same rule, on tokens that are nobody's", async () => {
    await using t = await startApp();
    const { guest, html, act, token } = await asGuest(t);
    const { header, claims } = decode(token(ACCESS));
    expect(header).toEqual({ alg: "HS256", kid: "lab", typ: GUEST_TYP.access });
    expect(claims).toMatchObject({ aud: "http://localhost/lab/guest", type: "access", gen: 1 });
    expect(decode(token(REFRESH)).header["typ"]).toBe(GUEST_TYP.refresh);
    for (const line of guest.setCookies) expect(line).toMatch(/; Path=\/lab\/guest; .*HttpOnly/);
    expect(html).toContain("This is a throwaway session");
    for (const value of [token(REFRESH), token(ACCESS)]) expect(html).not.toContain(value.split(".")[2]!);

    expect(decided((await act("lose")).html)).toEqual(["newest"]);
    expect(decode(token(REFRESH)).claims.gen).toBe(1);
    expect(decided((await act("refresh")).html)).toEqual(["unconfirmed"]);
    advance(60);
    expect(decided((await act("tabs")).html)).toEqual(["newest", "unconfirmed"]);
    advance(60);
    expect(decided((await act("agents")).html)).toEqual(["newest", "overlap"]);
    advance(60);
    await act("expire");
    expect(guest.jar.has(ACCESS)).toBe(true);
    expect(decode(token(REFRESH)).claims.gen).toBe(5);
    advance(60);
    await act("steal");
    await act("refresh");
    advance(11);
    const end = (await act("replay")).html;
    expect(decided(end)).toEqual(["reuse"]);
    expect(end).toContain("session ended");
    // It can be looked at for as long as it is there, and another one begun.
    expect((await guest.open("/lab/guest")).html).toContain("Start again");
    expect(decided((await act("refresh")).html)).toEqual(["ended"]);
    await guest.submit("/auth/lab");
    expect(decode(token(REFRESH)).claims.gen).toBe(1);
  });

  test("leaves a sign-in alone, also one whose access cookie has expired", async () => {
    await using t = await startApp();
    freezeClock();
    const alice = new Visitor(t);
    await alice.register("alice");
    for (const _ of ["signed in", "expired"]) {
      expect((await alice.submit("/auth/lab?step=3")).path).toBe("/lab?step=3");
      expect((await alice.open("/lab/guest?step=2")).path).toBe("/lab?step=2");
      expect([...alice.jar.keys()].filter((name) => name.startsWith("duet_lab"))).toEqual([]);
      alice.forgetAccess();
    }
    expect((await alice.open("/conversations")).status).toBe(200);
    expect(await t.sql("SELECT * FROM guests")).toEqual([]);
  });

  test("starts where a cookie is left that is nobody's, or of a session that has ended", async () => {
    await using t = await startApp();
    for (const left of ["garbage", "ended"]) {
      const visitor = new Visitor(t);
      await visitor.register(left === "ended" ? "alice" : "bob");
      const name = "duet_refresh";
      const cookie = visitor.jar.get(name)!;
      if (left === "ended") await visitor.submit("/auth/logout");
      visitor.jar.clear();
      visitor.jar.set(name, left === "ended" ? cookie : { ...cookie, value: "a.b.c" });
      expect((await visitor.submit("/auth/lab")).path).toBe("/lab/guest");
      expect(visitor.jar.has(REFRESH)).toBe(true);
    }
  });

  test("is refused by every other route, as whatever token and in whatever cookie", async () => {
    await using t = await startApp({ ...UNLIMITED, DUET_METRICS_TOKEN: "what prometheus says to be let in" });
    const { token } = await asGuest(t);
    const id = "01999999-0000-7000-8000-000000000000";
    const routes = t.app.routes.filter(({ method, path }) => !PUBLIC.has(`${method} ${path}`));
    expect(routes.length).toBeGreaterThan(60);
    for (const { method, path } of routes)
      for (const value of [token(ACCESS), token(REFRESH)]) {
        const answer = await t.fetch(path.replace(":act", "refresh").replaceAll(/:\w+/g, id), {
          method,
          headers: {
            authorization: `Bearer ${value}`,
            cookie: `duet_access=${value}; duet_refresh=${value}; ${ACCESS}=${value}; ${REFRESH}=${value}`,
            "sec-fetch-site": "same-origin",
            "sec-fetch-mode": "cors",
            "hx-request": "true",
          },
        });
        expect([method, path, answer.status]).toEqual([method, path, 401]);
      }
    for (const value of [token(ACCESS), token(REFRESH)]) {
      const refreshed = await t.json("POST", "/api/auth/refresh", { refresh_token: value });
      expect(refreshed.body.code).toBe("token_invalid");
      expect(
        (await t.json("GET", "/auth/verify", undefined, { authorization: `Bearer ${value}` })).status,
      ).toBe(401);
    }
    // One who may ask is told that there is no such token.
    const alice = (
      await t.json("POST", "/api/auth/register", { username: "alice", password: PASSWORDS["alice"] })
    ).body;
    const asked = await t.fetch("/oauth/introspect", {
      method: "POST",
      headers: {
        authorization: `Bearer ${alice.access_token}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: new URLSearchParams({ token: token(ACCESS) }).toString(),
    });
    expect(await asked.json()).toEqual({ active: false });
    const { keys } = (await t.json("GET", "/.well-known/jwks.json")).body;
    expect(keys.map(({ kid }: { kid: string }) => kid)).not.toContain("lab");
  });

  test("takes nobody's real tokens for a guest's", async () => {
    await using t = await startApp();
    const { body } = await t.json("POST", "/api/auth/register", {
      username: "alice",
      password: PASSWORDS["alice"],
    });
    const cookie = `${ACCESS}=${body.access_token}; ${REFRESH}=${body.refresh_token}`;
    const headers = { cookie, "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate" };
    expect(await (await t.fetch("/lab/guest", { headers })).text()).toContain('action="/auth/lab?step=1"');
    const acted = await t.fetch("/lab/guest/refresh", { method: "POST", headers });
    expect([acted.status, acted.headers.get("location")]).toEqual([303, "/lab/guest"]);
    expect(acted.headers.getSetCookie()).toEqual([]);
  });

  test("is gone after an hour, and cleared away", async () => {
    let monotonic = 0;
    await using t = await startApp({}, undefined, { monotonic: () => monotonic });
    const { guest, act, token } = await asGuest(t);
    const held = token(REFRESH);
    const pass = (seconds: number) => {
      advance(seconds);
      monotonic += seconds * 1000;
    };
    pass(LIMITS.guestMs / 1000);
    expect(decided((await act("refresh")).html)).toEqual(["ended"]);
    expect(await t.sql("SELECT id FROM guests")).toHaveLength(1);
    // Nothing is cleared away by a clock that has not been steady for a day.
    pass(24 * 60 * 60 + 1);
    await t.app.duet.housekeeping.tend();
    expect(await t.sql("SELECT id FROM guests")).toEqual([]);
    guest.jar.set(REFRESH, { value: held, path: "/lab/guest", attributes: "" });
    expect((await act("refresh")).html).toContain('action="/auth/lab?step=1"');
    expect((await guest.script("GET", "/lab/guest")).status).toBe(204);
  });

  test("is limited by network, and bounded: the oldest gives way", async () => {
    await using t = await startApp();
    freezeClock();
    const statuses: number[] = [];
    for (let n = 0; n <= THROTTLES.guest_network.burst; n++)
      statuses.push(
        (await t.fetch("/auth/lab", { method: "POST", headers: { "sec-fetch-site": "same-origin" } })).status,
      );
    expect(statuses.at(-1)).toBe(429);
    expect(statuses.filter((status) => status === 303)).toHaveLength(THROTTLES.guest_network.burst);

    const [first] = await t.sql("SELECT id FROM guests ORDER BY id LIMIT 1");
    const old = "00000000-0000-7000-8000-";
    for (let n = 0; n < LIMITS.guestsMax - THROTTLES.guest_network.burst; n++)
      await t.sql(
        "INSERT INTO guests (id, generation, rotated_at, created_at, ends_at) VALUES ($1, 1, 0, 0, $2)",
        old + String(n).padStart(12, "0"),
        Date.now() + 1000,
      );
    advance(60);
    await t.fetch("/auth/lab", { method: "POST", headers: { "sec-fetch-site": "same-origin" } });
    expect(await t.sql("SELECT count(*) AS n FROM guests")).toEqual([{ n: LIMITS.guestsMax }]);
    expect(await t.sql("SELECT id FROM guests WHERE id = $1", `${old}000000000000`)).toEqual([]);
    expect(await t.sql("SELECT id FROM guests WHERE id = $1", first!["id"])).toHaveLength(1);
  });

  test("is limited by networks of networks, too: who has many addresses throws nobody else out", async () => {
    await using t = await startApp({ DUET_TRUSTED_PROXIES: "127.0.0.1" });
    freezeClock();
    const start = async (ip: string) =>
      (
        await t.fetch("/auth/lab", {
          method: "POST",
          headers: { "sec-fetch-site": "same-origin", "x-forwarded-for": ip },
        })
      ).status;
    const many: number[] = [];
    for (let n = 0; n <= THROTTLES.guest_wide_network.burst; n++)
      many.push(await start(`2001:db8:1:${(n % 30).toString(16)}::1`));
    expect(many.filter((status) => status === 303)).toHaveLength(THROTTLES.guest_wide_network.burst);
    expect(many.at(-1)).toBe(429);
    expect(await start("2001:db8:2::1")).toBe(303);
    for (let n = 0; n < THROTTLES.guest_wide_network.burst; n++) await start(`192.0.2.${n}`);
    expect([await start("192.0.2.200"), await start("192.0.3.1")]).toEqual([429, 303]);
  });

  test("takes a copy that nobody stole here for none", async () => {
    await using t = await startApp();
    const { guest, act } = await asGuest(t);
    guest.jar.set("duet_lab_stolen", { value: "junk", path: "/lab/guest", attributes: "" });
    expect((await act("replay")).html).toContain("There is no stolen copy of this session yet.");
  });

  test("has a limit of acts, which leaves the session as it is", async () => {
    await using t = await startApp();
    const { act } = await asGuest(t);
    // Of those that refresh nothing, too.
    const steals: number[] = [];
    for (let n = 0; n <= THROTTLES.refresh_session.burst; n++) steals.push((await act("steal")).status);
    expect(steals.at(-1)).toBe(429);
    await t.sql("DELETE FROM throttles");
    await act("refresh");
    const { burst, everyMs } = THROTTLES.refresh_session;
    await t.sql("UPDATE throttles SET full_at = $1", Date.now() + burst * everyMs);
    expect((await act("refresh")).status).toBe(429);
    await t.sql("DELETE FROM throttles");
    expect(decided((await act("lose")).html)).toEqual(["newest"]);
  });

  test("is one session for all processes: of many at once one makes the next pair", async () => {
    await using t = await startApp(UNLIMITED);
    const { guest, token } = await asGuest(t);
    const held = token(REFRESH);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => guest.script("POST", "/lab/guest/refresh")),
    );
    for (const { status } of answers) expect(status).toBe(200);
    const made = new Set(
      guest.setCookies.filter((line) => line.startsWith(REFRESH)).map((line) => line.split(";")[0]),
    );
    expect(made).toEqual(new Set([`${REFRESH}=${held}`, `${REFRESH}=${token(REFRESH)}`]));
    expect(await t.sql("SELECT generation FROM guests")).toEqual([{ generation: 2 }]);
  });
});
