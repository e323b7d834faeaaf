import { answerOf, type Answer } from "./app.ts";
import { bareEnvironment, freePort } from "./process.ts";

/** A service of others that stands behind Duet's access tokens, in a process of its own. */
export type Service = AsyncDisposable & {
  url: string;
  /** `GET /` with this token, or without one. */
  ask(token?: string): Promise<Answer>;
};

type Start = { cwd: string; port?: number; env?: Record<string, string> };

/** Resolves when it answers on its port, rejects with what it said if it ends before. */
export async function startService(command: string[], start: Start): Promise<Service> {
  const port = start.port ?? freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = Bun.spawn(command, {
    cwd: start.cwd,
    env: bareEnvironment({ PORT: String(port), ...start.env }),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const errors = new Response(child.stderr).text();
  const ask = async (token?: string) =>
    answerOf(await fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }));
  while (!(await ask().catch(() => null))) {
    if (child.exitCode !== null) throw new Error(`${command.join(" ")}: ${await errors}`);
    await Bun.sleep(20);
  }
  return {
    url,
    ask,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}
