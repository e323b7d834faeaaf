import { createApp } from "../app.ts";
import { environment, readConfig } from "../config.ts";

/** `duet serve`: runs until SIGTERM or SIGINT, then lets requests under way finish. A second signal ends at once. */
export async function serve(args: string[]): Promise<void> {
  // Whoever reads what is logged may go away; the server stays.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const app = await createApp(readConfig(environment(), args));

  // A mistake in one request must not take the others down.
  process.on("unhandledRejection", (cause) => app.log("error", "unhandled", { cause: String(cause) }));

  let isStopping = false;
  const stop = async () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    await app.close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  try {
    console.log(`Duet is ready at ${app.listen()}`);
  } catch (error) {
    await app.close();
    throw error;
  }
}
