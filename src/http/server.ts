import { StartError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** Listens. `handle` gets each request with the address of the peer. Throws StartError if the port is taken. */
export function startServer(
  { port, host }: { port: number; host: string },
  handle: (request: Request, peer?: string) => Promise<Response>,
  unanswered: (cause: unknown) => Response,
): Bun.Server<undefined> {
  try {
    return Bun.serve({
      port,
      hostname: host,
      // Two servers on one port would share its requests without a word.
      reusePort: false,
      idleTimeout: LIMITS.idleSeconds,
      // Ours is the limit that counts: Bun's would answer first, with an empty 413.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      // Bun's own error page shows source code.
      development: false,
      fetch: (request, bun) => handle(request, bun.requestIP(request)?.address),
      error: unanswered,
    });
  } catch (cause) {
    throw new StartError(`port ${port} on ${host} cannot be listened on; is it taken?`, { cause });
  }
}
