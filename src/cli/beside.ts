import { issuerOf, type Config } from "../config.ts";
import { openDataBeside } from "../data.ts";
import { createDuet, type Duet } from "../duet.ts";
import { createLog } from "../http/log.ts";

/** Does an operator's work with every service, on the data of a server that may be running. Throws StartError. */
export async function beside(config: Config, work: (duet: Duet) => Promise<void>): Promise<void> {
  const issuer = issuerOf(config);
  const data = await openDataBeside(config, issuer);
  try {
    // Whoever types a command is told by it; lines for machines only where something is wrong.
    const log = createLog(config.log === "info" ? "warn" : config.log, (line) => process.stderr.write(line));
    await work(createDuet({ ...data, settings: { ...config, issuer }, log }));
  } finally {
    await data.close();
  }
}
