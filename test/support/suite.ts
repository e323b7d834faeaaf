import { join } from "node:path";
import { chromium } from "playwright-core";
import { chromiumPath, OPTIONS } from "./chromium.ts";
import { startPostgres } from "./postgres.ts";
import { ROOT } from "./process.ts";

/** The nouns whose tests run on both databases. */
const NOUNS = (
  "account admin conversations dbsc departures devices dpop edge emails endings factors invites keys lab lab-guest live " +
  "messages notes oauth pages routes search sessions step-up throttle tokens users"
).split(" ");

/** More than that is no accident. */
const AGAIN_MAX = 3;

// Every test, with one Chromium for all of them: what each file opens are contexts of its own in it.
const server = chromiumPath
  ? await chromium.launchServer({ ...OPTIONS, executablePath: chromiumPath })
  : undefined;
// And one PostgreSQL, in which each application has a database of its own.
const postgres = await startPostgres();
const given = process.argv.slice(2);

type Run = { exitCode: number; failed: string[] };

async function run(files: string[], more: Record<string, string>, atOnce: number): Promise<Run> {
  const tests = Bun.spawn(
    [process.execPath, "test", `--parallel=${atOnce}`, "--timeout", "60000", ...files],
    {
      cwd: join(ROOT),
      stdio: ["inherit", "inherit", "pipe"],
      env: {
        ...process.env,
        TEST_POSTGRES: postgres.urlOf("postgres"),
        ...(server && { CHROMIUM_SERVER: server.wsEndpoint() }),
        ...more,
      },
    },
  );
  let said = "";
  const decoder = new TextDecoder();
  for await (const chunk of tests.stderr) {
    process.stderr.write(chunk);
    said += decoder.decode(chunk, { stream: true });
  }
  return { exitCode: await tests.exited, failed: failedIn(said) };
}

/** The files under whose names tests have failed; what failed without one is in none. */
function failedIn(said: string): string[] {
  const files = new Set<string>();
  let file = "";
  for (const line of said.split("\n")) {
    const [, begun] = /^(test\/\S+\.test\.tsx?):$/.exec(line) ?? [];
    // The list at the end names no files.
    if (/^\d+ tests? failed:$/.test(line)) break;
    if (begun) file = begun;
    else if (line.startsWith("(fail)") && file) files.add(file);
  }
  return [...files];
}

/**
 * Three files at a time, which two processors are short for; whatever fails there is run once more, alone, and that decides.
 * It is said at the end.
 */
async function runAll(files: string[], more: Record<string, string> = {}): Promise<number> {
  const { exitCode, failed } = await run(files, more, 3);
  if (exitCode === 0 || failed.length === 0 || failed.length > AGAIN_MAX) return exitCode;
  console.error(`\nonce more, alone: ${failed.join(", ")}`);
  const again = await run(failed, more, 1);
  if (again.exitCode === 0) console.error(`FAILED AMONG OTHERS, passed alone: ${failed.join(", ")}`);
  return again.exitCode;
}

const exitCode =
  (await runAll(given)) ||
  // What concerns the rules, once more, on the other database.
  (given.length === 0
    ? await runAll(
        NOUNS.map((noun) => `test/${noun}.test.ts`),
        { TEST_DATABASE: "postgres" },
      )
    : 0);
await server?.close();
await postgres[Symbol.asyncDispose]();
process.exit(exitCode);
