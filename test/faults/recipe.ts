import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { folderOnDisk } from "../support/app.ts";

export type Outcome = { measured: string; faults: string[] };

/** One fault of the list, done to the real executable. */
export type Recipe = {
  id: string;
  what: string;
  /** What the machine must have. */
  needs?: Need[];
  run(minutes: number): Promise<Outcome>;
};

export type Need = keyof typeof NEEDS;

const isRoot = () => process.getuid?.() === 0;

/** Each answers whether it is there. */
export const NEEDS = {
  strace: () =>
    Bun.which("strace") !== null && Bun.spawnSync(["strace", "-f", "-o", "/dev/null", "true"]).success,
  "mounts of a tmpfs (root)": () => isRoot() && Bun.spawnSync(["unshare", "-m", "true"]).success,
  "libfaketime (Debian: apt-get install libfaketime)": () => findLibfaketime() !== undefined,
  "control groups of memory (root)": () => isRoot() && existsSync(MEMORY_GROUPS),
  setpriv: () => isRoot() && Bun.which("setpriv") !== null,
  Linux: () => process.platform === "linux",
};

const MEMORY_GROUPS = "/sys/fs/cgroup/memory";

export function findLibfaketime(): string | undefined {
  const root = "/usr/lib";
  const folders = existsSync(root) ? readdirSync(root).map((name) => join(root, name, "faketime")) : [];
  return folders.map((folder) => join(folder, "libfaketime.so.1")).find((path) => existsSync(path));
}

/** Runs `work` while strace is attached to a process; answers what it saw. */
export async function traced(pid: number, args: string[], work: () => Promise<void>): Promise<string> {
  const seen = join(folderOnDisk(), "trace");
  const strace = Bun.spawn(["strace", "-f", "-y", "-s", "64", "-o", seen, "-p", `${pid}`, ...args], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const heard = strace.stderr.getReader();
  for (let said = ""; !said.includes("attached");) {
    const { value, done } = await heard.read();
    if (done) throw new Error(`strace: ${said}`);
    said += new TextDecoder().decode(value);
  }
  try {
    await work();
  } finally {
    strace.kill("SIGINT");
    await strace.exited;
  }
  return Bun.file(seen).text();
}

/** Has every call of these fail while `work` goes on; `when` as strace has it, such as `1+2`. */
export const failing = (pid: number, calls: string, error: string, when: string, work: () => Promise<void>) =>
  traced(pid, ["-e", `trace=${calls}`, "-e", `inject=${calls}:error=${error}:when=${when}`], work);

const must = (...command: string[]) => {
  const { success, stderr } = Bun.spawnSync(command, { stderr: "pipe" });
  if (!success) throw new Error(`${command.join(" ")}: ${stderr}`);
};

/** A disk of so many megabytes, in memory. */
export function mountDisk(megabytes: number) {
  const path = join(folderOnDisk(), "disk");
  mkdirSync(path);
  must("mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path);
  return {
    path,
    remount: (how: "ro" | "rw") => must("mount", "-o", `remount,${how}`, path),
    [Symbol.dispose]: () => must("umount", path),
  };
}

/** A group whose processes have so much memory and no more. */
export function memoryGroup(megabytes: number) {
  const path = join(MEMORY_GROUPS, `duet-faults-${process.pid}`);
  mkdirSync(path);
  const write = (name: string, value: string) => Bun.write(join(path, name), value);
  return {
    path,
    limit: () => write("memory.limit_in_bytes", `${megabytes * 1024 * 1024}`),
    peakMegabytes: async () =>
      Math.round(Number(await Bun.file(join(path, "memory.max_usage_in_bytes")).text()) / 2 ** 20),
    [Symbol.dispose]: () => rmdirSync(path),
  };
}

/** Asks until it is so, or says that it never was. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  limitMs = 20_000,
): Promise<void> {
  for (const from = performance.now(); !(await isSo()); await Bun.sleep(10))
    if (performance.now() - from > limitMs) throw new Error(`${what}: not within ${limitMs} ms`);
}
