import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { THROTTLES } from "../src/core/auth/throttle.ts";
import { openPostgres } from "../src/db/postgres.ts";
import { migrate } from "../src/db/migrate.ts";
import { LIMITS } from "../src/limits.ts";
import { createStore } from "../src/store/index.ts";
import { ORIGIN, SECRET, temporaryFolder } from "./support/app.ts";
import { startCluster, type Cluster } from "./support/cluster.ts";
import { KeyHolder } from "./support/dpop.ts";
import { decode, PASSWORDS } from "./support/people.ts";
import { makeDatabase } from "./support/postgres.ts";
import { commandWith } from "./support/process.ts";
import { Stream } from "./support/stream.ts";

const cluster = async (count: number, settings: Record<string, string> = { DUET_RATE_LIMITS: "off" }) =>
  startCluster(count, (await makeDatabase()).url, settings);

const password = PASSWORDS["alice"]!;

async function register(
  c: Cluster,
  username: string,
): Promise<{ id: string; access: string; refresh: string }> {
  const { body } = await c.ask(0, "POST", "/api/auth/register", { username, password });
  return { id: body.user.id, access: body.access_token, refresh: body.refresh_token };
}

const me = (c: Cluster, process: number, token: string) =>
  c.ask(process, "GET", "/api/auth/me", undefined, token);

const refreshAt = (c: Cluster, process: number, refresh_token: string) =>
  c.ask(process, "POST", "/api/auth/refresh", { refresh_token });

/** Opens no stream that would stay open. */
async function tooMany(opening: Promise<Response>): Promise<number> {
  const { status, body } = await opening;
  await body?.cancel();
  return status;
}

describe("four processes on one database", () => {
  test("start at once on an empty one, and have one key ring", async () => {
    await using c = await cluster(4);
    const kids = [];
    for (let i = 0; i < 4; i++) {
      const { body } = await c.ask(i, "GET", "/.well-known/jwks.json");
      kids.push(body.keys.map(({ kid }: { kid: string }) => kid).toSorted());
    }
    expect(kids[0]).toHaveLength(2);
    for (const each of kids) expect(each).toEqual(kids[0]);
    const alice = await register(c, "alice");
    for (let i = 0; i < 4; i++) expect((await me(c, i, alice.access)).status).toBe(200);
  });

  test("make one successor of one token, whoever is asked, and catch the thief who comes late", async () => {
    await using c = await cluster(4, { DUET_RATE_LIMITS: "off", DUET_PROGRAM_OVERLAP: "0" });
    const alice = await register(c, "alice");
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => refreshAt(c, i % 4, alice.refresh)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    const successors = new Set(answers.map(({ body }) => body.refresh_token));
    expect(successors.size).toBe(1);
    const [next] = successors;
    expect(decode(next!).claims.gen).toBe(2);
    // The first use is noted by one process, and counts in all.
    expect((await me(c, 1, answers[0]!.body.access_token)).status).toBe(200);
    const late = await refreshAt(c, 2, alice.refresh);
    expect(late).toMatchObject({ status: 401, body: { reason: "reuse_detected" } });
    expect((await refreshAt(c, 3, next!)).body.reason).toBe("reuse_detected");
  });

  test("take a proof of possession once, whichever of them is asked", async () => {
    await using c = await cluster(4, { DUET_RATE_LIMITS: "off" });
    const key = await KeyHolder.create();
    const alice = { username: "alice", password: PASSWORDS["alice"] };
    const asked = await c.ask(0, "POST", "/api/auth/register", alice, undefined, {
      dpop: await key.proof("POST", "/api/auth/register"),
    });
    // The nonce that one of them gives counts in all.
    key.nonce = asked.headers.get("dpop-nonce")!;
    const headers = { dpop: await key.proof("POST", "/api/auth/register") };
    const { body } = await c.ask(1, "POST", "/api/auth/register", alice, undefined, headers);
    const once = {
      authorization: `DPoP ${body.access_token}`,
      dpop: await key.proof("GET", "/api/auth/me", body.access_token),
    };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => c.ask(i % 4, "GET", "/api/auth/me", undefined, undefined, once)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const again = { dpop: await key.proof("POST", "/api/auth/refresh") };
    const refreshes = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        c.ask(i % 4, "POST", "/api/auth/refresh", { refresh_token: body.refresh_token }, undefined, again),
      ),
    );
    expect(refreshes.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(refreshes.map((answer) => answer.body.refresh_token)).size).toBe(1);
  });

  test("end a session in all of them, however it ends", async () => {
    await using c = await cluster(3);
    const ends: Record<string, (token: string) => Promise<unknown>> = {
      logout: (token) => c.ask(0, "POST", "/api/auth/logout", {}, token),
      logout_all: (token) => c.ask(0, "POST", "/api/auth/logout-all", {}, token),
      password_changed: (token) =>
        c.ask(
          0,
          "POST",
          "/api/auth/password",
          { current_password: password, new_password: PASSWORDS["bob"] },
          token,
        ),
      user_deleted: (token) => c.ask(0, "POST", "/api/auth/delete", { password }, token),
    };
    for (const [reason, end] of Object.entries(ends)) {
      const one = await register(c, reason);
      // Remembered everywhere.
      for (let i = 0; i < 6; i++) expect((await me(c, i % 3, one.access)).status).toBe(200);
      await end(one.access);
      // With the answer, and not a moment later.
      const [first, second] = await Promise.all([me(c, 1, one.access), me(c, 2, one.access)]);
      expect([first.body.reason, second.body.reason]).toEqual([reason, reason]);
    }
  });

  test("never say yes after they were stopped while a session ended", async () => {
    await using c = await cluster(2);
    const stopped = c.processes[1]!.process;
    for (let round = 0; round < 3; round++) {
      const one = await register(c, `person${round}`);
      for (let i = 0; i < 3; i++) expect((await me(c, 1, one.access)).status).toBe(200);
      stopped.kill("SIGSTOP");
      const asked = me(c, 1, one.access);
      // Is answered when the stopped one cannot say yes any more, although it cannot know how long it was.
      await c.ask(0, "POST", "/api/auth/logout", {}, one.access);
      stopped.kill("SIGCONT");
      expect((await asked).body.reason).toBe("logout");
    }
  });

  test("go on by asking the database where nothing is handed on to them", async () => {
    const { url, sql } = await makeDatabase();
    await using c = await startCluster(2, url, { DUET_RATE_LIMITS: "off" });
    const one = await register(c, "alice");
    for (let i = 0; i < 3; i++) expect((await me(c, 1, one.access)).status).toBe(200);
    // Both lose their listener, again and again, while the session ends.
    const cutting = setInterval(
      () =>
        void sql.unsafe(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'",
        ),
      5,
    );
    while ((await c.ask(0, "POST", "/api/auth/logout", {}, one.access)).status !== 204);
    const after = await me(c, 1, one.access);
    clearInterval(cutting);
    expect([401, 503]).toContain(after.status);
  });

  test("take one message for one idempotency key, whoever is asked", async () => {
    await using c = await cluster(4);
    const alice = await register(c, "alice");
    const { body: conversation } = await c.ask(0, "POST", "/api/conversations", { title: "x" }, alice.access);
    const path = `/api/conversations/${conversation.id}/messages`;
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          c.ask(i % 4, "POST", path, { body: `once ${round}` }, alice.access, {
            "idempotency-key": `key-${round}`,
          }),
        ),
      );
      expect(new Set(answers.map(({ body, status }) => `${status} ${body.id}`)).size).toBe(1);
    }
    expect((await c.ask(1, "GET", path, undefined, alice.access)).body.items).toHaveLength(5);
  });

  test("tell everybody everything that is said, each once and in one order, wherever they read", async () => {
    await using c = await cluster(4);
    const names = ["alice", "bob", "carol"];
    const people: Awaited<ReturnType<typeof register>>[] = [];
    for (const name of names) people.push(await register(c, name));
    const [alice] = people;
    const talks: string[] = [];
    for (let n = 0; n < 2; n++) {
      const { body } = await c.ask(n, "POST", "/api/conversations", { title: `talk ${n}` }, alice!.access);
      talks.push(body.id);
      for (const username of names.slice(1))
        await c.ask(n, "POST", `/api/conversations/${body.id}/members`, { username }, alice!.access);
    }
    const streams = await Promise.all(
      people.map((person, i) =>
        Stream.open((path, init) => fetch(c.urlOf(i + 1) + path, init), person.access),
      ),
    );
    const MESSAGES = 150;
    const posts = Array.from({ length: MESSAGES }, async (_, n) => {
      const person = people[n % 3]!;
      const path = `/api/conversations/${talks[n % 2]}/messages`;
      const { body, status } = await c.ask(n % 4, "POST", path, { body: `m${n}` }, person.access);
      expect(status).toBe(201);
      return body.id as string;
    });
    const posted = await Promise.all(posts);
    const heard = await Promise.all(
      streams.map(async (stream) => {
        const events: { id: string; conversation: string }[] = [];
        while (events.length < MESSAGES) {
          const event = await stream.next();
          if (event.event === "message")
            events.push({ id: event.data.id, conversation: event.data.conversation_id });
        }
        return events;
      }),
    );
    for (const events of heard) {
      expect(events.map(({ id }) => id).toSorted()).toEqual(posted.toSorted());
      // The order of the stream is the order of the page.
      for (const talk of talks) {
        const ids = events.filter(({ conversation }) => conversation === talk).map(({ id }) => id);
        expect(ids).toEqual(ids.toSorted());
      }
    }
    // And one order for everybody.
    for (const events of heard) expect(events).toEqual(heard[0]!);
    await Promise.all(streams.map((stream) => stream.close()));
  });

  test("have the guests of the lab together: started at one, refreshed at another, robbed at a third", async () => {
    await using c = await cluster(3);
    const jar = new Map<string, string>();
    const go = async (i: number, method: string, path: string) => {
      const answer = await fetch(c.urlOf(i) + path, {
        method,
        redirect: "manual",
        headers: {
          "sec-fetch-site": "same-origin",
          "sec-fetch-mode": "cors",
          "hx-request": "true",
          cookie: [...jar].map((pair) => pair.join("=")).join("; "),
        },
      });
      for (const line of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
        if (/Max-Age=0/.test(line)) jar.delete(name!);
        else jar.set(name!, value!);
      }
      return { status: answer.status, text: await answer.text() };
    };
    expect((await go(0, "POST", "/auth/lab")).status).toBe(303);
    expect([...jar.keys()].every((name) => name.startsWith("duet_lab_"))).toBe(true);
    expect((await go(1, "POST", "/lab/guest/lose")).text).toContain('data-row="newest"');
    expect((await go(2, "POST", "/lab/guest/refresh")).text).toContain('data-row="unconfirmed"');
    // What was done elsewhere is told a moment later.
    for (let seen = ""; !/the response was lost/.test(seen);) seen = (await go(0, "GET", "/lab/guest")).text;
    await go(1, "POST", "/lab/guest/steal");
    // The thief is first, and at another process; of many at once one makes the next pair.
    expect((await go(2, "POST", "/lab/guest/replay")).text).toContain('data-row="newest"');
    const refresh = [...jar].find(([name]) => name.includes("refresh"))!;
    const all = await Promise.all([0, 1, 2, 0, 1, 2].map((i) => go(i, "POST", "/lab/guest/refresh")));
    for (const { text } of all) expect(text).toContain('data-row="overlap"');
    expect(jar.get(refresh[0])).not.toBe(refresh[1]);
  });

  test("keep one diary of a session for the lab, and count its streams together", async () => {
    await using c = await cluster(3);
    const alice = await register(c, "alice");
    const cookie = { cookie: `duet_access=${alice.access}; duet_refresh=${alice.refresh}` };
    const lab = async (i: number) =>
      (await c.ask(i, "GET", "/lab", undefined, undefined, { ...cookie, accept: "text/html" })).text;
    const entriesOf = (html: string) =>
      /<ol id="lab-log" class="log">(.*?)<\/ol>/s.exec(html)![1]!.match(/<li/g)?.length ?? 0;
    for (const i of [0, 1, 2]) await lab(i);
    for (let n = 0, token = alice.refresh; n < 3; n++)
      token = (await refreshAt(c, n, token)).body.refresh_token;
    // It is told a moment later.
    for (const i of [0, 1, 2]) while (entriesOf(await lab(i)) < 3);

    const open = (i: number) =>
      fetch(`${c.urlOf(i)}/api/events`, { headers: { authorization: `Bearer ${alice.access}` } });
    const streams = [];
    for (let n = 0; n < LIMITS.streamsPerUserMax; n++) {
      const answer = await open(n % 3);
      expect(answer.status).toBe(200);
      streams.push(answer);
    }
    for (const i of [0, 1, 2]) {
      // It is told a moment later.
      while ((await tooMany(open(i))) !== 429);
    }
    for (const stream of streams) await stream.body!.cancel();
  });

  test("do a form once that was sent to several of them, and keep no answer that a reader of the database could open", async () => {
    const { url, sql } = await makeDatabase();
    await using c = await startCluster(3, url, { DUET_RATE_LIMITS: "off" });
    const submit = (i: number, path: string, fields: Record<string, string>) =>
      fetch(c.urlOf(i) + path, {
        method: "POST",
        redirect: "manual",
        headers: {
          origin: ORIGIN,
          "content-type": "application/x-www-form-urlencoded",
          "sec-fetch-site": "same-origin",
        },
        body: new URLSearchParams(fields).toString(),
      });
    const form = { username: "alice", password, email: "" };
    const answers = await Promise.all(
      [0, 1, 2, 0, 1, 2].map((i) => submit(i, "/register?once=a-key-of-the-page", form)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(303));
    const cookies = new Set(answers.map(({ headers }) => headers.getSetCookie().join("\n")));
    expect(cookies.size).toBe(1);
    const [{ n }] = await sql.unsafe("SELECT count(*) AS n FROM sessions");
    expect(Number(n)).toBe(1);
    const [row] = await sql.unsafe("SELECT id, sealed_answer FROM forms");
    expect(Buffer.from(row.sealed_answer, "base64").toString("latin1")).not.toContain("duet_");
    expect(`${row.id} ${row.sealed_answer}`).not.toMatch(/eyJ|a-key-of-the-page/);
    // What was refused may be tried again, anywhere.
    for (const i of [1, 2]) {
      const again = await submit(i, "/login?once=another", { identifier: "alice", password: "wrong" });
      expect(again.status).toBe(401);
    }
    expect(await sql.unsafe("SELECT id FROM forms")).toHaveLength(1);
  });

  test("follow an operator's commands: a rotation signs nobody out, and an account that is disabled is so everywhere", async () => {
    const { url } = await makeDatabase();
    await using c = await startCluster(3, url, { DUET_RATE_LIMITS: "off" });
    const settings = { DUET_DATABASE_URL: url, DUET_SECRET: SECRET, DUET_PUBLIC_URL: ORIGIN };
    const alice = await register(c, "alice");
    const kidOf = (token: string) => decode(token).header.kid;
    let held = alice.refresh;
    for (let n = 0; n < 3; n++) {
      const rotated = await commandWith(settings, "keys", "rotate");
      expect([rotated.errors, rotated.exitCode]).toEqual(["", 0]);
      // Whoever signs with the new one, all the others take it.
      const next = await c.ask(n, "POST", "/api/auth/refresh", { refresh_token: held });
      expect(next.status).toBe(200);
      held = next.body.refresh_token;
      for (let i = 0; i < 3; i++) {
        expect((await me(c, i, next.body.access_token)).status).toBe(200);
        expect((await me(c, i, alice.access)).status).toBe(200);
      }
    }
    const active = (await commandWith(settings, "keys", "list")).out
      .split("\n")
      .find((line) => line.startsWith("active"))!;
    while (!active.includes(kidOf(held))) {
      const next = await c.ask(1, "POST", "/api/auth/refresh", { refresh_token: held });
      held = next.body.refresh_token;
    }
    const disabled = await commandWith(settings, "users", "disable", "alice");
    expect([disabled.exitCode, disabled.out]).toEqual([0, "alice is disabled\n"]);
    for (let i = 0; i < 3; i++) expect((await me(c, i, alice.access)).body.reason).toBe("user_disabled");
    expect((await commandWith({ ...settings, DUET_SECRET: "" }, "keys")).errors).toBe(
      "duet: DUET_SECRET: must be set, the same for all who use one DUET_DATABASE_URL\n",
    );
    const strange = await commandWith({ ...settings, DUET_SECRET: `${SECRET} not` }, "keys");
    expect(strange.errors).toContain("the secret does not open the signing keys");
  });

  test("do nothing more with what was moved away while one of them stood still", async () => {
    const { url } = await makeDatabase();
    await using c = await startCluster(1, url, { DUET_RATE_LIMITS: "off" });
    const alice = await register(c, "alice");
    const { body } = await c.ask(0, "POST", "/api/conversations", { title: "x" }, alice.access);
    const settings = { DUET_DATABASE_URL: url, DUET_SECRET: SECRET };
    const stopped = c.processes[0]!.process;
    stopped.kill("SIGSTOP");
    const archive = join(temporaryFolder(), "duet.jsonl");
    const moved = await commandWith(settings, "export", archive, "--move");
    stopped.kill("SIGCONT");
    expect([moved.errors, moved.exitCode]).toEqual(["", 0]);
    while ((await c.ask(0, "GET", "/readyz")).status !== 503);
    const post = await c.ask(
      0,
      "POST",
      `/api/conversations/${body.id}/messages`,
      { body: "lost" },
      alice.access,
    );
    expect([post.status, (await refreshAt(c, 0, alice.refresh)).status]).toEqual([503, 503]);
    expect(c.processes[0]!.errors()).toContain("moved_away");
  });

  test("count wrong passwords together", async () => {
    await using c = await cluster(4, {});
    await register(c, "alice");
    const statuses = [];
    for (let i = 0; i < THROTTLES.login_account_and_network.burst + 2; i++)
      statuses.push(
        (await c.ask(i % 4, "POST", "/api/auth/login", { username: "alice", password: "wrong" })).status,
      );
    expect(statuses.filter((status) => status === 401)).toHaveLength(
      THROTTLES.login_account_and_network.burst,
    );
    expect(statuses.at(-1)).toBe(429);
  });

  test("let no sign-in with an old password outlive its change", async () => {
    await using c = await cluster(4);
    for (let round = 0; round < 5; round++) {
      const username = `person${round}`;
      const one = await register(c, username);
      const change = { current_password: password, new_password: PASSWORDS["bob"] };
      const [changed, ...logins] = await Promise.all([
        c.ask(0, "POST", "/api/auth/password", change, one.access),
        ...[1, 2, 3, 1, 2, 3].map((i) => c.ask(i, "POST", "/api/auth/login", { username, password })),
      ]);
      expect(changed!.status).toBe(200);
      for (const { status, body } of logins)
        if (status === 200) expect((await me(c, 0, body.access_token)).status).toBe(401);
    }
  });
});

describe("changes that are committed in another order than they were made in", () => {
  test("are told to nobody until none can come before them", async () => {
    const { url } = await makeDatabase();
    const [a, b] = [openPostgres(url), openPostgres(url)];
    await migrate(a);
    const second = createStore(b);
    const change = { user_id: "u", kind: "read" as const, message_id: null, created_at: 1 };
    const next = async (after: number) => {
      await second.settled.reach();
      return (await second.changes.nextFor("u", after, second.settled.upTo()))?.conversation_id;
    };
    const newest = async () => {
      await second.settled.reach();
      return (await second.changes.newest(second.settled.upTo())).id;
    };
    const before = await newest();
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const { promise: made, resolve: isMade } = Promise.withResolvers<void>();
    const early = a.tx(async (q) => {
      const row = await createStore({ ...a, ...q }).changes.insert({ ...change, conversation_id: "early" });
      isMade();
      await held;
      return row;
    });
    await made;
    const late = await second.changes.insert({ ...change, conversation_id: "late" });
    // It is committed, and whoever went on from it would never hear of the one that is not.
    expect(await next(before)).toBeUndefined();
    expect(await newest()).toBe(before);
    const settled = second.settled.reach(late.id);
    letGo();
    const row = await early;
    await settled;
    expect(row.id).toBeLessThan(late.id);
    expect([await next(before), await next(row.id), await next(late.id)]).toEqual([
      "early",
      "late",
      undefined,
    ]);
    await Promise.all([a.close(), b.close()]);
  });
});
