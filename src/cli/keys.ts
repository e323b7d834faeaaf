import { openDataBeside } from "../app.ts";
import { environment, readConfig } from "../config.ts";
import { StartError } from "../core/errors.ts";

/**
 * `duet keys` lists the key ring, `duet keys rotate` makes the next key sign. A server that runs on the folder
 * takes it in within half a minute; nobody is signed out.
 */
export async function keys(args: string[]): Promise<void> {
  const [verb = "list", ...flags] = args[0]?.startsWith("--") ? ["list", ...args] : args;
  if (verb !== "list" && verb !== "rotate")
    throw new StartError(`duet keys knows list and rotate, not "${verb}"`);
  const config = readConfig(environment(), flags);
  const data = await openDataBeside(config);
  try {
    if (verb === "rotate") await data.keys.rotate();
    for (const { id, state, algorithm, activatedAt } of data.keys.list())
      console.log(
        [state.padEnd(8), algorithm, id, activatedAt ? new Date(activatedAt).toISOString() : "-"].join("  "),
      );
  } finally {
    await data.close();
  }
}
