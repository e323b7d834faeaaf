import { COMMAND_LINE } from "../src/core/auth/actors.ts";
import { describe, expect, test } from "bun:test";
import { SECURITY_EVENT_KINDS } from "../src/core/auth/security.ts";
import { advance, freezeClock, startApp } from "./support/app.ts";
import { login, me, PASSWORDS, refresh, register } from "./support/people.ts";

describe("security events", () => {
  test("say who did what, when, from where, and whether it succeeded: every kind of them", async () => {
    freezeClock();
    await using t = await startApp({ DUET_TRUSTED_PROXIES: "127.0.0.1" });
    const alice = await register(t, "alice");
    const signIn = { username: "alice", password: alice.password };
    const headers = { "user-agent": "curl/8.5.0", "x-forwarded-for": "192.0.2.1" };
    await t.json("POST", "/api/auth/login", { ...signIn, password: "wrong" }, headers);
    const other = await login(t, "alice");
    const id = (await other.call("GET", "/api/auth/sessions")).body.items.find((s: any) => s.current).id;
    await alice.call("DELETE", `/api/auth/sessions/${id}`);
    await (await login(t, "alice")).call("POST", "/api/auth/logout");
    await alice.call("PATCH", "/api/auth/me", { username: "Alice" });
    const change = { current_password: alice.password, new_password: PASSWORDS["bob"] };
    await alice.call("POST", "/api/auth/password", { ...change, current_password: "wrong" });
    alice.accessToken = (await alice.call("POST", "/api/auth/password", change)).body.access_token;
    await alice.call("POST", "/api/auth/delete", { password: "wrong" });
    const thief = await t.json("POST", "/api/auth/login", { ...signIn, password: PASSWORDS["bob"] });
    const next = await refresh(t, thief.body.refresh_token);
    await me(t, next.body.access_token);
    advance(121);
    await t.json("POST", "/api/auth/refresh", { refresh_token: thief.body.refresh_token }, headers);
    await alice.call("POST", "/api/auth/logout-all");
    const { operator, links } = t.app.duet;
    const user = await operator.find("alice");
    await operator.disable(user);
    await operator.enable(user);
    await operator.setOperator(user, true);
    await operator.setOperator(user, false);
    const link = await links.makeReset(user, COMMAND_LINE);
    const set = { token: new URL(link).searchParams.get("token"), new_password: PASSWORDS["bob"] };
    expect((await t.json("POST", "/api/auth/reset", set)).status).toBe(204);
    const back = await t.json("POST", "/api/auth/login", { ...signIn, password: PASSWORDS["bob"] });

    const answer = await t.json("GET", "/api/auth/events", undefined, {
      authorization: `Bearer ${back.body.access_token}`,
    });
    const { items, next: more } = answer.body;
    expect(more).toBeNull();
    expect(items.map((e: any) => `${e.kind} ${e.outcome}`)).toEqual([
      "login success",
      "password_reset success",
      "reset_link success",
      "operator_unmake success",
      "operator_make success",
      "account_enable success",
      "account_disable success",
      "logout_all success",
      "reuse_detected failure",
      "login success",
      "account_delete failure",
      "password_change success",
      "password_change failure",
      "profile_change success",
      "logout success",
      "login success",
      "session_revoke success",
      "login success",
      "login failure",
      "register success",
    ]);
    // Those of keys: dpop.test.ts, dbsc.test.ts; of the operators' page: admin.test.ts; of factors: factors.test.ts; of addresses: emails.test.ts.
    const others = /^(?:key_|invitation|step_up|second_factor|factor_|recovery_code|passkey_|email_)/;
    const kinds = SECURITY_EVENT_KINDS.filter((kind) => !others.test(kind));
    expect(new Set(items.map((e: any) => e.kind))).toEqual(new Set(kinds));
    expect(items[0]).toEqual({
      id: expect.any(String),
      kind: "login",
      outcome: "success",
      created_at: new Date().toISOString(),
      device: null,
      ip: "127.0.0.1",
      operator: null,
      session_id: expect.any(String),
      session_kind: "program",
      session_bound: false,
      current: true,
    });
    for (const event of [items[8], items[18]])
      expect(event).toMatchObject({ device: "curl", ip: "192.0.2.1" });
    expect(answer.text).not.toMatch(/wrong|eyJ/);
  });

  test("are one's own, newest first, page by page", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const bob = await register(t, "bob");
    for (const username of ["Alice", "ALICE", "aLice"])
      await alice.call("PATCH", "/api/auth/me", { username });
    const first = (await alice.call("GET", "/api/auth/events?limit=3")).body;
    const rest = (await alice.call("GET", `/api/auth/events?limit=3&before=${first.next}`)).body;
    expect(first.items).toHaveLength(3);
    expect(rest.items.map((e: any) => e.kind)).toEqual(["register"]);
    expect(rest.next).toBeNull();
    expect((await bob.call("GET", "/api/auth/events")).body.items).toHaveLength(1);
    for (const query of ["before=x", "limit=0", "limit=x", `before=${"%00".repeat(3)}`])
      expect((await alice.call("GET", `/api/auth/events?${query}`)).status).toBe(422);
  });

  test("are kept for as long as the setting says", async () => {
    freezeClock();
    await using t = await startApp({ DUET_EVENT_RETENTION: "1d", DUET_ACCESS_TTL: "1d" });
    const alice = await register(t, "alice");
    await t.json("POST", "/api/auth/login", { username: "nobody", password: "x" });
    const kinds = async () => {
      await t.app.duet.housekeeping.tend();
      return (await alice.call("GET", "/api/auth/events")).body.items.map((e: any) => e.kind);
    };
    advance(86_000);
    await alice.call("PATCH", "/api/auth/me", { username: "Alice" });
    expect(await kinds()).toEqual(["profile_change", "register"]);
    advance(500);
    alice.accessToken = (await refresh(t, alice.refreshToken)).body.access_token;
    expect(await kinds()).toEqual(["profile_change"]);
  });
});
