import { join } from "node:path";
import { chromium } from "playwright-core";
import { chromiumPath, OPTIONS } from "./chromium.ts";
import { startPostgres } from "./postgres.ts";
import { ROOT } from "./process.ts";

/** The nouns whose tests run on both databases. */
const NOUNS = (
  "account admin conversations dbsc departures devices dpop edge emails endings factors keys lab live messages oauth " +
  "pages routes search sessions step-up throttle tokens users"
).split(" ");

// Every test, with one Chromium for all of them: what each file opens are contexts of its own in it.
const server = chromiumPath
  ? await chromium.launchServer({ ...OPTIONS, executablePath: chromiumPath })
  : undefined;
// And one PostgreSQL, in which each application has a database of its own.
const postgres = await startPostgres();
const given = process.argv.slice(2);

async function run(files: string[], more: Record<string, string> = {}): Promise<number> {
  const tests = Bun.spawn([process.execPath, "test", "--parallel=3", "--timeout", "60000", ...files], {
    cwd: join(ROOT),
    stdio: ["inherit", "inherit", "inherit"],
    env: {
      ...process.env,
      TEST_POSTGRES: postgres.urlOf("postgres"),
      ...(server && { CHROMIUM_SERVER: server.wsEndpoint() }),
      ...more,
    },
  });
  return tests.exited;
}

const exitCode =
  (await run(given)) ||
  // What concerns the rules, once more, on the other database.
  (given.length === 0
    ? await run(
        NOUNS.map((noun) => `test/${noun}.test.ts`),
        { TEST_DATABASE: "postgres" },
      )
    : 0);
await server?.close();
await postgres[Symbol.asyncDispose]();
process.exit(exitCode);
