import { environment, readConfig } from "../config.ts";
import { StartError } from "../errors.ts";
import { beside } from "./beside.ts";

/**
 * `duet keys` lists the key ring, `duet keys rotate` makes the next key sign. A server that runs on the folder
 * takes it in within half a minute; nobody is signed out.
 */
export async function keys(args: string[]): Promise<void> {
  const [verb = "list", ...flags] = args[0]?.startsWith("--") ? ["list", ...args] : args;
  if (verb !== "list" && verb !== "rotate")
    throw new StartError(`duet keys knows list and rotate, not "${verb}"`);
  await beside(readConfig(environment(), flags), async ({ keys }) => {
    if (verb === "rotate") await keys.rotate();
    for (const { id, state, algorithm, activatedAt } of keys.list())
      console.log(
        [state.padEnd(8), algorithm, id, activatedAt ? new Date(activatedAt).toISOString() : "-"].join("  "),
      );
  });
}
