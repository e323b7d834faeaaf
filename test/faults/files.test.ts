import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { BINARY } from "../support/process.ts";
import { NEEDS, until } from "./recipe.ts";
import { Site } from "./site.ts";
import { credentialsOf, Talker } from "./talker.ts";

describe("files that may not be written (F-7)", () => {
  const isRoot = process.getuid?.() === 0;
  // Root may write everything.
  const before = isRoot ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] : [];
  const can = process.platform === "linux" && (!isRoot || NEEDS.setpriv());

  test.skipIf(!can)("keep a server from starting, which says so in a line", async () => {
    const site = await new Site().start();
    await site.stop();
    const all = ["duet.db", "secret", "server.lock", "duet.db-start"].map((name) => join(site.folder, name));
    const to = (folder: number, files: number) => {
      chmodSync(site.folder, folder);
      for (const file of all) chmodSync(file, files);
    };
    // For whoever is not their owner, as for an owner without the right.
    to(isRoot ? 0o755 : 0o555, 0o444);
    expect(await site.refusal(before)).toBe("duet: the data folder … cannot be written to (EACCES)");
    to(isRoot ? 0o777 : 0o755, 0o444);
    expect(await site.refusal(before)).toMatch(/^duet: the data folder … cannot be locked \(.*\)$/);
    for (const file of all.slice(1)) chmodSync(file, 0o666);
    expect(await site.refusal(before)).toMatch(/^duet: the database .*cannot be \S+ \(.*\)$/);
    chmodSync(all[0]!, 0o666);
    chmodSync(all[1]!, 0o000);
    // The one before made it, with the rights that the database had.
    for (const end of ["-wal", "-shm"]) rmSync(site.database + end, { force: true });
    expect(await site.refusal(before)).toBe("duet: the secret in …/secret cannot be read (EACCES)");
    to(0o700, 0o600);
    await site.start();
    expect((await site.ask("GET", "/readyz")).status).toBe(200);
    await site.stop();
  });
});

describe("a database that is not what it was (F-8)", () => {
  /** A server that was killed with an account in its write-ahead log. */
  async function killed() {
    const site = await new Site().start();
    const alice = await Talker.register(site, "alice");
    await site.stop("SIGKILL");
    return { site, alice };
  }

  test("goes on where only the index of its log is gone", async () => {
    const { site, alice } = await killed();
    rmSync(`${site.database}-shm`);
    await site.start();
    expect(await alice.check()).toEqual([]);
    await site.stop();
  });

  test("whose log is gone is not taken for a new one, until somebody says so", async () => {
    const { site } = await killed();
    for (const end of ["-wal", "-shm"]) rmSync(site.database + end);
    expect(await site.refusal()).toContain("its log, duet.db-wal, is gone with what was stored last");
    rmSync(join(site.folder, "duet.db-start"));
    await site.start();
    await site.stop();
    await site.start();
    await site.stop();
  });

  test("is taken as it is where an operator's command has taken the log in", async () => {
    const { site, alice } = await killed();
    const listed = Bun.spawnSync([BINARY, "users", "list", "--data", site.folder], {
      env: site.environment(),
    });
    expect(listed.stdout.toString()).toContain("alice");
    expect(existsSync(`${site.database}-wal`)).toBe(false);
    await site.start();
    expect(await alice.check()).toEqual([]);
    await site.stop();
  });

  test("whose log was cut has what was whole, and nothing else", async () => {
    const { site } = await killed();
    const log = `${site.database}-wal`;
    const bytes = readFileSync(log);
    writeFileSync(log, bytes.subarray(0, bytes.length - 5000));
    await site.start();
    expect(site.damages()).toEqual([]);
    expect((await site.ask("POST", "/api/auth/register", credentialsOf("bob"))).status).toBe(201);
    await site.stop();
  });
});

describe("a database that is taken away from under its server (F-9)", () => {
  test.each([
    ["moved", (path: string) => renameSync(path, `${path}.away`)],
    [
      "replaced by a copy",
      (path: string) => {
        const bytes = readFileSync(path);
        renameSync(path, `${path}.away`);
        writeFileSync(path, bytes);
      },
    ],
  ])("and %s takes no write, says so, and goes on when it is back", async (_, take) => {
    await using site = await new Site().start();
    const alice = await Talker.register(site, "alice");
    await alice.say();
    take(site.database);
    expect([await alice.say(), await alice.refresh()]).toEqual([503, 503]);
    expect((await site.ask("POST", "/api/auth/login", credentialsOf("alice"))).status).toBe(503);
    expect((await site.ask("GET", "/readyz")).status).toBe(503);
    renameSync(`${site.database}.away`, site.database);
    expect(await alice.check()).toEqual([]);
    expect(alice.stored).toBe(1);
  });
});

describe("a data folder that is deleted under its server (F-9)", () => {
  test("takes no write, and a new one is not begun in its place by a server that runs", async () => {
    await using site = await new Site().start();
    const alice = await Talker.register(site, "alice");
    for (const end of ["", "-wal", "-shm"]) rmSync(site.database + end);
    expect([await alice.say(), await alice.refresh()]).toEqual([503, 503]);
    expect(alice.faults).toEqual([]);
    expect(existsSync(site.database)).toBe(false);
    await site.stop();
    expect(await site.refusal()).toContain("secret is in … but duet.db is not");
  });
});

describe("one folder for many servers (F-12)", () => {
  test("that start at the same moment has one, and the others say why not", async () => {
    const folder = new Site().folder;
    const starts = await Promise.allSettled(Array.from({ length: 6 }, () => new Site({}, folder).start()));
    const started = starts.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const refused = starts.flatMap((each) => (each.status === "rejected" ? [each.reason.errors] : []));
    expect(started.length).toBe(1);
    expect(new Set(refused)).toEqual(
      new Set([`duet: another Duet server is using the data folder ${folder}\n`]),
    );
    const alice = await Talker.register(started[0]!, "alice");
    expect(await alice.check()).toEqual([]);
    await started[0]!.stop();
  });
});

describe("a backup whose time is in the future, as the clock was (F-11)", () => {
  // It does not hold: none is made until that time has come, and the age that is measured is below zero.
  test("does not keep the next one from being made", async () => {
    const backups = join(new Site().folder, "backups");
    const file = join(backups, "duet-2099-01-01T00-00-00Z.db");
    mkdirSync(backups);
    writeFileSync(file, "of another time");
    const future = new Date(Date.now() + 8 * 86_400_000);
    utimesSync(file, future, future);
    const settings = { DUET_BACKUP_EVERY: "60s", DUET_BACKUP_FOLDER: backups, DUET_LOG: "info" };
    await using site = await new Site(settings).start();
    const isMade = () => site.running!.errors().includes("backup_made");
    await until("a backup is made", isMade, 1500);
  });
});
