import { join } from "node:path";

/**
 * The page's script in one piece, as the browser gets it. Called as a macro, while the server is being compiled or
 * started from source, so that both hold the same text and neither looks for files later.
 */
export function bundleClient(): string {
  const entry = join(import.meta.dir, "main.ts");
  const options = ["--target=browser", "--format=iife", "--minify"];
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, "build", entry, ...options]);
  if (exitCode !== 0) throw new Error(`the page's script cannot be bundled:\n${stderr}`);
  return stdout.toString();
}
