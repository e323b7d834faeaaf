import { StartError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

export type Server = { port: number; stop(isNow?: boolean): Promise<void> };

/**
 * Listens, on a port that another server shares where `isShared` (cli/takeover.ts). `handle` gets each request, and how to ask for the address of the peer. On 127.0.0.1 also on ::1 where the machine has it,
 * since both are localhost and clients choose. Throws StartError if the port is taken.
 */
export function startServer(
  { port, host, isShared }: { port: number; host: string; isShared: boolean },
  handle: (request: Request, peerOf: () => string | undefined) => Response | Promise<Response>,
  unanswered: (cause: unknown) => Response,
): Server {
  const listen = (hostname: string, on: number) =>
    Bun.serve({
      port: on,
      hostname,
      // Two servers on one port would share its requests without a word.
      reusePort: isShared,
      idleTimeout: LIMITS.idleSeconds,
      // Ours is the limit that counts: Bun's would answer first, with an empty 413.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      // Bun's own error page shows source code.
      development: false,
      fetch: (request, bun) => handle(request, () => bun.requestIP(request)?.address),
      error: unanswered,
    });

  const taken = (address: string, on: number, cause: unknown) =>
    new StartError(`port ${on} on ${address} cannot be listened on; is it taken?`, { cause });
  let first: Bun.Server<undefined>;
  try {
    first = listen(host, port);
  } catch (cause) {
    throw taken(host, port, cause);
  }
  const servers = [first];
  if (host === "127.0.0.1")
    try {
      servers.push(listen("::1", first.port!));
    } catch (cause) {
      // Somebody else's there would get what is meant for us. A port that the system chose may be theirs.
      if (port !== 0 && isTaken(cause)) {
        void first.stop(true);
        throw taken("::1", port, cause);
      }
    }
  return {
    port: first.port!,
    stop: async (isNow) => void (await Promise.all(servers.map((server) => server.stop(isNow)))),
  };
}

const isTaken = (cause: unknown) => cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
