import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ROOT } from "../support/process.ts";

/** What a release is built for, by Bun's names. */
export const TARGETS = [
  "bun-linux-x64",
  "bun-linux-arm64",
  "bun-linux-x64-musl",
  "bun-linux-arm64-musl",
  "bun-darwin-arm64",
  "bun-darwin-x64",
  "bun-windows-x64",
];

type Needs = Record<string, string>;
type Manifest = {
  name: string;
  version: string;
  license?: string;
  dependencies?: Needs;
  peerDependencies?: Needs;
};

const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const {
  version,
  dependencies = {},
  scripts,
} = manifestIn(ROOT) as Manifest & { scripts: Record<string, string> };
const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

/** The flags of `bun run build`, which is what the tests have tested. */
const FLAGS = /bun build (--compile .*) src\/main\.ts/.exec(scripts["build"]!)![1]!.split(" ");

/** Builds one executable into a folder. Answers its path. */
export function build(target: string, folder: string): string {
  const name = `duet-${version}-${target.replace(/^bun-/, "")}${target.includes("windows") ? ".exe" : ""}`;
  const outfile = join(folder, name);
  const command = ["bun", "build", ...FLAGS, `--target=${target}`, "src/main.ts", "--outfile", outfile];
  const built = Bun.spawnSync(command, { cwd: ROOT, stdout: "ignore", stderr: "pipe" });
  if (built.exitCode !== 0) throw new Error(`${target}: ${built.stderr}`);
  return outfile;
}

/** `SHA256SUMS`, as `sha256sum --check` reads it. */
export const sumsOf = (files: string[]): string =>
  files.map((file) => `${sha256(file)}  ${basename(file)}\n`).join("");

/** Everything that is in the executables, as CycloneDX 1.6: what was installed, and whatever that asks for. */
export function billOfMaterials(): object {
  const components = new Map<string, object>();
  const add = (name: string, from: string) => {
    // As Node.js looks for it: beside whoever asks, then further up.
    const folder = [join(from, "node_modules", name), join(ROOT, "node_modules", name)].find(
      (each) => Bun.file(join(each, "package.json")).size > 0,
    );
    if (!folder) return; // an optional one that is not installed
    const { version: its, license, dependencies: brought, peerDependencies: wanted } = manifestIn(folder);
    const purl = `pkg:npm/${name.replace("@", "%40")}@${its}`;
    if (components.has(purl)) return;
    components.set(purl, {
      type: "library",
      "bom-ref": purl,
      name,
      version: its,
      purl,
      ...(license && { licenses: [{ license: { id: license } }] }),
    });
    for (const each of Object.keys({ ...brought, ...wanted })) add(each, folder);
  };
  for (const name of Object.keys(dependencies)) add(name, ROOT);
  const runtime = {
    type: "framework",
    "bom-ref": "bun",
    name: "bun",
    version: Bun.version,
    licenses: [{ license: { id: "MIT" } }],
  };
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: { type: "application", name: "duet", version, licenses: [{ license: { id: "MIT" } }] },
    },
    components: [
      runtime,
      ...[...components].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, component]) => component),
    ],
  };
}

if (import.meta.main) {
  const folder = join(ROOT, "dist", "release");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files = TARGETS.map((target) => {
    const file = build(target, folder);
    console.log(`${basename(file)}  ${(Bun.file(file).size / 2 ** 20).toFixed(1)} MB`);
    return file;
  });
  writeFileSync(join(folder, "sbom.cdx.json"), `${JSON.stringify(billOfMaterials(), null, 2)}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), sumsOf(files));
  // The one that runs here says what it is.
  const here = files.find((file) => file.endsWith(`linux-${process.arch}`));
  if (here) console.log(Bun.spawnSync([here, "version", "--json"]).stdout.toString().trim());
}
