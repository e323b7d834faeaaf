import { describe, expect, test } from "bun:test";
import { nameDevice } from "../src/core/auth/devices.ts";
import { advance, freezeClock, startApp } from "./support/app.ts";
import { login, me, refresh, register } from "./support/people.ts";

const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1";

describe("one's devices", () => {
  test("are listed, the last one seen first, the present one marked, and nothing in them opens anything", async () => {
    freezeClock();
    await using t = await startApp();
    const laptop = await register(t, "alice");
    await register(t, "bob");
    advance(60);
    const credentials = { username: "alice", password: laptop.password };
    const phone = (await t.json("POST", "/api/auth/login", credentials, { "user-agent": IPHONE })).body;
    const { status, body } = await laptop.call("GET", "/api/auth/sessions");
    expect([status, body.next]).toEqual([200, null]);
    expect(body.items).toEqual([
      {
        id: expect.any(String),
        current: false,
        device: "Safari on iPhone",
        name: null,
        kind: "program",
        bound: false,
        ip: "127.0.0.1",
        created_at: "2026-11-23T09:01:00.000Z",
        seen_at: "2026-11-23T09:01:00.000Z",
        idle_ends_at: "2026-11-30T09:01:00.000Z",
        ends_at: "2027-02-21T09:01:00.000Z",
      },
      expect.objectContaining({ current: true, created_at: "2026-11-23T09:00:00.000Z" }),
    ]);
    for (const { id } of body.items) {
      expect((await me(t, id)).status).toBe(401);
      expect((await refresh(t, id)).status).toBe(401);
    }
    expect((await me(t, phone.access_token)).status).toBe(200);
  });

  test("have a name that one can give them, and keep it when a new password begins a new session", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const bob = await register(t, "bob");
    const own = async (who = alice) => (await who.call("GET", "/api/auth/sessions")).body.items;
    const [{ id }] = await own();
    const rename = (name: unknown, who = alice) => who.call("PATCH", `/api/auth/sessions/${id}`, { name });
    expect((await rename("  The old laptop  ")).status).toBe(204);
    expect(await own()).toMatchObject([{ name: "The old laptop" }]);
    for (const [name, status] of [
      ["x".repeat(61), 422],
      ["\ud800", 422],
      [3, 422],
    ] as const)
      expect((await rename(name)).status).toBe(status);
    // Nobody else's, as if it were not there.
    expect((await rename("mine", bob)).status).toBe(404);
    expect(await own()).toMatchObject([{ name: "The old laptop" }]);
    const changed = await alice.call("POST", "/api/auth/password", {
      current_password: alice.password,
      new_password: "a kettle for the lighthouse",
    });
    alice.accessToken = changed.body.access_token;
    expect(await own()).toMatchObject([{ name: "The old laptop", current: true }]);
    const [now] = await own();
    expect((await alice.call("PATCH", `/api/auth/sessions/${now.id}`, { name: " " })).status).toBe(204);
    expect(await own()).toMatchObject([{ name: null }]);
    // It goes with the account, whose sessions say for a while how they ended.
    await alice.call("PATCH", `/api/auth/sessions/${now.id}`, { name: "Mine" });
    await alice.call("POST", "/api/auth/delete", { password: "a kettle for the lighthouse" });
    expect(await t.sql("SELECT name FROM device_names")).toEqual([]);
  });

  test("are each ended from any other, at once", async () => {
    await using t = await startApp();
    const phone = await register(t, "alice");
    const laptop = await login(t, "alice");
    const { items } = (await laptop.call("GET", "/api/auth/sessions")).body;
    const other = items.find((session: any) => !session.current).id;
    expect((await laptop.call("DELETE", `/api/auth/sessions/${other}`)).status).toBe(204);
    expect((await me(t, phone.accessToken)).body.reason).toBe("revoked");
    expect((await refresh(t, phone.refreshToken)).body.reason).toBe("revoked");
    expect((await laptop.call("GET", "/api/auth/sessions")).body.items).toHaveLength(1);
    expect((await laptop.call("DELETE", `/api/auth/sessions/${other}`)).status).toBe(404);
    const own = items.find((session: any) => session.current).id;
    expect((await laptop.call("DELETE", `/api/auth/sessions/${own}`)).status).toBe(204);
    expect((await me(t, laptop.accessToken)).body.reason).toBe("revoked");
  });

  test("are nobody else's to end", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const bob = await register(t, "bob");
    const [{ id }] = (await alice.call("GET", "/api/auth/sessions")).body.items;
    const attempt = async (target: string) => (await bob.call("DELETE", `/api/auth/sessions/${target}`)).text;
    expect(await attempt(id)).toContain("not_found");
    expect(await attempt(id)).toBe(await attempt("01999999-0000-7000-8000-000000000000"));
    expect((await me(t, alice.accessToken)).status).toBe(200);
  });

  test("that are over are not listed", async () => {
    freezeClock();
    await using t = await startApp();
    await register(t, "alice");
    advance(7 * 86_400);
    const alice = await login(t, "alice");
    expect((await alice.call("GET", "/api/auth/sessions")).body.items).toHaveLength(1);
  });
});

describe("a device's name", () => {
  test.each([
    [IPHONE, "Safari on iPhone"],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
      "Firefox on Windows",
    ],
    ["curl/8.5.0", "curl"],
    ["python-requests/2.31", "python-requests"],
    ["", null],
    ["<script>alert(1)</script>", null],
    ["\u0000\u0007", null],
    ["Mozilla/5.0 (".repeat(30), "Mozilla/5.0 (".repeat(30).slice(0, 60)],
  ])("from %j is %p", (userAgent, name) => {
    expect(nameDevice(userAgent)).toBe(name);
  });
});
