import { environment, readConfig } from "../config.ts";
import { DuetError, StartError } from "../errors.ts";
import { beside } from "./beside.ts";

/**
 * `duet users disable NAME` ends every session of an account and lets nobody sign in to it; `duet users enable NAME` takes
 * that back. Beside a running server it holds from the next request on; streams that are open end within a heartbeat.
 */
export async function users(args: string[]): Promise<void> {
  const [verb, name, ...flags] = args;
  if ((verb !== "disable" && verb !== "enable") || !name || name.startsWith("--"))
    throw new StartError("say duet users disable NAME or duet users enable NAME");
  await beside(readConfig(environment(), flags), async ({ operator }) => {
    try {
      const { username } = await operator[verb](name);
      console.log(`${username} is ${verb}d`);
    } catch (error) {
      if (!(error instanceof DuetError) || error.code !== "not_found") throw error;
      throw new StartError("there is no account of that name or address", { cause: error });
    }
  });
}
