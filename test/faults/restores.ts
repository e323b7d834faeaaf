import { cpSync } from "node:fs";
import { join } from "node:path";
import { folderOnDisk } from "../support/app.ts";
import { BINARY } from "../support/process.ts";
import type { Outcome, Recipe } from "./recipe.ts";
import { Site } from "./site.ts";
import { Talker } from "./talker.ts";

const duet = (site: Site, before: string[], ...args: string[]) =>
  Bun.spawnSync([...before, BINARY, ...args, "--data", site.folder], { env: site.environment() });

/**
 * F-10: a restore that is killed before each of its calls which change files. What was there is there, all of it, or what was
 * restored; or a start says in a line why not, and the same restore does it then.
 */
async function killedRestores(): Promise<Outcome> {
  const whole = await new Site().start();
  const alice = await Talker.register(whole, "alice");
  for (let n = 0; n < 3; n++) await alice.say();
  const backup = join(folderOnDisk(), "backup.db");
  duet(whole, [], "backup", backup);
  for (let n = 0; n < 2; n++) await alice.say();
  // So that what came last is in the write-ahead log alone.
  await whole.stop("SIGKILL");
  const faults: string[] = [];
  const seen: Record<string, number> = { "as before": 0, restored: 0, "refused, and restored then": 0 };
  for (const call of ["rename", "unlink", "fsync", "ftruncate", "pwrite64"])
    for (let n = 1, isDone = false; !isDone; n += call === "pwrite64" ? 9 : 1) {
      const site = new Site({}, join(folderOnDisk(), "data"));
      cpSync(whole.folder, site.folder, { recursive: true, filter: (path) => !path.endsWith(".sock") });
      const inject = `inject=${call}:signal=SIGKILL:when=${n}`;
      const strace = ["strace", "-D", "-f", "-o", "/dev/null", "-e", `trace=${call}`, "-e", inject];
      isDone = duet(site, strace, "restore", backup).exitCode === 0;
      const messages = () => site.read<{ n: number }>("SELECT count(*) AS n FROM messages")[0]!.n;
      const wrong = (why: string) => faults.push(`killed before ${call} ${n}: ${why}`);
      try {
        await site.start();
        const n = messages();
        if (n !== 5 && n !== 3) wrong(`${n} of 5 messages`);
        else seen[n === 5 ? "as before" : "restored"]!++;
      } catch (error) {
        const said = String((error as { errors?: string }).errors ?? error).trim();
        if (said.includes("\n")) wrong(said);
        const again = duet(site, [], "restore", backup);
        if (again.exitCode !== 0) wrong(`${said}; and again: ${again.stderr}`);
        await site.start();
        if (messages() !== 3) wrong(`restored again: ${messages()} of 3 messages`);
        seen["refused, and restored then"]!++;
      }
      for (const damage of site.damages()) wrong(damage);
      await site.stop();
    }
  const counts = Object.entries(seen).map(([name, n]) => `${name} ${n}`);
  return { measured: counts.join(", "), faults };
}

export const restores: Recipe[] = [
  { id: "F-10", what: "SIGKILL in a restore", needs: ["strace"], run: killedRestores },
];
