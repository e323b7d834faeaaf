import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dependencies } from "../../package.json";
import { BINARY, ROOT } from "../support/process.ts";

// What each dependency adds to an executable that does nothing else.

const folder = join(ROOT, "dist/bench-size");
mkdirSync(folder, { recursive: true });

function bytesOf(source: string): number {
  const [file, outfile] = [join(folder, "one.ts"), join(folder, "one")];
  writeFileSync(file, source);
  const built = Bun.spawnSync([
    "bun",
    "build",
    "--compile",
    "--production",
    "--minify",
    "--bytecode",
    "--format=esm",
    file,
    "--outfile",
    outfile,
  ]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
  return statSync(outfile).size;
}

/** Where the whole of a package is not what is used of it. */
const USED: Record<string, string> = {
  "lucide-static": "lucide-static/icons/x.svg",
  unhomoglyph: "unhomoglyph/data.json",
};
const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2).padStart(8)} MB`;
const bare = bytesOf("Bun.serve({ fetch: () => new Response() });");
console.log(`a bare server                 ${megabytes(bare)}`);
for (const name of Object.keys(dependencies)) {
  const how = name === "lucide-static" ? ' with { type: "text" }' : "";
  const source = `import * as all from "${USED[name] ?? name}"${how};\nconsole.log(Object.keys(all));`;
  console.log(`${name.padEnd(30)}${megabytes(bytesOf(source) - bare)}`);
}
console.log(`Duet, all of it               ${megabytes(statSync(BINARY).size - bare)}`);
rmSync(folder, { recursive: true });
