import type { Config } from "../config.ts";
import { StartError } from "../errors.ts";

const WAIT_MS = 5000;

/** `duet healthcheck`: exit code 0 where the server that has these settings is ready, else 1 with what it said. */
export async function healthcheck({ host, port }: Config): Promise<void> {
  const address = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  const url = `http://${address}:${port}/readyz`;
  let answer: Response;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(WAIT_MS) });
  } catch (cause) {
    throw new StartError(`nobody answers at ${url}`, { cause });
  }
  if (!answer.ok) throw new StartError(`${url} answers ${answer.status}`);
  console.log("ready");
}
