import { version } from "../../package.json";
import { createApp, type App } from "../app.ts";
import { environment, readConfig } from "../config.ts";
import { demoFolder } from "../db/folder.ts";
import { StartError } from "../errors.ts";
import { backUpByItself, backupAgeSeconds } from "./backup.ts";
import { checkBeside } from "./check.ts";
import { populate } from "./demo.ts";
import { putHashingLast } from "./priority.ts";
import { askToHandOver, awaitSuccessor, takeOver } from "./takeover.ts";

/**
 * `duet serve`: runs until SIGTERM or SIGINT, then lets requests under way finish. A second signal ends at once.
 * With `--take-over` it takes over from the server of the same folder, whose connections go on (takeover.ts). With `--demo` it serves people who were made up, from a folder that goes with it.
 */
export async function serve(
  settings: string[],
  { isDemo, takesOver }: { isDemo: boolean; takesOver: boolean },
): Promise<void> {
  // Whoever reads what is logged may go away; the server stays.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const folder = isDemo ? demoFolder() : undefined;
  // What is given by hand comes later, and wins.
  const demoSettings = folder ? ["--data", folder.path, "--access-ttl", "1m", "--log", "warn"] : [];
  const config = readConfig(environment(), [...demoSettings, ...settings]);
  if (takesOver && config.databaseUrl)
    throw new StartError(
      "--take-over is for a data folder; with PostgreSQL start another server beside the old one",
    );
  const predecessor = takesOver ? await askToHandOver(config.data) : null;
  if (predecessor && ![0, predecessor.port].includes(config.port))
    throw new StartError(
      `the server that is running listens on port ${predecessor.port}, not ${config.port}; take over with its settings`,
    );
  const app = await createApp(predecessor ? { ...config, port: predecessor.port } : config);
  let isStarted = false;
  let stopAwaiting = () => {};
  let stopChecking = () => {};
  let stopBackingUp = () => {};
  const demo = isDemo ? await populate(app) : undefined;

  // A mistake in one request must not take the others down.
  process.on("unhandledRejection", (cause) => app.duet.log("error", "unhandled", { cause: String(cause) }));

  async function close() {
    stopAwaiting();
    stopChecking();
    stopBackingUp();
    demo?.stop();
    await app.close();
    if (isStarted) app.duet.log("info", "stopped", { pid: process.pid });
    folder?.remove();
  }

  let isStopping = false;
  const stop = async () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    await close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  try {
    const url = app.listen(predecessor !== null);
    const port = Number(new URL(url).port);
    if (predecessor) await takeOver(app, predecessor);
    const parting = { leaving: () => stopBackingUp(), left: () => void stop() };
    if (!config.databaseUrl) stopAwaiting = awaitSuccessor(app, config.data, port, parting);
    isStarted = true;
    app.duet.log("info", "started", { version, pid: process.pid, url });
    announce(app, url, demo?.people);
    void putHashingLast();
    stopBackingUp = backUpByItself(config, app.duet.log);
    const age = () => backupAgeSeconds(config);
    app.metrics.gauge("duet_backup_age_seconds", "Age of the newest backup that was made by itself.", age);
    // What was not closed is in use by the one that leaves.
    if (app.isUnsure && !predecessor) stopChecking = checkBeside(app, config.data);
  } catch (error) {
    await close();
    throw error;
  }
}

function announce(app: App, url: string, people: { name: string; password: string }[] | undefined) {
  if (people) {
    console.log("Demo: nothing is kept. Sign in as one of these, or as two of them in two browsers.\n");
    for (const { name, password } of people) console.log(`  ${name}\t${password}`);
    console.log("");
  }
  if (app.publicUrl) console.log(`Listening on ${url}`);
  console.log(`Duet is ready at ${app.publicUrl ?? url}`);
}
