import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { billOfMaterials, build, sumsOf } from "./release/release.ts";
import { folderOnDisk } from "./support/app.ts";
import { ROOT } from "./support/process.ts";

const target = `bun-${process.platform === "darwin" ? "darwin" : "linux"}-${process.arch}`;

test("a release is the same bytes wherever it is built, runs, and names all that is in it", async () => {
  const [here, there] = [folderOnDisk(), folderOnDisk()];
  const [file, again] = [build(target, here), build(target, there)];
  const sums = sumsOf([file]);
  expect(sumsOf([again])).toBe(sums);
  writeFileSync(join(here, "SHA256SUMS"), sums);
  expect(Bun.spawnSync(["sha256sum", "--check", "--strict", "SHA256SUMS"], { cwd: here }).exitCode).toBe(0);
  const said = JSON.parse(Bun.spawnSync([file, "version", "--json"]).stdout.toString());
  const { version, dependencies } = await Bun.file(join(ROOT, "package.json")).json();
  expect(said).toEqual({ version, bun: Bun.version, platform: process.platform, arch: process.arch });
  const { components } = billOfMaterials() as {
    components: { name: string; version: string; licenses?: unknown }[];
  };
  for (const [name, its] of Object.entries<string>(dependencies))
    expect(components).toContainEqual(expect.objectContaining({ name, version: its }));
  // And what those bring.
  expect(components.map(({ name }) => name)).toContain("@sinclair/typebox");
  expect(components.filter(({ licenses }) => !licenses)).toEqual([]);
});
