import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { BINARY } from "../support/process.ts";
import { failing, mountDisk, traced, type Outcome, type Recipe } from "./recipe.ts";
import { Site } from "./site.ts";
import { credentialsOf, Talker } from "./talker.ts";

/** The last call of a kind before one line of a trace. */
const lastBefore = (lines: string[], end: number, pattern: RegExp) =>
  lines.slice(0, end).findLastIndex((line) => pattern.test(line));

/** F-4: in the trace of the process the answer stands after the fsync of the log, and that after what was written to it. */
async function afterFsync(): Promise<Outcome> {
  await using site = await new Site().start();
  const alice = await Talker.register(site, "alice");
  const calls = "trace=fsync,fdatasync,pwrite64,sendto,write,writev,sendmsg";
  const works: [what: string, status: number, work: () => Promise<unknown>][] = [
    ["message", 201, () => alice.say()],
    ["refresh", 200, () => alice.refresh()],
    ["register", 201, () => site.ask("POST", "/api/auth/register", credentialsOf("bob"))],
    ["login", 200, () => site.ask("POST", "/api/auth/login", credentialsOf("alice"))],
    ["logout", 204, () => alice.ask("POST", "/api/auth/logout")],
  ];
  const faults: string[] = [];
  for (const [what, status, work] of works) {
    const trace = await traced(site.pid, ["-e", calls], async () => void (await work()));
    const lines = trace.split("\n");
    const answer = lines.findIndex((line) => line.includes(`"HTTP/1.1 ${status}`));
    const sync = lastBefore(lines, answer, /f(?:data)?sync\(\d+<[^>]*duet\.db-wal>\) *= 0/);
    const write = lastBefore(lines, sync, /pwrite64\(\d+<[^>]*duet\.db-wal>/);
    const isUnsynced = lines
      .slice(sync, answer)
      .some((line) => /pwrite64\(\d+<[^>]*duet\.db-wal>/.test(line));
    if (answer < 0 || sync < 0 || write < 0 || isUnsynced)
      faults.push(
        `${what}: write at ${write}, fsync at ${sync}, answer at ${answer}, unsynced ${isUnsynced}`,
      );
  }
  const order = "pwrite64(wal), fsync(wal), then HTTP/1.1";
  return { measured: `${order}: ${works.map(([what]) => what).join(", ")}`, faults };
}

/** F-5: calls fail one after the other, while somebody talks, refreshes and signs in. */
async function ioErrors(): Promise<Outcome> {
  await using site = await new Site().start();
  const alice = await Talker.register(site, "alice");
  const parts: string[] = [];
  for (const [calls, error, when] of [
    ["fsync", "EIO", "1+2"],
    ["fsync", "EIO", "1+1"],
    ["pwrite64", "EIO", "1+97"],
    ["pwrite64", "EIO", "40+131"],
    ["pread64,pwrite64,fsync,ftruncate", "EIO", "1+1"],
  ] as const) {
    const [before, wasStored] = [alice.acknowledged.length, alice.stored];
    await failing(site.pid, calls, error, when, async () => {
      for (let n = 0; n < 20; n++) {
        await alice.say();
        if (n % 4 === 0) await alice.refresh();
        if (n % 5 === 0)
          alice.note("login", await site.ask("POST", "/api/auth/login", credentialsOf("alice")));
        await alice.me();
      }
    });
    await alice.check();
    parts.push(
      `${calls} ${when}: rows = acks: ${alice.stored - wasStored} = ${alice.acknowledged.length - before}`,
    );
    if (alice.stored !== alice.acknowledged.length) alice.faults.push(parts.at(-1)!);
  }
  if (!alice.statuses.get(503)) alice.faults.push("nothing failed");
  // Said again, what was refused is there once; and so it is after a crash.
  for (const text of alice.unknown) if (!alice.acknowledged.includes(text)) await alice.sayAs(text);
  await site.stop("SIGKILL");
  await site.start();
  const faults = await alice.check();
  return { measured: `${parts.join("; ")}; ${alice.told}`, faults };
}

/** F-5, too: what cannot be read is 503 and never 401, and lets nobody in. */
async function unreadable(): Promise<Outcome> {
  await using site = await new Site().start();
  const people: Talker[] = [];
  for (let n = 0; n < 5; n++) people.push(await Talker.register(site, `user${n}`));
  // More than the first pages that a start reads.
  for (let n = 0; n < 50; n++) await people[0]!.sayAs(`${"long ".repeat(800)}${n}`);
  for (const one of people) await one.refresh();
  await site.stop();
  await site.start();
  const statuses: number[] = [];
  await failing(site.pid, "pread64", "EIO", "1+1", async () => {
    for (const one of people) {
      statuses.push((await one.me()).status);
      statuses.push((await one.ask("GET", one.path)).status);
      statuses.push(await one.refresh());
    }
  });
  const faults = (await Promise.all(people.map((one) => one.check()))).flat();
  if (!statuses.includes(503)) faults.push(`nothing failed: ${statuses.join()}`);
  return { measured: `EIO of every read: ${[...new Set(statuses)].join(", ")}`, faults };
}

/** Takes all the room that is left. */
function fill(folder: string): { free(): void } {
  const path = join(folder, "filler");
  const file = openSync(path, "w");
  for (const bytes of [65_536, 4096])
    try {
      for (const piece = new Uint8Array(bytes); ;) if (writeSync(file, piece) < bytes) break;
    } catch {
      // Full.
    }
  closeSync(file);
  return { free: () => rmSync(path) };
}

/** F-6: a disk that is full, and has room again. */
async function fullDisk(): Promise<Outcome> {
  using disk = mountDisk(8);
  const faults: string[] = [];
  // Strict, or the newest pair would be answered again, for which nothing is written.
  const strict = { DUET_PROGRAM_OVERLAP: "0" };
  await using site = await new Site(strict, join(disk.path, "data")).start();
  const alice = await Talker.register(site, "alice");
  const bob = await Talker.register(site, "bob");
  const carol = await Talker.register(site, "carol");
  let firstUse = 0;
  const reads = new Set<number>();
  for (let n = 0; n < 20; n++) await alice.say();
  await bob.me();
  let refused = 0;
  for (let round = 0; round < 3; round++) {
    await carol.refresh();
    const filler = fill(disk.path);
    for (let n = 0; n < 30; n++)
      if ((await alice.sayAs(`${round} ${"x".repeat(4000)} ${n}`)) !== 201) refused++;
    const expected: [what: string, status: number, statuses: number[]][] = [
      ["the list", (await alice.ask("GET", alice.path)).status, [200]],
      ["me", (await bob.me()).status, [200]],
      ["/login", (await site.ask("GET", "/login")).status, [200]],
      ["/healthz", (await site.ask("GET", "/healthz")).status, [200]],
      ["/.well-known/jwks.json", (await site.ask("GET", "/.well-known/jwks.json")).status, [200]],
      ["/readyz", (await site.ask("GET", "/readyz")).status, [503]],
      ["login", (await site.ask("POST", "/api/auth/login", credentialsOf("bob"))).status, [503]],
      ["logout", (await bob.ask("POST", "/api/auth/logout")).status, [503]],
      ["refresh", await alice.refresh(), [503]],
    ];
    for (const [, status] of expected.slice(0, 3)) reads.add(status);
    for (const [what, status, statuses] of expected)
      if (!statuses.includes(status)) faults.push(`full: ${what} is ${status}, not ${statuses.join(" or ")}`);
    firstUse = (await carol.me()).status;
    const command = [BINARY, "users", "disable", "bob", "--data", site.folder];
    const { exitCode, stderr } = Bun.spawnSync(command, { env: site.environment() });
    if (exitCode !== 1 || !/^duet: .*full\)\n$/.test(`${stderr}`))
      faults.push(`a command: ${exitCode} ${stderr}`);
    filler.free();
    faults.push(...(await alice.check()), ...(await carol.check()));
  }
  if (refused === 0) faults.push("nothing was refused");
  faults.push(...(await bob.check()));
  // A start on a disk that is full: it serves what it can, or says why not in a line, and breaks nothing.
  let filler = fill(disk.path);
  const stopped = await site.stop();
  if (stopped !== 0) faults.push(`a stop when full: exit code ${stopped}`);
  filler.free();
  filler = fill(disk.path);
  const started = await site.start().then(
    () => "started",
    (error) => String(error.errors ?? error).trim(),
  );
  if (started.includes("\n")) faults.push(`a start with no room: ${started}`);
  const page = started === "started" ? (await site.ask("GET", "/login")).status : "-";
  await site.stop();
  filler.free();
  await site.start();
  faults.push(...(await alice.check()), ...(await bob.check()));
  const empty = new Site({}, join(disk.path, "another"));
  const again = fill(disk.path);
  await empty.refusal().catch((error) => faults.push(`a first start with no room: ${error}`));
  again.free();
  await empty.start();
  await empty.stop();
  return {
    measured: `${refused} of 90 refused, reads ${[...reads].join()}, first use of a new pair ${firstUse}; started when full: ${started === "started" ? `pages ${page}` : "no"}; ${alice.told}`,
    faults: [...new Set(faults)],
  };
}

/** F-7: a file system that became read-only, and one that is so at the start. */
async function readOnly(): Promise<Outcome> {
  using disk = mountDisk(16);
  const faults: string[] = [];
  await using site = await new Site({}, join(disk.path, "data")).start();
  const alice = await Talker.register(site, "alice");
  await alice.say();
  await alice.me();
  const during: number[] = [];
  await failing(site.pid, "pwrite64,ftruncate,fsync", "EROFS", "1+1", async () => {
    during.push((await alice.me()).status, (await alice.ask("GET", alice.path)).status);
    during.push(await alice.say(), await alice.refresh());
  });
  if (during.join() !== "200,200,503,503") faults.push(`read-only: ${during.join()}`);
  faults.push(...(await alice.check()));
  await site.stop();
  disk.remount("ro");
  const said = await site.refusal();
  disk.remount("rw");
  await site.start();
  faults.push(...(await alice.check()));
  return { measured: `reads and writes ${during.join(", ")}; a start: "${said}"`, faults };
}

export const disk: Recipe[] = [
  { id: "F-4", what: "answered after fsync", needs: ["strace"], run: afterFsync },
  { id: "F-5", what: "I/O errors of writes", needs: ["strace"], run: ioErrors },
  { id: "F-5", what: "I/O errors of reads", needs: ["strace"], run: unreadable },
  { id: "F-6", what: "a full disk", needs: ["mounts of a tmpfs (root)"], run: fullDisk },
  {
    id: "F-7",
    what: "a read-only disk",
    needs: ["strace", "mounts of a tmpfs (root)"],
    run: readOnly,
  },
];
