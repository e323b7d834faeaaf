import { join } from "node:path";

export const ROOT = join(import.meta.dir, "../..");

/** Made by `bun run build`, which `bun run test` does before the tests. */
export const BINARY = join(ROOT, "dist/duet");

export type Running = {
  url: string;
  process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Everything it said on standard output until it was ready. */
  said(): string;
  /** Everything it has said on standard error so far. */
  errors(): string;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Only what a fresh machine has: nothing of this shell reaches the server. */
export const bareEnvironment = (settings: Record<string, string> = {}) => ({
  PATH: "/usr/bin:/bin",
  ...settings,
});

/** A server of its own process: resolves when it has said its URL, rejects with what it said instead. */
export async function run(
  command: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Running> {
  const child = Bun.spawn(command, {
    cwd: options.cwd ?? ROOT,
    env: options.env ?? bareEnvironment(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let errors = "";
  const heard = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) errors += decoder.decode(chunk, { stream: true });
  })();
  let said = "";
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    const url = /Duet is ready at (\S+)\n/.exec(said)?.[1];
    if (url)
      return {
        url,
        process: child,
        said: () => said,
        errors: () => errors,
        async [Symbol.asyncDispose]() {
          child.kill("SIGKILL");
          await child.exited;
        },
      };
  }
  await heard;
  throw new Failed(await child.exited, errors);
}

export class Failed extends Error {
  constructor(
    readonly exitCode: number,
    readonly errors: string,
  ) {
    super(`exit code ${exitCode}: ${errors}`);
  }
}

/** How a start that must fail failed. */
export async function failure(command: string[], options: Parameters<typeof run>[1] = {}): Promise<Failed> {
  let running: Running;
  try {
    running = await run(command, options);
  } catch (error) {
    if (error instanceof Failed) return error;
    throw error;
  }
  await running[Symbol.asyncDispose]();
  throw new Error("it started");
}

export const fromSource = (...args: string[]) => [
  process.execPath,
  join(ROOT, "src/main.ts"),
  "serve",
  ...args,
];

/** A port that nobody listens on, for a server that must know its own URL beforehand. */
export function freePort(): number {
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = probe;
  void probe.stop(true);
  return port!;
}

type Ended = { out: string; errors: string; exitCode: number };

/** One of the operator's commands, from the source, to its end. */
export const command = (...args: string[]) => runCommand(args);

/** The same with settings. */
export const commandWith = (settings: Record<string, string>, ...args: string[]) =>
  runCommand(args, settings);

/** The same with something on its standard input. */
export const commandReading = (input: string, ...args: string[]) => runCommand(args, {}, input);

async function runCommand(args: string[], settings = {}, input?: string): Promise<Ended> {
  const child = Bun.spawn([process.execPath, join(ROOT, "src/main.ts"), ...args], {
    cwd: ROOT,
    env: bareEnvironment(settings),
    stdin: input === undefined ? "ignore" : Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { out, errors, exitCode: await child.exited };
}
