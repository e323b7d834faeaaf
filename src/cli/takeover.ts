import { rmSync } from "node:fs";
import type { App } from "../app.ts";
import { LIMITS } from "../limits.ts";
import { StartError } from "../errors.ts";
import { connectionsOn, share, steerHere, stopListening } from "./sockets.ts";

/**
 * A new binary takes over from the one that serves: `duet serve --take-over`. The two speak through a socket in the data
 * folder, a word a line. The old one lets go of the folder's lock and shares its port (`hand over`, answered `yes`); the new one
 * opens the data, brings the schema up to date, listens, and has all new connections come to it; then the old one stops
 * listening and ends its streams, whose readers come back to the new one (`leave`, answered `left`). It answers what its
 * connections still ask, each for the last time, and goes when it has none. If the new one dies before that, the old one goes on.
 */

const nameOf = (folder: string) => `${folder}/handover.sock`;

type Line = "hand over" | "leave" | "yes" | "left";

type Speaker = { write(text: string): unknown; flush(): unknown };

const say = (socket: Speaker, line: Line) => {
  socket.write(`${line}\n`);
  socket.flush();
};

export type Predecessor = {
  /** It listens no more, and ends its streams. Throws StartError if it has died meanwhile. */
  leave(): Promise<void>;
  /** Resolves when it is gone. */
  gone: Promise<void>;
};

/** Asks the server of a folder for lock and port; null where none serves. Throws StartError where it does not answer. */
export async function askToHandOver(folder: string): Promise<Predecessor | null> {
  if (process.platform !== "linux") throw new StartError("--take-over needs Linux");
  const { promise: gone, resolve: end } = Promise.withResolvers<void>();
  let heard: (line: string) => void = () => {};
  const socket = await Bun.connect({
    unix: nameOf(folder),
    socket: { data: (_, bytes) => heard(bytes.toString().trim()), close: () => end(), error: () => end() },
  }).catch(() => null);
  if (!socket) return null;
  const ask = async (line: Line, answer: Line) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    heard = resolve;
    say(socket, line);
    const said = await Promise.race([
      promise,
      gone.then(() => "it went"),
      Bun.sleep(LIMITS.handOverWaitMs).then(() => "nothing"),
    ]);
    if (said !== answer) throw new StartError(`the server that is running does not hand over (${said})`);
  };
  await ask("hand over", "yes");
  return { leave: () => ask("leave", "left"), gone };
}

/** Has this server's connections come here, and then the old one leave. */
export async function takeOver(app: App, port: number, predecessor: Predecessor): Promise<void> {
  steerHere(port);
  await predecessor.leave();
  share(port, false);
  // Until it is gone, it may write what the streams here have to tell.
  const stopWatching = app.watchOthers();
  void predecessor.gone.then(stopWatching);
}

/**
 * Waits for a successor; `left` is called when it has taken over and nothing is left to be done here. Answers how to stop
 * waiting. Where the socket cannot be made (its path is too long, say) nobody can take over, which the log says.
 */
export function awaitSuccessor(app: App, folder: string, port: number, left: () => void): () => void {
  if (process.platform !== "linux") return () => {};
  const { log } = app.duet;
  let state: "serves" | "hands over" | "leaves" = "serves";

  /** The successor has died, with whatever it held. */
  function takeBack() {
    if (state !== "hands over") return;
    app.lock();
    share(port, false);
    state = "serves";
  }

  async function leave(socket: Speaker) {
    state = "leaves";
    await stopListening(port);
    await app.leave();
    server?.stop();
    say(socket, "left");
    const deadline = performance.now() + (LIMITS.idleSeconds + 5) * 1000;
    while (connectionsOn(port) > 0 && performance.now() < deadline) await Bun.sleep(100);
    left();
  }

  let server: { stop(isNow?: boolean): void } | undefined;
  try {
    // The folder is ours: what lies there was left by one that was killed.
    rmSync(nameOf(folder), { force: true });
    server = Bun.listen({
      unix: nameOf(folder),
      socket: {
        data(socket, bytes) {
          const line = bytes.toString().trim();
          if (line === "hand over" && state === "serves") {
            app.unlock();
            share(port, true);
            state = "hands over";
            say(socket, "yes");
          } else if (line === "leave" && state === "hands over")
            leave(socket).catch((cause: unknown) => log("error", "hand_over", { cause: String(cause) }));
        },
        close: takeBack,
        error: takeBack,
      },
    });
  } catch (cause) {
    log("warn", "hand_over", { cause: String(cause) });
  }
  return () => {
    if (state === "leaves") return;
    server?.stop(true);
    rmSync(nameOf(folder), { force: true });
  };
}
