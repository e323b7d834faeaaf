import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openPostgres } from "../src/db/postgres.ts";
import { migrate } from "../src/db/migrate.ts";
import { createStore } from "../src/store/index.ts";
import { answerOf, type Answer } from "./support/app.ts";
import { send, startCluster, type Cluster } from "./support/cluster.ts";
import { PASSWORDS } from "./support/people.ts";
import { startPostgres, type PostgresServer } from "./support/postgres.ts";
import { wireTo } from "./support/wire.ts";

/** Back without a restart, as the issue has it. */
const BACK_MS = 5000;
const password = PASSWORDS["alice"]!;
const UNLIMITED = { DUET_RATE_LIMITS: "off" };

let server: PostgresServer;
beforeAll(async () => void (server = await startPostgres()));
afterAll(() => server[Symbol.asyncDispose]());

let made = 0;
async function database(): Promise<string> {
  const name = `faults_${++made}`;
  const sql = new Bun.SQL({ url: server.urlOf("postgres"), max: 1 });
  await sql.unsafe(`CREATE DATABASE ${name}`);
  await sql.close();
  return name;
}

const through = (port: number, name: string) => `postgres://duet@127.0.0.1:${port}/${name}`;

/** Somebody who is signed in and talks, and all that they were told. */
async function talker(c: Cluster, username = "alice") {
  const { body: pair } = await c.ask(0, "POST", "/api/auth/register", { username, password });
  const { body: conversation } = await c.ask(
    0,
    "POST",
    "/api/conversations",
    { title: "x" },
    pair.access_token,
  );
  const path = `/api/conversations/${conversation.id}/messages`;
  const said: string[] = [];
  const statuses = new Set<number>();
  const lacking: Answer[] = [];
  let refreshToken: string = pair.refresh_token;
  const note = (answer: Answer) => {
    statuses.add(answer.status);
    if (answer.status === 503 && !answer.headers.get("retry-after")) lacking.push(answer);
    return answer;
  };
  let n = 0;
  return {
    token: pair.access_token as string,
    statuses,
    lacking,
    me: async (i: number) => note(await c.ask(i, "GET", "/api/auth/me", undefined, pair.access_token)),
    /** Says something, again and again until it is said, as a client does that retries. */
    async say(i: number): Promise<void> {
      const body = `${username} ${n++}`;
      const headers = { "idempotency-key": body.replace(" ", "-") };
      for (;;) {
        const answer = note(await c.ask(i, "POST", path, { body }, pair.access_token, headers));
        if (answer.status === 201) return void said.push(body);
        await Bun.sleep(20);
      }
    },
    async refresh(i: number): Promise<void> {
      const answer = note(await c.ask(i, "POST", "/api/auth/refresh", { refresh_token: refreshToken }));
      if (answer.status === 200) refreshToken = answer.body.refresh_token;
    },
    /** What was said and acknowledged is there, each once. */
    async check(i: number): Promise<void> {
      const found: string[] = [];
      for (let after = "00000000-0000-7000-8000-000000000000"; ;) {
        const { body } = await c.ask(
          i,
          "GET",
          `${path}?limit=100&after=${after}`,
          undefined,
          pair.access_token,
        );
        found.push(...body.items.map((message: { body: string }) => message.body));
        if (body.next === null) break;
        after = body.next;
      }
      expect(found.toSorted()).toEqual(said.toSorted());
      expect(statuses.size).toBeGreaterThan(0);
      expect([...statuses].filter((status) => ![200, 201, 503].includes(status))).toEqual([]);
      expect(lacking).toEqual([]);
    },
  };
}

/** All of it, over and over, while `work` goes on. */
async function busy(c: Cluster, person: Awaited<ReturnType<typeof talker>>, work: () => Promise<unknown>) {
  let isDone = false;
  const everything = Promise.all([
    (async () => {
      while (!isDone) await person.say(0);
    })(),
    (async () => {
      while (!isDone) {
        await person.me(c.processes.length - 1);
        await Bun.sleep(1);
      }
    })(),
    (async () => {
      while (!isDone) {
        await person.refresh(0);
        await Bun.sleep(5);
      }
    })(),
  ]);
  await work();
  isDone = true;
  await everything;
}

/** How long it takes until a write is done again. */
async function backAfter(c: Cluster, i: number): Promise<number> {
  const since = performance.now();
  while ((await c.ask(i, "GET", "/readyz")).status !== 200) await Bun.sleep(10);
  return performance.now() - since;
}

describe("PostgreSQL", () => {
  test.each(["SIGINT", "SIGQUIT", "SIGKILL"] as const)(
    "stopped by %s and started again: 503 meanwhile, back by itself, nothing lost and nothing twice",
    async (signal) => {
      await using c = await startCluster(2, server.urlOf(await database()), UNLIMITED);
      const alice = await talker(c);
      await busy(c, alice, async () => {
        await Bun.sleep(200);
        await server.stop(signal);
        // What is remembered is used no longer than its lease.
        while ((await alice.me(1)).status !== 503) await Bun.sleep(10);
        expect((await c.ask(0, "GET", "/readyz")).status).toBe(503);
        expect((await c.ask(0, "GET", "/healthz")).status).toBe(200);
        await server.start();
        for (const i of [0, 1]) expect(await backAfter(c, i)).toBeLessThan(BACK_MS);
        expect((await alice.me(1)).status).toBe(200);
        await Bun.sleep(200);
      });
      expect(alice.statuses).toContain(503);
      await alice.check(1);
    },
  );

  test("whose connections are cut, a hundred times: nothing is lost, and none of them leaks", async () => {
    const name = await database();
    await using c = await startCluster(1, server.urlOf(name), UNLIMITED);
    const alice = await talker(c);
    const sql = new Bun.SQL({ url: server.urlOf("postgres"), max: 1 });
    const connections = async () =>
      Number((await sql.unsafe(`SELECT count(*) AS n FROM pg_stat_activity WHERE datname = '${name}'`))[0].n);
    await busy(c, alice, async () => {
      for (let i = 0; i < 100; i++) {
        await sql.unsafe(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
        await Bun.sleep(15);
      }
    });
    expect(await backAfter(c, 0)).toBeLessThan(BACK_MS);
    // The pool, and the one that listens.
    expect(await connections()).toBeLessThanOrEqual(21);
    await alice.check(0);
    await sql.close();
  });

  test("whose answer to a COMMIT is lost: what was done is found by the retry, and an end that was committed holds", async () => {
    const name = await database();
    await using wire = wireTo(server.port);
    await using c = await startCluster(1, through(wire.port, name), UNLIMITED);
    await using beside = await startCluster(1, server.urlOf(name), UNLIMITED);
    const alice = await talker(c);
    for (let i = 0; i < 3; i++) expect((await alice.me(0)).status).toBe(200);
    let cuts = 0;
    /** The next commit that answers is the last that its connection hears of. */
    const loseOne = () => {
      wire.watch = (bytes) => {
        if (!bytes.includes("COMMIT\0")) return "pass";
        wire.watch = undefined;
        cuts++;
        return "cut";
      };
    };
    for (let i = 0; i < 10; i++) {
      loseOne();
      await alice.say(0);
    }
    loseOne();
    await alice.refresh(0);
    await alice.refresh(0);
    expect(cuts).toBe(11);
    await alice.check(0);
    loseOne();
    const out = await c.ask(0, "POST", "/api/auth/logout", {}, alice.token);
    expect([out.status, cuts]).toEqual([503, 12]);
    // Committed, whatever was answered.
    expect((await beside.ask(0, "GET", "/api/auth/me", undefined, alice.token)).body.reason).toBe("logout");
    const own = await c.ask(0, "GET", "/api/auth/me", undefined, alice.token);
    expect([own.status, own.body.reason]).toEqual([401, "logout"]);
  });

  test("that takes no writes, or is only a standby, is 503 for all that has to be sure", async () => {
    const name = await database();
    await using c = await startCluster(1, server.urlOf(name), UNLIMITED);
    const alice = await talker(c);
    for (let i = 0; i < 3; i++) await alice.me(0);
    await server.stop("SIGINT");
    await server.start([], { isStandby: true });
    while ((await alice.me(0)).status !== 503) await Bun.sleep(10);
    for (let i = 0; i < 20; i++) expect((await alice.me(0)).status).toBe(503);
    expect((await c.ask(0, "GET", "/readyz")).status).toBe(503);
    await server.stop("SIGINT");
    await server.start();
    expect(await backAfter(c, 0)).toBeLessThan(BACK_MS);
    await alice.say(0);
    await alice.check(0);
  });

  test("all of whose connections are taken keeps nobody waiting for ever, and is as it was after that", async () => {
    const name = await database();
    await using c = await startCluster(1, server.urlOf(name), UNLIMITED);
    const alice = await talker(c);
    const { items } = (await c.ask(0, "GET", "/api/conversations", undefined, alice.token)).body;
    const other = new Bun.SQL({ url: server.urlOf(name), max: 1 });
    const holder = await other.reserve();
    await holder.unsafe("BEGIN");
    await holder.unsafe("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE");
    const since = performance.now();
    const waiting = Array.from({ length: 60 }, () =>
      c.ask(0, "POST", `/api/conversations/${items[0].id}/messages`, { body: "held" }, alice.token),
    );
    const answers = await Promise.all(waiting);
    expect(performance.now() - since).toBeLessThan(12_000);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    await holder.unsafe("ROLLBACK");
    holder.release();
    await other.close();
    expect(await backAfter(c, 0)).toBeLessThan(BACK_MS);
    await alice.say(0);
    await alice.check(0);
  });

  test("that takes no more connections: what has none is 503, and all else goes on", async () => {
    const name = await database();
    await server.stop("SIGINT");
    await server.start(["max_connections=14"]);
    {
      await using c = await startCluster(1, server.urlOf(name), UNLIMITED);
      const alice = await talker(c);
      const { items } = (await c.ask(0, "GET", "/api/conversations", undefined, alice.token)).body;
      const statuses = new Set<number>();
      for (let round = 0; round < 5; round++) {
        const many = Array.from({ length: 60 }, (_, n) =>
          c.ask(
            0,
            "GET",
            `/api/conversations/${items[0].id}/messages?limit=${n + 1}`,
            undefined,
            alice.token,
          ),
        );
        for (const { status } of await Promise.all(many)) statuses.add(status);
      }
      expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
      expect(statuses).toContain(200);
      expect(await backAfter(c, 0)).toBeLessThan(BACK_MS);
      await alice.say(0);
      await alice.check(0);
    }
    await server.stop("SIGINT");
    await server.start();
  });

  test("that a network has forgotten, without a word to either side", async () => {
    const name = await database();
    await using wire = wireTo(server.port);
    await using c = await startCluster(1, through(wire.port, name), UNLIMITED);
    const alice = await talker(c);
    for (let i = 0; i < 3; i++) await alice.me(0);
    wire.isSilent = true;
    while ((await alice.me(0)).status !== 503) await Bun.sleep(10);
    // Long enough that nothing which was asked before is waited for any more.
    while (wire.connections < 25) expect((await alice.me(0)).status).toBe(503);
    wire.isSilent = false;
    expect(await backAfter(c, 0)).toBeLessThan(BACK_MS);
    await alice.say(0);
    await alice.check(0);
  });

  test("that gives up one of two transactions which wait for each other has it run again", async () => {
    const db = openPostgres(server.urlOf(await database()));
    await migrate(db);
    const { tx, throttles } = createStore(db);
    for (const id of ["a", "b"]) await throttles.take(id, 0, 1, 1000);
    let runs = 0;
    let waiting = 0;
    const bothIn = Promise.withResolvers<void>();
    const inOrder = (first: string, second: string) =>
      tx(async (tables) => {
        runs++;
        await tables.throttles.take(first, 0, 1, 1000);
        if (++waiting === 2) bothIn.resolve();
        await bothIn.promise;
        await tables.throttles.take(second, 0, 1, 1000);
      });
    await Promise.all([inOrder("a", "b"), inOrder("b", "a")]);
    // One of the two at least; it may meet the other once more before that has what it waited for.
    expect(runs).toBeGreaterThan(2);
    const rows = await db.all<{ full_at: number }>("SELECT full_at FROM throttles ORDER BY id");
    expect(rows).toEqual([{ full_at: 3 }, { full_at: 3 }]);
    await db.close();
  });
});

describe("processes that are replaced one after the other", () => {
  test("lose no request of a client that tries again", async () => {
    await using c = await startCluster(3, server.urlOf(await database()), UNLIMITED);
    const alice = await talker(c);
    const balanced: Cluster = {
      ...c,
      async ask(_, ...request) {
        for (;;) {
          const response = await send(c.url, ...request).catch(() => undefined);
          if (response && response.status !== 502) return answerOf(response);
        }
      },
    };
    const bob = await talker(balanced, "bob");
    await busy(balanced, bob, async () => {
      for (let i = 0; i < 3; i++) {
        const fresh = await c.start();
        expect(fresh.process.exitCode).toBeNull();
        const old = c.processes[i]!.process;
        old.kill("SIGTERM");
        expect([await old.exited, c.processes[i]!.errors()]).toEqual([0, ""]);
      }
    });
    expect([...bob.statuses].filter((status) => status >= 400)).toEqual([]);
    await bob.check(0);
    expect((await balanced.ask(0, "GET", "/api/auth/me", undefined, alice.token)).status).toBe(200);
  });
});
