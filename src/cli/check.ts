import type { App } from "../app.ts";
import type { Config } from "../config.ts";
import { faultsOf } from "../db/check.ts";
import { findFolder } from "../db/folder.ts";
import { StartError } from "../errors.ts";
import { selfWith } from "./self.ts";

/** `duet check` reads the whole database, beside a server that may be running, and says whether it is sound. */
export function check({ databaseUrl, data }: Config): void {
  if (databaseUrl) throw new StartError("a PostgreSQL database is checked by its own tools (pg_amcheck)");
  const { databasePath } = findFolder(data);
  const faults = faultsOf(databasePath);
  if (faults.length > 0)
    throw new StartError([`the database ${databasePath} is damaged; restore a backup`, ...faults].join("\n"));
  console.log(`${databasePath} is sound`);
}

/** The same for a server that is running, as a process of its own that holds nothing up. Answers how to stop it. */
export function checkBeside({ duet }: Pick<App, "duet">, folder: string): () => void {
  const command = selfWith("check", "--data", folder);
  let stop = () => {};
  let isStopped = false;

  async function run() {
    const child = Bun.spawn(command, { env: {}, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    stop = () => child.kill();
    const said = (await new Response(child.stderr).text()).trim();
    const exitCode = await child.exited;
    if (isStopped) return;
    if (exitCode === 0) duet.log("info", "database_checked");
    else if (said.includes(" is damaged")) duet.noteDamage(said);
    else throw new Error(`exit code ${exitCode}: ${said}`);
  }

  // That it could not be looked at says nothing of it.
  run().catch((cause: unknown) => duet.log("warn", "database_not_checked", { cause: String(cause) }));
  return () => {
    isStopped = true;
    stop();
  };
}
