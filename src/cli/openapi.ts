import { createApp } from "../app.ts";
import { issuerOf, type Config } from "../config.ts";
import { demoFolder } from "../db/folder.ts";

/** `duet openapi`: what a server of these settings answers at `/openapi.json`, from a new one in a folder that goes with it. */
export async function printOpenApi(config: Config): Promise<void> {
  const folder = demoFolder();
  const own = { ...config, data: folder.path, databaseUrl: undefined, publicUrl: issuerOf(config) };
  const app = await createApp(own, { log: () => {} });
  try {
    const answer = await app.handle(new Request(`${own.publicUrl}/openapi.json`));
    console.log(JSON.stringify(await answer.json(), null, 2));
  } finally {
    await app.close();
    folder.remove();
  }
}
