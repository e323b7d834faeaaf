import { join } from "node:path";
import { chromium } from "playwright-core";
import { chromiumPath, OPTIONS } from "./chromium.ts";
import { ROOT } from "./process.ts";

// Every test, with one Chromium for all of them: what each file opens are contexts of its own in it.
const server = chromiumPath
  ? await chromium.launchServer({ ...OPTIONS, executablePath: chromiumPath })
  : undefined;
const tests = Bun.spawn(
  [process.execPath, "test", "--parallel=3", "--timeout", "60000", ...process.argv.slice(2)],
  {
    cwd: join(ROOT),
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...process.env, ...(server && { CHROMIUM_SERVER: server.wsEndpoint() }) },
  },
);
const exitCode = await tests.exited;
await server?.close();
process.exit(exitCode);
