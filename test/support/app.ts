import { afterAll, setSystemTime, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import { createApp, type App } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import type { Db } from "../../src/db/index.ts";
import { openPostgres } from "../../src/db/postgres.ts";
import { openSqlite } from "../../src/db/sqlite.ts";
import type { Tuning } from "../../src/duet.ts";
import type { Document } from "../../src/http/reference.ts";
import { createPromises, type Promises } from "./promised.ts";

export const ORIGIN = "http://localhost";

/** The least that Argon2 can be asked for: most tests are not about it. */
const CHEAP = { argon2Cost: { memoryCost: 8, timeCost: 1 } };

/** What Duet really asks for. */
export const FULL_COST: Tuning = { argon2Cost: undefined };

/** For tests that do at once what people do in hours. */
export const UNLIMITED = { DUET_RATE_LIMITS: "off" };

/** Which database the run is on; `TEST_DATABASE=postgres bun test` has every app in one of its own there. */
export const onPostgres: boolean = process.env["TEST_DATABASE"] === "postgres";

/** For what is about the files of a data folder. */
export const testFolder = test.skipIf(onPostgres);

export type TestApp = {
  app: App;
  folder: string;
  /** The same database by connections of its own. */
  openDb(): Db;
  /** Asks the database beside the application: a statement with `$1 …` that both databases take. */
  sql<T = Record<string, any>>(text: string, ...values: (string | number | null)[]): Promise<T[]>;
  logged: { event: string; facts: Record<string, unknown> }[];
  /** A request as it would come over the wire, answered by the whole application. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  json(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** The same data folder behind a new process, as far as one process can show it. */
  restart(settings?: Record<string, string>): Promise<TestApp>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type Answer = { status: number; headers: Headers; text: string; body: any };

/** In memory where the machine has such a place of some size: what a disk costs is not what most tests are about. */
export function fastBase(): string {
  if (!existsSync("/dev/shm")) return tmpdir();
  const { bavail, bsize } = statfsSync("/dev/shm");
  return bavail * bsize > 2 ** 30 ? "/dev/shm" : tmpdir();
}
const made = new Set<string>();
const removeAll = () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
  made.clear();
};
process.on("exit", removeAll);
// A test file's process does not say when it goes.
if (process.env["NODE_ENV"] === "test") afterAll(removeAll);

export function temporaryFolder(base = fastBase()): string {
  const folder = mkdtempSync(join(base, "duet-test-"));
  made.add(folder);
  return folder;
}

/** For the proof and for figures, which are those of a disk. */
export const folderOnDisk = () => temporaryFolder(tmpdir());

/** What stands for the folder's secret there. */
export const SECRET = "what seals the keys of every test on PostgreSQL";

type Place = { url: string; sql: Bun.SQL; drop(): Promise<void> };
const places = new Map<string, Promise<Place>>();

/** The database that stands for a data folder. */
function postgresOf(folder: string): Promise<Place> {
  const known = places.get(folder);
  if (known) return known;
  const made = import("./postgres.ts").then(({ makeDatabase }) => makeDatabase());
  places.set(folder, made);
  return made;
}

/** Numbers as SQLite has them. */
const withNumbers = (row: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === "bigint" ? Number(value) : value]),
  );

/** The real application on a real database in a folder of its own; settings as environment variables. */
export async function startApp(
  settings: Record<string, string> = {},
  folder = temporaryFolder(),
  tuning: Tuning = {},
): Promise<TestApp> {
  const logged: TestApp["logged"] = [];
  const place = onPostgres ? await postgresOf(folder) : undefined;
  const config = readConfig({
    DUET_DATA: folder,
    DUET_PUBLIC_URL: ORIGIN,
    DUET_LOG: "debug",
    ...(place && { DUET_DATABASE_URL: place.url, DUET_SECRET: SECRET }),
    ...settings,
  });
  const app = await createApp(config, {
    ...CHEAP,
    // The clock that tests move is the only one, or each move would be seen as a clock that was set.
    monotonic: Date.now,
    clock: Date.now,
    ...tuning,
    log: (_, event, facts = {}) =>
      logged.push({ event, facts: typeof facts === "function" ? facts() : facts }),
  });
  const fetch = async (path: string, init?: RequestInit) => {
    const answer = await app.handle(new Request(ORIGIN + path, init));
    await holdToPromises(app, path, init?.method ?? "GET", answer);
    return answer;
  };
  return {
    app,
    folder,
    logged,
    fetch,
    openDb: () => (place ? openPostgres(place.url) : openSqlite(join(folder, "duet.db"))),
    async sql<T>(text: string, ...values: (string | number | null)[]) {
      if (place) {
        const rows = [...(await place.sql.unsafe(text, values))].map(withNumbers) as T[];
        // Until the application has heard of it, too.
        const heard = app.duet.notifier.subscribe("test");
        await place.sql.unsafe("SELECT pg_notify('duet', 'told test wake 0 test')");
        await heard.wait(5000);
        heard.close();
        return rows;
      }
      using db = new Database(join(folder, "duet.db"));
      db.run("PRAGMA foreign_keys = ON");
      return db.query(text).all(...values) as T[];
    },
    async json(method, path, body, headers = {}) {
      const init: RequestInit = { method, headers: { "content-type": "application/json", ...headers } };
      const response = await fetch(path, body === undefined ? init : { ...init, body: JSON.stringify(body) });
      return answerOf(response);
    },
    async restart(changed = {}) {
      await app.close();
      return startApp({ ...settings, ...changed }, folder, tuning);
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      rmSync(folder, { recursive: true, force: true });
      await place?.drop();
    },
  };
}

let promises: Promise<Promises> | undefined;

/** Throws where an answer is not what `/openapi.json` says of its route. */
async function holdToPromises(app: App, path: string, method: string, answer: Response): Promise<void> {
  promises ??= Promise.resolve(app.handle(new Request(`${ORIGIN}/openapi.json`))).then(async (document) =>
    createPromises((await document.json()) as Document),
  );
  const broken = await (await promises)(method, new URL(path, ORIGIN).pathname, answer);
  if (broken !== null) throw new Error(broken);
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text ? JSON.parse(text) : undefined,
  };
}

let now = 0;

/** Stops all clocks of this process, those inside libraries too, until the test ends. */
export function freezeClock(at = Date.UTC(2026, 10, 23, 9, 0, 0)): void {
  now = at;
  setSystemTime(new Date(now));
}

export function advance(seconds: number): void {
  now += seconds * 1000;
  setSystemTime(new Date(now));
}
