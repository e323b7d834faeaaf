import { describe, expect, test } from "bun:test";
import { createStore } from "../src/store/index.ts";
import { startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { login, me, refresh, register, type Person } from "./support/people.ts";
import { seedAccount } from "./support/seed.ts";

/** More than is cleared away before the answer. */
const ROWS = 3000;

/** Every column that names a user. */
const NAMED =
  "auth_events.user_id conversations.owner_id members.user_id messages.author_id idempotency_keys.user_id username_shapes.user_id sessions.user_id ended_eras.user_id users.id changes.user_id notes.actor_id notes.subject_id invites.maker_id invite_uses.user_id removals.user_id".split(
    " ",
  );

/** How many rows name a user, by table and column. */
async function tracesOf(t: TestApp, userId: string): Promise<Record<string, number>> {
  const traces: Record<string, number> = {};
  for (const name of NAMED) {
    const [table, column] = name.split(".");
    const [found] = await t.sql(`SELECT count(*) AS n FROM ${table} WHERE ${column} = $1`, userId);
    if (found!["n"] > 0) traces[name] = found!["n"];
  }
  return traces;
}

async function shared(owner: Person, ...others: string[]): Promise<string> {
  const { body } = await owner.call("POST", "/api/conversations", { title: "Shared" });
  for (const username of others)
    await owner.call("POST", `/api/conversations/${body.id}/members`, { username });
  return body.id;
}

describe("an account with more of its own than can be cleared away at once", () => {
  test("is gone for everybody with the answer, and every row of it after a restart", async () => {
    await using first = await startApp(UNLIMITED);
    const alice = await register(first, "alice");
    const bob = await register(first, "bob");
    await register(first, "carol");
    const path = `/api/conversations/${await shared(alice, "bob", "carol")}`;
    const alone = await alice.call("POST", "/api/conversations", { title: "Alone" });
    await seedAccount(first.openDb(), alice.id, alone.body.id, ROWS);
    await seedAccount(first.openDb(), bob.id, alone.body.id, 10);
    for (let n = 0; n < 120; n++) await shared(alice, "bob");
    await alice.call("POST", `${path}/messages`, { body: "what alice said" });
    await first.sql(
      "INSERT INTO invites (id, conversation_id, maker_id, uses_max, created_at, ends_at) VALUES ('x', $1, $2, 1, 0, 9000000000000)",
      path.split("/").at(-1)!,
      alice.id,
    );
    const before = await tracesOf(first, bob.id);

    const gone = await alice.call("POST", "/api/auth/delete", { password: alice.password });
    expect(gone.status).toBe(204);
    expect((await tracesOf(first, alice.id))["auth_events.user_id"]).toBeGreaterThan(ROWS / 2);
    // Nobody can tell that rows are left.
    for (const answer of [await me(first, alice.accessToken), await refresh(first, alice.refreshToken)])
      expect(answer).toMatchObject({ status: 401, body: { reason: "user_deleted", ended_by: null } });
    const again = await register(first, "alice");
    expect((await again.call("GET", "/api/conversations")).body.items).toEqual([]);
    const { items } = (await bob.call("GET", `${path}/members`)).body;
    expect(items.map(({ username }: { username: string }) => username)).toEqual(["bob", "carol"]);
    const said = await bob.call("GET", `${path}/messages`);
    expect(said.body.items).toMatchObject([{ body: "what alice said", author: null }]);
    const invited = await bob.call("POST", `${path}/members`, { username: "alice" });
    expect(invited.status).toBe(201);

    await using t = await first.restart();
    await t.app.duet.housekeeping.tend();
    // Its sessions stay, to tell its tokens so, and name no device.
    expect(await tracesOf(t, alice.id)).toEqual({
      "sessions.user_id": ROWS + 1,
      "ended_eras.user_id": 1,
    });
    const devices = await t.sql("SELECT DISTINCT user_agent, ip FROM sessions WHERE user_id = $1", alice.id);
    expect(devices).toEqual([{ user_agent: "", ip: "" }]);
    const [left] = await t.sql(
      `SELECT (SELECT count(*) FROM terms) - (SELECT count(*) FROM messages)
              - (SELECT count(*) FROM conversations) AS n`,
    );
    expect(left).toEqual({ n: 0 });
    // Nothing of anybody else's went: what they shared is the others' now, and bob's copies of it are.
    const after = await tracesOf(t, bob.id);
    expect(after["conversations.owner_id"]).toBe(121);
    expect(after["sessions.user_id"]).toBe(before["sessions.user_id"]);
    expect((await me(t, bob.accessToken)).status).toBe(200);
    expect((await login(t, "bob")).id).toBe(bob.id);
    expect((await me(t, again.accessToken)).status).toBe(200);
  });

  test("passes on nothing to another one that has gone meanwhile", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const bob = await register(t, "bob");
    const carol = await register(t, "carol");
    const path = `/api/conversations/${await shared(alice, "bob", "carol")}`;
    const alone = await bob.call("POST", "/api/conversations", { title: "Alone" });
    await seedAccount(t.openDb(), bob.id, alone.body.id, ROWS);
    for (const each of [bob, alice]) await each.call("POST", "/api/auth/delete", { password: each.password });
    await t.app.duet.housekeeping.tend();
    expect((await carol.call("GET", path)).body.owner_id).toBe(carol.id);
    expect((await tracesOf(t, bob.id))["members.user_id"]).toBeUndefined();
  });
});

describe("ending every session of an account", () => {
  test("leaves the ends that were there before, and touches none that come after", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const signedOut = await login(t, "alice");
    await signedOut.call("POST", "/api/auth/logout", { refresh_token: signedOut.refreshToken });
    const everywhere = await login(t, "alice");
    await everywhere.call("POST", "/api/auth/logout-all");
    const after = await login(t, "alice");
    const { body } = await after.call("POST", "/api/auth/password", {
      current_password: after.password,
      new_password: "seven quiet ferries home",
    });
    const reasons = [];
    for (const { accessToken } of [signedOut, alice, everywhere, after])
      reasons.push((await me(t, accessToken)).body.reason);
    expect(reasons).toEqual(["logout", "logout_all", "logout_all", "password_changed"]);
    expect((await me(t, body.access_token)).status).toBe(200);
    const devices = await t.json("GET", "/api/auth/sessions", undefined, {
      authorization: `Bearer ${body.access_token}`,
    });
    expect(devices.body.items).toHaveLength(1);
    // What is over is not ended once more.
    expect((await refresh(t, alice.refreshToken)).body.reason).toBe("logout_all");
    await t.json("POST", "/api/auth/logout", { refresh_token: alice.refreshToken });
    expect((await me(t, alice.accessToken)).body.reason).toBe("logout_all");
  });

  test("is not overtaken by a refresh or a first use that had read the session before", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const db = t.openDb();
    const store = createStore(db);
    const [row] = await store.sessions.listLive(alice.id, Date.now(), null, 1);
    await alice.call("POST", "/api/auth/logout-all");
    expect(await store.sessions.advance({ ...row!, generation: 2 })).toBeNull();
    expect(await store.sessions.confirm(row!.id, 1, Date.now())).toBe(0);
    expect(await store.sessions.listLive(alice.id, Date.now(), null, 1)).toEqual([]);
    await db.close();
  });
});
