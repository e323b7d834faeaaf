import { rmSync } from "node:fs";
import type { App } from "../app.ts";
import { LIMITS } from "../limits.ts";
import { StartError } from "../errors.ts";
import { connectionsOn, share, steerHere, stopListening } from "./sockets.ts";

/**
 * A new binary takes over from the one that serves: `duet serve --take-over`. The two speak through a socket in the data
 * folder, a word a line. The old one lets go of the folder's lock and shares its port (`hand over`, answered `yes` and the
 * port); the new one opens the data, brings the schema up to date, listens, and has all new connections come to it; then the
 * old one stops listening and ends its streams, whose readers come back to the new one (`leave`, answered `left`). It answers
 * what its connections still ask, each for the last time, and goes when it has none. If the new one dies before that, the old
 * one goes on; if the old one dies, the new one does.
 */

const nameOf = (folder: string) => `${folder}/handover.sock`;

type Speaker = { write(text: string): unknown; flush(): unknown };

function say(socket: Speaker, line: string): void {
  socket.write(`${line}\n`);
  socket.flush();
}

export type Predecessor = {
  port: number;
  /** Resolves when it listens no more and its streams have ended, or it has gone; false where it has not said so in time. */
  leave(): Promise<boolean>;
  /** Resolves when it is gone. */
  gone: Promise<void>;
};

/**
 * Asks the server of a folder for lock and port; null where none serves, or it went before it answered. Throws StartError
 * where it answers anything else than yes, or nothing.
 */
export async function askToHandOver(folder: string): Promise<Predecessor | null> {
  if (process.platform !== "linux") throw new StartError("--take-over needs Linux");
  const { promise: gone, resolve: end } = Promise.withResolvers<void>();
  let heard: (line: string) => void = () => {};
  const socket = await Bun.connect({
    unix: nameOf(folder),
    socket: { data: (_, bytes) => heard(bytes.toString().trim()), close: () => end(), error: () => end() },
  }).catch(() => null);
  if (!socket) return null;
  const ask = (line: string): Promise<string | null | undefined> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    heard = resolve;
    say(socket, line);
    return Promise.race([
      promise,
      gone.then(() => null),
      Bun.sleep(LIMITS.handOverWaitMs).then(() => undefined),
    ]);
  };
  const answer = await ask("hand over");
  if (answer === null) return null;
  const [, port] = /^yes (\d+)$/.exec(answer ?? "") ?? [];
  if (port === undefined)
    throw new StartError(`the server that is running does not hand over (${answer ?? "no answer"})`);
  return { port: Number(port), gone, leave: async () => (await ask("leave")) !== undefined };
}

/** Has this server's connections come here, and then the old one leave, whatever becomes of it. */
export async function takeOver(app: App, predecessor: Predecessor): Promise<void> {
  const { port } = predecessor;
  // Until it is gone, it may write what the streams here have to tell.
  const stopWatching = app.watchOthers();
  void predecessor.gone.then(stopWatching);
  steerHere(port);
  if (!(await predecessor.leave()))
    app.duet.log("warn", "hand_over", { cause: "the old server has not said that it leaves" });
  share(port, false);
  app.duet.log("info", "took_over", { port });
}

/**
 * Waits for a successor: `leaving` is called when it has taken over, and `left` when nothing is left to be done here. Answers
 * how to stop waiting. Where the socket cannot be made (its path is too long, say) nobody can take over, which the log says.
 */
export function awaitSuccessor(
  app: App,
  folder: string,
  port: number,
  { leaving, left }: { leaving(): void; left(): void },
): () => void {
  if (process.platform !== "linux") return () => {};
  const { log } = app.duet;
  let state: "serves" | "hands over" | "leaves" | "stops" = "serves";
  /** Who was answered yes. Anybody else who comes and goes is nobody. */
  let successor: Speaker | undefined;

  function handOver(socket: Speaker): void {
    share(port, true);
    app.unlock();
    state = "hands over";
    successor = socket;
    say(socket, `yes ${port}`);
  }

  /** The successor has died: what it held is free with it, or in a moment. */
  function takeBack(socket: Speaker): void {
    if (socket !== successor || state !== "hands over") return;
    try {
      app.lock();
      share(port, false);
      state = "serves";
      successor = undefined;
      log("warn", "hand_over", { cause: "the new server has gone; this one goes on" });
    } catch (cause) {
      log("error", "hand_over", { cause: String(cause) });
      setTimeout(takeBack, LIMITS.takeBackAgainMs, socket);
    }
  }

  async function leave(socket: Speaker): Promise<void> {
    state = "leaves";
    leaving();
    await stopListening(port);
    await app.leave();
    server?.stop();
    say(socket, "left");
    log("info", "handed_over", { port });
    const deadline = performance.now() + (LIMITS.idleSeconds + 5) * 1000;
    while (connectionsOn(port) > 0 && performance.now() < deadline) await Bun.sleep(100);
    left();
  }

  function answer(socket: Speaker, line: string): void {
    if (line === "hand over" && state === "serves") handOver(socket);
    else if (line === "leave" && socket === successor && state === "hands over")
      leave(socket).catch((cause: unknown) => log("error", "hand_over", { cause: String(cause) }));
    else say(socket, state === "serves" ? "say hand over" : "another server is taking over");
  }

  let server: { stop(isNow?: boolean): void } | undefined;
  try {
    // The folder is ours: what lies there was left by one that was killed.
    rmSync(nameOf(folder), { force: true });
    server = Bun.listen({
      unix: nameOf(folder),
      socket: {
        data(socket, bytes) {
          try {
            answer(socket, bytes.toString().trim());
          } catch (cause) {
            log("error", "hand_over", { cause: String(cause) });
            say(socket, String(cause));
          }
        },
        close: takeBack,
        error: takeBack,
      },
    });
  } catch (cause) {
    log("warn", "hand_over", { cause: String(cause) });
  }
  return () => {
    // What a successor holds is its own from now on.
    const isOurs = state === "serves";
    if (state !== "leaves") state = "stops";
    if (!isOurs) return;
    server?.stop(true);
    rmSync(nameOf(folder), { force: true });
  };
}
