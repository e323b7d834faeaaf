import { ORIGIN, SECRET, answerOf, type Answer } from "./app.ts";
import { bareEnvironment, BINARY, run, type Running } from "./process.ts";

type JsonRequest = [
  method: string,
  path: string,
  body?: unknown,
  token?: string,
  headers?: Record<string, string>,
];

/** What a program asks of a server. */
export const send = (url: string, ...[method, path, body, token, headers = {}]: JsonRequest) =>
  fetch(url + path, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

export type Cluster = {
  processes: Running[];
  /** Where one of them listens. */
  urlOf(process: number): string;
  /** A request to one of the processes. */
  ask(process: number, ...request: JsonRequest): Promise<Answer>;
  /** A load balancer before all of them, which knows nothing of sessions. */
  url: string;
  start(): Promise<Running>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** So many servers on one PostgreSQL database, as they are deployed: the executable, nothing shared but that. */
export async function startCluster(
  count: number,
  databaseUrl: string,
  settings: Record<string, string> = {},
): Promise<Cluster> {
  const env = bareEnvironment({
    DUET_DATABASE_URL: databaseUrl,
    DUET_SECRET: SECRET,
    DUET_PUBLIC_URL: ORIGIN,
    DUET_PORT: "0",
    DUET_LOG: "warn",
    ...settings,
  });
  const start = () => run([BINARY], { env });
  const processes = await Promise.all(Array.from({ length: count }, start));
  // It says the public URL last; where it listens stands before that.
  const listening = (one: Running) => /Listening on (\S+)/.exec(one.said())![1]!;
  let turn = 0;
  const balancer = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const alive = processes.filter(({ process }) => process.exitCode === null && !process.killed);
      const target = listening(alive[turn++ % alive.length]!) + pathname + search;
      const { method, headers, signal } = request;
      const body = request.body ? await request.arrayBuffer() : null;
      try {
        const forwarded = { method, headers, body, signal, redirect: "manual", decompress: false } as const;
        const answer = await fetch(target, forwarded);
        return new Response(answer.body, answer);
      } catch {
        return new Response("", { status: 502 });
      }
    },
  });
  return {
    processes,
    url: `http://127.0.0.1:${balancer.port}`,
    async start() {
      const one = await start();
      processes.push(one);
      return one;
    },
    urlOf: (process) => listening(processes[process]!),
    ask: async (process, ...request) => answerOf(await send(listening(processes[process]!), ...request)),
    async [Symbol.asyncDispose]() {
      await balancer.stop(true);
      await Promise.all(processes.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}
