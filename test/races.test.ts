import { describe, expect, setSystemTime, test } from "bun:test";
import { indexedTerms, matchOf, messageMark } from "../src/core/chat/terms.ts";
import { createForms } from "../src/core/forms.ts";
import { migrate } from "../src/db/migrate.ts";
import { openPostgres } from "../src/db/postgres.ts";
import { createStore } from "../src/store/index.ts";
import { SECRET, startApp, UNLIMITED } from "./support/app.ts";
import { login, me, refresh, register } from "./support/people.ts";
import { makeDatabase } from "./support/postgres.ts";
import { seedAccount } from "./support/seed.ts";

/** An application on PostgreSQL, and what a test does to it from the side. */
async function start() {
  const { url, sql } = await makeDatabase();
  const t = await startApp({ ...UNLIMITED, DUET_DATABASE_URL: url, DUET_SECRET: SECRET });
  return Object.assign(t, {
    url,
    rows: async (text: string, ...values: string[]): Promise<any[]> => sql.unsafe(text, values),
    /** Whoever wants to change a conversation waits, until the function that it answers is called. */
    async holdTurn(conversationId: string) {
      const connection = await sql.reserve();
      await connection.unsafe("BEGIN");
      await connection.unsafe("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [conversationId]);
      return async () => {
        await connection.unsafe("COMMIT");
        connection.release();
      };
    },
    /** Resolves when so many transactions wait for their turn. */
    async waiting(count: number) {
      const asked = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
      while (Number((await sql.unsafe(asked))[0].n) < count) await Bun.sleep(5);
    },
  });
}

describe("on PostgreSQL, at the same moment", () => {
  test("whoever leaves a conversation while its owner deletes the account has not become its owner", async () => {
    await using t = await start();
    const [alice, bob, carol] = [
      await register(t, "alice"),
      await register(t, "bob"),
      await register(t, "carol"),
    ];
    const { body } = await alice.call("POST", "/api/conversations", { title: "Shared" });
    const path = `/api/conversations/${body.id}`;
    for (const username of ["bob", "carol"]) await alice.call("POST", `${path}/members`, { username });
    await carol.call("POST", `${path}/messages`, { body: "what carol said" });
    const letGo = await t.holdTurn(body.id);
    const deleting = alice.call("POST", "/api/auth/delete", { password: alice.password });
    await t.waiting(1);
    const leaving = bob.call("DELETE", `${path}/members/${bob.id}`);
    await t.waiting(2);
    await letGo();
    expect([(await deleting).status, (await leaving).status]).toEqual([204, 409]);
    const owner = (await carol.call("GET", path)).body.owner_id;
    expect(owner).toBe(bob.id);
    await bob.call("POST", "/api/auth/delete", { password: bob.password });
    expect((await carol.call("GET", path)).body.owner_id).toBe(carol.id);
    expect((await carol.call("GET", `${path}/messages`)).body.items).toHaveLength(1);
  });

  test("nobody is let in who has just gone, by an owner who is none any more, or into what was removed", async () => {
    await using t = await start();
    const [alice, bob] = [await register(t, "alice"), await register(t, "bob")];
    const { body } = await alice.call("POST", "/api/conversations", { title: "Shared" });
    const path = `/api/conversations/${body.id}`;
    const own = await bob.call("POST", "/api/conversations", { title: "Own" });
    // More than is cleared away before the answer.
    await seedAccount(openPostgres(t.url), bob.id, own.body.id, 3000);
    let letGo = await t.holdTurn(body.id);
    const inviting = alice.call("POST", `${path}/members`, { username: "bob" });
    await t.waiting(1);
    await bob.call("POST", "/api/auth/delete", { password: bob.password });
    await letGo();
    expect(await inviting).toMatchObject({ status: 422, body: { errors: [{ code: "no_such_user" }] } });

    await register(t, "carol");
    letGo = await t.holdTurn(body.id);
    const acts = [
      alice.call("DELETE", path),
      alice.call("POST", `${path}/members`, { username: "carol" }),
      alice.call("PATCH", path, { title: "Another" }),
      alice.call("POST", `${path}/messages`, { body: "too late" }),
    ];
    await t.waiting(4);
    await letGo();
    // In whatever order they come: after the removal nothing is done.
    const statuses = (await Promise.all(acts)).map(({ status }) => status);
    expect(statuses[0]).toBe(204);
    for (const status of statuses.slice(1)) expect([200, 201, 404]).toContain(status);
    const after = await alice.call("POST", `${path}/messages`, { body: "later" });
    expect(after.status).toBe(404);
  });

  test("no more than the most are members, whoever invites", async () => {
    await using t = await start();
    const alice = await register(t, "alice");
    const { body } = await alice.call("POST", "/api/conversations", { title: "Full" });
    await t.rows(
      "INSERT INTO users (id, username, username_key, password_hash, created_at) SELECT '01999999-0000-7000-8000-' || lpad(i::text, 12, '0'), 'x' || i, 'x' || i, 'x', 1 FROM generate_series(1, 220) i",
    );
    await t.rows(
      "INSERT INTO members (conversation_id, user_id, joined_at) SELECT $1, '01999999-0000-7000-8000-' || lpad(i::text, 12, '0'), 1 FROM generate_series(1, 195) i",
      body.id,
    );
    const invited = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        alice.call("POST", `/api/conversations/${body.id}/members`, { username: `x${200 + n}` }),
      ),
    );
    expect(invited.filter(({ status }) => status === 201)).toHaveLength(4);
    const [{ n }] = await t.rows("SELECT count(*) AS n FROM members WHERE conversation_id = $1", body.id);
    expect(Number(n)).toBe(200);
    // All of them are told of its end by one lock.
    const letGo = await t.holdTurn(body.id);
    const removing = alice.call("DELETE", `/api/conversations/${body.id}`);
    await t.waiting(1);
    await letGo();
    expect((await removing).status).toBe(204);
  });

  test("a change of the tables by a newer Duet is no error of the older one that goes on", async () => {
    await using t = await start();
    await register(t, "alice");
    const signIns = () => Promise.all(Array.from({ length: 20 }, () => login(t, "alice")));
    await signIns();
    await t.rows("ALTER TABLE users ADD COLUMN newer TEXT");
    await t.rows("ALTER TABLE sessions ADD COLUMN newer TEXT");
    expect(await signIns()).toHaveLength(20);
  });

  test("a start waits for the one that brings the schema up to date, however long that takes", async () => {
    const { url } = await makeDatabase();
    const [first, second] = [openPostgres(url), openPostgres(url)];
    const held = Promise.withResolvers<void>();
    let isHeld = false;
    const slow = first.alone(async () => {
      isHeld = true;
      await held.promise;
      await first.tx((q) => q.all("SELECT pg_sleep(6)"));
    });
    while (!isHeld) await Bun.sleep(5);
    const order: string[] = [];
    const waits = second.alone(async () => void order.push("second"));
    held.resolve();
    await slow;
    order.unshift("first");
    await waits;
    expect(order).toEqual(["first", "second"]);
    await Promise.all([first.close(), second.close()]);
  }, 20_000);
});

describe("a form that several processes were sent", () => {
  test("is done by one of those that wait when the first one is gone, and by no more", async () => {
    const { url } = await makeDatabase();
    const db = openPostgres(url);
    await migrate(db);
    const store = createStore(db);
    const forms = createForms({ store, clock: Date.now });
    const first = (await forms.claim("f")) as { claim: string };
    await forms.settle("f", "another", null);
    const waiting = [forms.claim("f"), forms.claim("f"), forms.claim("f")];
    // It was refused: one of the three does it, and tells the others.
    await forms.settle("f", first.claim, null);
    const next = (await Promise.race(waiting)) as { claim: string };
    expect(next.claim).toBeString();
    await forms.settle("f", first.claim, null);
    await forms.settle("f", next.claim, "sealed");
    const all = await Promise.all(waiting);
    expect(all.filter((each) => "claim" in each)).toHaveLength(1);
    expect(all.filter((each) => "sealedAnswer" in each)).toEqual(Array(2).fill({ sealedAnswer: "sealed" }));
    await db.close();
  });
});

describe("a process on PostgreSQL whose clock is wrong", () => {
  test("goes by the database's, is not ready, and says why", async () => {
    const { url } = await makeDatabase();
    const settings = { ...UNLIMITED, DUET_DATABASE_URL: url, DUET_SECRET: SECRET };
    await using t = await startApp(settings, undefined, { clock: undefined });
    const alice = await register(t, "alice");
    expect((await t.fetch("/readyz")).status).toBe(200);
    const now = Date.now();
    setSystemTime(now + 3_600_000);
    const answer = await t.fetch("/readyz");
    expect(answer.status).toBe(503);
    const said = t.logged
      .filter(({ event }) => event === "unavailable")
      .map(({ facts }) => String(facts["cause"]));
    expect(said.at(-1)).toMatch(/^the clock is 3[56]\d\d\.\d s off the database's$/);
    // An hour is longer than the access token lives, and nobody is signed out by it.
    expect((await alice.call("GET", "/api/auth/sessions")).status).toBe(200);
    // But nothing is signed that would say a wrong time.
    expect((await refresh(t, alice.refreshToken)).status).toBe(503);
    setSystemTime();
    expect((await t.fetch("/readyz")).status).toBe(200);
    const next = await refresh(t, alice.refreshToken);
    expect((await me(t, next.body.access_token)).status).toBe(200);
  });
});

describe("on PostgreSQL, with much of others'", () => {
  test("search and streams go by an index, whatever is asked for", async () => {
    const { url, sql } = await makeDatabase();
    const db = openPostgres(url);
    await migrate(db);
    const store = createStore(db);
    // The words of 60,000 messages in 3,000 conversations.
    await sql.unsafe(
      `INSERT INTO terms SELECT n, ('''c' || n % 3000 || 'p0' || chr(57344) || 'hello'':1')::tsvector FROM generate_series(1, 60000) n`,
    );
    await sql.unsafe(
      "INSERT INTO changes (conversation_id, user_id, kind, created_at) SELECT 'c' || n % 3000, NULL, 'message', n FROM generate_series(1, 60000) n",
    );
    await sql.unsafe("ANALYZE");
    // As it is with so many that going through all of them is out of the question.
    const connection = await sql.reserve();
    await connection.unsafe("SET enable_seqscan = off");
    const plans: string[] = [];
    const explained = createStore({
      ...db,
      async all(text: string, ...values: (string | number | null)[]) {
        const plan = await connection.unsafe(`EXPLAIN ${text}`, values);
        plans.push(plan.map((row: { "QUERY PLAN": string }) => row["QUERY PLAN"]).join("\n"));
        return [];
      },
    });
    for (const marks of [1, 5, 20, 66]) {
      const match = matchOf(
        Array.from({ length: marks }, (_, n) => messageMark(n, 0)),
        ["hello"],
      );
      await explained.terms.findMessages(match, Number.MAX_SAFE_INTEGER, 31);
      await explained.terms.findTitles(match);
    }
    expect(plans).toHaveLength(8);
    for (const plan of plans) expect([plan, plan.includes("terms_words")]).toEqual([plan, true]);
    expect(indexedTerms(messageMark(1, 0), "hello")).toEqual([`c1p0${String.fromCharCode(57344)}hello`]);
    await store.settled.reach();
    const upTo = store.settled.upTo();
    const plan = await sql.unsafe(
      "EXPLAIN SELECT min(id) FROM changes WHERE conversation_id = $1 AND id > $2 AND id <= $3 AND user_id IS NULL",
      ["c7", 100, upTo],
    );
    expect(plan.map((row: { "QUERY PLAN": string }) => row["QUERY PLAN"]).join("\n")).not.toContain(
      "Seq Scan",
    );
    connection.release();
    await db.close();
  }, 30_000);
});
