import { Database } from "bun:sqlite";
import { join } from "node:path";
import { startCluster, type Cluster } from "../support/cluster.ts";
import { makeDatabase } from "../support/postgres.ts";
import { folderOnDisk } from "../support/app.ts";
import { BINARY, bareEnvironment, freePort, run, type Running } from "../support/process.ts";
import { PASSWORDS } from "../support/people.ts";
import type { Seen } from "./replay.ts";

/** One line of the proof. What must be zero is counted, not assumed. */
export type Finding = {
  what: string;
  done: string;
  zeros: Record<string, number>;
  measured?: string;
};

/** How much of the proof to do: 1 is all of it. Choices follow `random`, so that a seed can be played again. */
export type Run = { scale: number; random: Random };
export type Scenario = (run: Run) => Promise<Finding[]>;

export type Random = {
  /** From 0 up to 1. */
  (): number;
  below(n: number): number;
  chance(p: number): boolean;
  /** A generator of its own, so that one client's choices do not depend on another's pace. */
  fork(): Random;
};

/** mulberry32: small, seeded, good enough to choose by. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return Object.assign(next, {
    below,
    chance: (p: number) => next() < p,
    fork: () => createRandom(below(2 ** 32)),
  });
}

const PROCESSES = 4;

/** With `bun run prove --database postgres`: four of them on one database, behind one address that knows no sessions. */
const onPostgres = () => process.env["PROVE_DATABASE"] === "postgres";

/** The executable on a folder and a port of its own, which can be killed and started again. */
export class Server {
  readonly folder = folderOnDisk();
  readonly port = freePort();
  #running: Running | undefined;
  #left: Running[] = [];
  #cluster: Cluster | undefined;
  #database: Awaited<ReturnType<typeof makeDatabase>> | undefined;

  constructor(
    readonly settings: Record<string, string> = {},
    readonly environment: Record<string, string> = {},
  ) {}

  get url(): string {
    return this.#cluster?.url ?? `http://localhost:${this.port}`;
  }

  /** Where there are several: as many as are missing. */
  async start(): Promise<this> {
    const settings = { DUET_LOG: "error", DUET_RATE_LIMITS: "off", ...this.settings };
    if (onPostgres()) {
      this.#database ??= await makeDatabase();
      if (this.#cluster) await this.#cluster.start();
      else this.#cluster = await startCluster(PROCESSES, this.#database.url, settings);
      return this;
    }
    const env = bareEnvironment({ ...settings, ...this.environment });
    this.#running = await run([BINARY, "--data", this.folder, "--port", `${this.port}`], { env });
    return this;
  }

  /** Another process takes over from the one that serves, which goes when its connections have. */
  async upgrade(): Promise<void> {
    this.#left.push(this.#running!);
    const settings = { DUET_LOG: "error", DUET_RATE_LIMITS: "off", ...this.settings };
    const env = bareEnvironment({ ...settings, ...this.environment });
    const place = ["--data", this.folder, "--port", `${this.port}`];
    this.#running = await run([BINARY, "serve", "--take-over", ...place], { env });
  }

  get pid(): number {
    return this.#running!.process.pid;
  }

  /** Where there are several: the oldest. */
  async kill(): Promise<void> {
    await (this.#cluster?.processes.shift() ?? this.#running)?.[Symbol.asyncDispose]();
    this.#running = undefined;
  }

  /** What the database holds. */
  async read<T>(sql: string): Promise<T[]> {
    if (this.#database) return [...(await this.#database.sql.unsafe(sql))] as T[];
    using db = new Database(join(this.folder, "duet.db"), { readonly: true });
    // After a kill another process may just be putting it in order.
    db.run("PRAGMA busy_timeout = 5000");
    return db.query(sql).all() as T[];
  }

  /** What it says of itself where it is a file of ours. */
  async damages(): Promise<{ "damaged databases"?: number }> {
    if (this.#database) return {};
    const [said] = await this.read<{ integrity_check: string }>("PRAGMA integrity_check");
    return { "damaged databases": said?.integrity_check === "ok" ? 0 : 1 };
  }

  async [Symbol.asyncDispose]() {
    await this.kill();
    for (const each of this.#left) await each[Symbol.asyncDispose]();
    await this.#cluster?.[Symbol.asyncDispose]();
    await this.#database?.drop();
  }
}

/** What clients see of refreshes and first uses, for the model to explain (replay.ts). */
export type Trace = { overlapMs: number; seen: Seen[] };

/** All traces of this run. */
export const traces: Trace[] = [];

/** A new one, of sessions whose W is known. */
export function traceWith(overlapMs: number): Trace {
  const trace: Trace = { overlapMs, seen: [] };
  traces.push(trace);
  return trace;
}

export type Pair = { access_token: string; refresh_token: string };
export type Refusal = { status: number; code?: string; reason?: string };
export type Answer<T> = { ok: true; body: T } | ({ ok: false } & Refusal);

/** What a program does with the API. A connection that fails is status 0. */
export class Api {
  constructor(
    readonly url: string,
    readonly send: (url: string, init: RequestInit) => Promise<Response> = fetch,
    readonly trace?: Trace,
  ) {}

  async ask<T>(
    method: string,
    path: string,
    options: { body?: unknown; token?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer<T>> {
    const { body, token, headers } = options;
    try {
      const response = await this.send(this.url + path, {
        method,
        headers: {
          ...(body !== undefined && { "content-type": "application/json" }),
          ...(token && { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const answer = text === "" ? {} : JSON.parse(text);
      return response.ok
        ? { ok: true, body: answer }
        : { ok: false, status: response.status, code: answer.code, reason: answer.reason };
    } catch {
      return { ok: false, status: 0 };
    }
  }

  async refresh(token: string): Promise<Answer<Pair>> {
    const ask = () => this.ask<Pair>("POST", "/api/auth/refresh", { body: { refresh_token: token } });
    const { result, ...span } = await spanned(ask);
    const shown = generationOf(token);
    if (result.ok) this.#note(token, span, { shown, got: generationOf(result.body.refresh_token) });
    else this.#note(token, span, { shown, reason: result.reason ?? `${result.status}` });
    return result;
  }

  async me(token: string): Promise<Answer<{ id: string }>> {
    const { result, ...span } = await spanned(() =>
      this.ask<{ id: string }>("GET", "/api/auth/me", { token }),
    );
    this.#note(token, span, { used: generationOf(token), isTaken: result.ok });
    return result;
  }

  #note(
    token: string,
    { sent, answered }: Span,
    what: { shown: number; got?: number; reason?: string } | { used: number; isTaken: boolean },
  ) {
    if (!this.trace) return;
    const { overlapMs, seen } = this.trace;
    seen.push({ session: sessionOf(token), overlapMs, sent, answered, ...what });
  }

  async register(username: string): Promise<Pair> {
    return must(await this.ask<Pair>("POST", "/api/auth/register", { body: credentials(username) }));
  }

  async login(username: string): Promise<Pair> {
    return must(await this.ask<Pair>("POST", "/api/auth/login", { body: credentials(username) }));
  }
}

const credentials = (username: string) => ({
  username,
  password: PASSWORDS[username] ?? `the umbrella stand of ${username} 9`,
});

/** Something that the server did between the sending of a request and the arrival of its answer. */
export type Span = { sent: number; answered: number };

export async function spanned<T>(work: () => Promise<T>): Promise<Span & { result: T }> {
  const sent = Date.now();
  const result = await work();
  return { sent, answered: Date.now(), result };
}

/** For what is no part of the proof and has to work. */
export function must<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer.body;
}

export const generationOf = (token: string): number => claimsOf(token).gen;
export const sessionOf = (token: string): string => claimsOf(token).sid;
export const claimsOf = (token: string): { gen: number; sid: string; exp: number } =>
  JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString());

/** Runs `work` for each of `n`, `width` at a time. */
export async function pool(n: number, width: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < n) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(n, width) }, worker));
}

/** `median 1.2 ms, worst 3.4 ms` */
export function times(ms: number[]): string {
  const sorted = ms.toSorted((a, b) => a - b);
  const shown = (n: number | undefined) => (n === undefined ? "-" : n < 10 ? n.toFixed(1) : Math.round(n));
  return `median ${shown(sorted[Math.floor(sorted.length / 2)])} ms, worst ${shown(sorted.at(-1))} ms`;
}

export const count = (n: number) => n.toLocaleString("en-US");

/** What this machine lacks the means for is said, not left out. */
export const notDone = (what: string, why: string): Finding => ({
  what,
  done: `NOT DONE: ${why}`,
  zeros: {},
});
