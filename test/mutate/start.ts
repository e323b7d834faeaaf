import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { createRandom } from "../prove/kit.ts";
import { ROOT } from "../support/process.ts";
import { mutantsOf, type Mutant } from "./mutants.ts";

// `bun run mutate`: changes the source by chance, one small change at a time, and runs the tests that need no browser
// on each: whoever is not noticed is a survivor. The same seed on the same source makes the same changes.

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "80" },
    minutes: { type: "string", default: "20" },
    /** Part of a path: `core/auth`. */
    only: { type: "string", default: "" },
  },
});
const WORKERS = 2;
const RUN_MAX_MS = 120_000;
const PLACES = "{core,http,store,db}/**/*.{ts,tsx}";

/** Run what was built before, look at texts only, or need a browser: no mutant shows there. */
const BLIND = /(?:^browser\/|binary|prove|documentation|architecture|^security\/|^mutate\/)/;

const sources = [...new Bun.Glob(PLACES).scanSync(join(ROOT, "src"))].toSorted();
const tests = [...new Bun.Glob("**/*.test.{ts,tsx}").scanSync(join(ROOT, "test"))]
  .filter((file) => !BLIND.test(file))
  .toSorted();

const random = createRandom(Number(values.seed));
const all = sources
  .filter((path) => path.includes(values.only))
  .flatMap((path) => mutantsOf(path, readFileSync(join(ROOT, "src", path), "utf8")));
const chosen: Mutant[] = [];
while (chosen.length < Number(values.count) && all.length > 0)
  chosen.push(...all.splice(random.below(all.length), 1));

/** Those that speak of the file come first: most mutants are found by them. */
function inOrder({ path }: Mutant): [likely: string[], rest: string[]] {
  const noun = basename(path).split(".")[0]!;
  const isLikely = (file: string) =>
    file.includes(noun.replace(/s$/, "")) ||
    readFileSync(join(ROOT, "test", file), "utf8").includes(`/${noun}.ts`);
  return [tests.filter(isLikely), tests.filter((file) => !isLikely(file))];
}

/** A copy of the source to be changed, beside everything else as it is. */
function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), "duet-mutant-"));
  for (const name of [
    "src",
    "test",
    "public",
    "dist",
    "package.json",
    "bunfig.toml",
    "tsconfig.json",
    "README.md",
  ])
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

async function isNoticed(folder: string, files: string[]): Promise<boolean> {
  if (files.length === 0) return false;
  const child = Bun.spawn(
    [
      process.execPath,
      "test",
      "--isolate",
      "--bail",
      "--timeout",
      "20000",
      ...files.map((file) => `./test/${file}`),
    ],
    { cwd: folder, stdout: "ignore", stderr: "ignore", timeout: RUN_MAX_MS, killSignal: "SIGKILL" },
  );
  return (await child.exited) !== 0;
}

const startedAt = performance.now();
const isOver = () => performance.now() - startedAt > Number(values.minutes) * 60_000;
const survivors: Mutant[] = [];
let tried = 0;

async function work(folder: string): Promise<void> {
  for (let mutant; !isOver() && (mutant = chosen.shift());) {
    const file = join(folder, "src", mutant.path);
    const source = readFileSync(file, "utf8");
    writeFileSync(file, mutant.text);
    const [likely, rest] = inOrder(mutant);
    const isFound = (await isNoticed(folder, likely)) || (await isNoticed(folder, rest));
    writeFileSync(file, source);
    tried++;
    if (!isFound) survivors.push(mutant);
    console.log(`${isFound ? "found   " : "SURVIVED"}  ${mutant.path}:${mutant.line}  ${mutant.change}`);
  }
}

const folders = Array.from({ length: WORKERS }, copy);
try {
  // The premise: without a change all of them pass.
  if (await isNoticed(folders[0]!, tests)) throw new Error("the tests fail without a change");
  await Promise.all(folders.map(work));
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true });
}
const found = tried - survivors.length;
console.log(`\n${found} of ${tried} found (${((100 * found) / tried).toFixed(0)} %), seed ${values.seed}`);
for (const { path, line, change } of survivors) console.log(`  ${path}:${line}  ${change}`);
if (chosen.length > 0) console.log(`${chosen.length} were not tried: the time was over`);
