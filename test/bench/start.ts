import { rmSync } from "node:fs";
import { folderOnDisk } from "../support/app.ts";
import { BINARY, run } from "../support/process.ts";

// From nothing to the line with the URL, by the executable: folder, secret, schema, keys. Beside it the executable
// that only prints its version, so that the machine's own share can be told.
const ROUNDS = 15;

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

const median = (times: number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;

const times: Record<"first" | "again" | "version", number[]> = { first: [], again: [], version: [] };
for (let round = 0; round < ROUNDS; round++) {
  const folder = folderOnDisk();
  for (const kind of ["first", "again"] as const) {
    let server: Awaited<ReturnType<typeof run>> | undefined;
    times[kind].push(
      await milliseconds(async () => (server = await run([BINARY, "--port", "0", "--data", folder]))),
    );
    await server?.[Symbol.asyncDispose]();
  }
  times.version.push(await milliseconds(() => Bun.spawn([BINARY, "version"], { stdout: "ignore" }).exited));
  rmSync(folder, { recursive: true });
}

const [first, again, version] = [median(times.first), median(times.again), median(times.version)];
console.log(`median of ${ROUNDS}, from spawn:`);
console.log(`  version only            ${version.toFixed(0)} ms`);
console.log(`  first start to its URL  ${first.toFixed(0)} ms  (${(first / version).toFixed(1)} ×)`);
console.log(`  start on that folder    ${again.toFixed(0)} ms  (${(again / version).toFixed(1)} ×)`);
