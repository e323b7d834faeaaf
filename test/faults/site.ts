import { Database } from "bun:sqlite";
import { join } from "node:path";
import { answerOf, folderOnDisk, type Answer } from "../support/app.ts";
import { send } from "../support/cluster.ts";
import { BINARY, bareEnvironment, failure, freePort, run, type Running } from "../support/process.ts";

/** How long a server may take until it serves again, once nothing is in its way any more; in the suite nothing is timed. */
export const BACK_MS = process.env["NODE_ENV"] === "test" ? Infinity : 2000;

type How = {
  /** What runs the executable, such as `setpriv …`. */
  before?: string[];
  env?: Record<string, string>;
  /** Further arguments of `duet serve`. */
  args?: string[];
};

/** The executable on a folder and a port of its own, to be hurt, stopped and started again. */
export class Site {
  readonly port = freePort();
  readonly url = `http://localhost:${this.port}`;
  running: Running | undefined;

  constructor(
    readonly settings: Record<string, string> = {},
    readonly folder = folderOnDisk(),
  ) {}

  get database(): string {
    return join(this.folder, "duet.db");
  }

  get pid(): number {
    return this.running!.process.pid;
  }

  command = (...args: string[]) => [BINARY, "--data", this.folder, "--port", `${this.port}`, ...args];

  environment = (env: Record<string, string> = {}) =>
    bareEnvironment({ DUET_LOG: "error", DUET_RATE_LIMITS: "off", ...this.settings, ...env });

  async start({ before = [], env, args = [] }: How = {}): Promise<this> {
    this.running = await run([...before, ...this.command(...args)], { env: this.environment(env) });
    return this;
  }

  /** What a start that must fail says, which is one line. */
  async refusal(before: string[] = []): Promise<string> {
    const { exitCode, errors } = await failure([...before, ...this.command()], { env: this.environment() });
    const said = errors.trim();
    if (exitCode !== 1 || said.includes("\n")) throw new Error(`exit code ${exitCode}: ${said}`);
    return said.replaceAll(this.folder, "…");
  }

  /** By a signal, to its end; answers the exit code. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<number | null> {
    const child = this.running?.process;
    this.running = undefined;
    child?.kill(signal);
    await child?.exited;
    return child?.exitCode ?? null;
  }

  /** What is answered; status 0 where nothing came back. */
  async ask(...request: Parameters<typeof send> extends [string, ...infer R] ? R : never): Promise<Answer> {
    try {
      return await answerOf(await send(this.url, ...request));
    } catch {
      return { status: 0, headers: new Headers(), text: "", body: undefined };
    }
  }

  /** How long it takes from now until a write is on the disk. */
  async backMs(limitMs = 20_000): Promise<number> {
    const from = performance.now();
    while ((await this.ask("GET", "/readyz")).status !== 200) {
      if (performance.now() - from > limitMs) return Infinity;
      await Bun.sleep(10);
    }
    return performance.now() - from;
  }

  /** What the database holds. */
  read<T = Record<string, any>>(sql: string): T[] {
    using db = new Database(this.database, { readonly: true });
    db.run("PRAGMA busy_timeout = 5000");
    return db.query(sql).all() as T[];
  }

  /** Asks the database beside the server, to hurt what is in it. */
  write(sql: string, ...values: string[]): void {
    using db = new Database(this.database);
    db.run("PRAGMA busy_timeout = 5000");
    db.run(sql, values);
  }

  /** What SQLite itself finds wrong. */
  damages(): string[] {
    const [said] = this.read<{ integrity_check: string }>("PRAGMA integrity_check");
    const orphans = this.read("PRAGMA foreign_key_check");
    return [
      ...(said?.integrity_check === "ok" ? [] : [`integrity_check: ${said?.integrity_check}`]),
      ...(orphans.length === 0 ? [] : [`foreign_key_check: ${orphans.length} rows`]),
    ];
  }

  async [Symbol.asyncDispose]() {
    await this.stop("SIGKILL");
  }
}
