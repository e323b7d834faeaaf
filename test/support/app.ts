import { afterAll, setSystemTime } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApp, type App } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import type { Tuning } from "../../src/duet.ts";

export const ORIGIN = "http://localhost";

/** The least that Argon2 can be asked for: most tests are not about it. */
const CHEAP = { argon2Cost: { memoryCost: 8, timeCost: 1 } };

/** What Duet really asks for. */
export const FULL_COST: Tuning = { argon2Cost: undefined };

/** For tests that do at once what people do in hours. */
export const UNLIMITED = { DUET_RATE_LIMITS: "off" };

export type TestApp = {
  app: App;
  folder: string;
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
function fastBase(): string {
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

/** The real application on a real database in a folder of its own; settings as environment variables. */
export async function startApp(
  settings: Record<string, string> = {},
  folder = temporaryFolder(),
  tuning: Tuning = {},
): Promise<TestApp> {
  const logged: TestApp["logged"] = [];
  const config = readConfig({ DUET_DATA: folder, DUET_PUBLIC_URL: ORIGIN, DUET_LOG: "debug", ...settings });
  const app = await createApp(config, {
    ...CHEAP,
    // The clock that tests move is the only one, or each move would be seen as a clock that was set.
    monotonic: Date.now,
    ...tuning,
    log: (_, event, facts = {}) =>
      logged.push({ event, facts: typeof facts === "function" ? facts() : facts }),
  });
  const fetch = async (path: string, init?: RequestInit) => app.handle(new Request(ORIGIN + path, init));
  return {
    app,
    folder,
    logged,
    fetch,
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
    },
  };
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
