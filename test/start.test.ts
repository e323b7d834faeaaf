import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../src/limits.ts";
import { temporaryFolder } from "./support/app.ts";
import { bareEnvironment, failure, fromSource, ROOT, run } from "./support/process.ts";

const serve = (folder: string, ...args: string[]) => fromSource("--data", folder, "--port", "0", ...args);
const check = (folder: string) => [process.execPath, join(ROOT, "src/main.ts"), "check", "--data", folder];
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** A folder that has been served from, with everything in its place. */
async function usedFolder(): Promise<string> {
  const folder = temporaryFolder();
  await using server = await run(serve(folder));
  server.process.kill("SIGTERM");
  expect(await server.process.exited).toBe(0);
  return folder;
}
const contents = (folder: string) =>
  Object.fromEntries(
    ["duet.db", "secret"].map((file) => [file, readFileSync(join(folder, file)).toString("base64")]),
  );

describe("the first start", () => {
  test("makes the folder, the secret, the schema and the keys, and says one line", async () => {
    const data = join(temporaryFolder(), "not/there/yet");
    await using server = await run(serve(data));
    expect(server.url).toMatch(/^http:\/\/localhost:\d+$/);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect(mode(data)).toBe("700");
    const files = readdirSync(data);
    expect(files).toEqual(expect.arrayContaining(["duet.db", "secret", "server.lock"]));
    // Who may enter the folder may speak to the socket.
    for (const file of files.filter((name) => name !== "handover.sock"))
      expect([file, mode(join(data, file))]).toEqual([file, "600"]);
    expect(readFileSync(join(data, "secret"), "utf8").trim().length).toBe(43); // 256 bits
    using db = new Database(join(data, "duet.db"), { readonly: true });
    expect(db.query("SELECT state FROM signing_keys ORDER BY state").values()).toEqual([
      ["active"],
      ["next"],
    ]);
    expect(server.errors()).toMatch(/^\{[^\n]*"event":"started"[^\n]*\}\n$/);
  });

  test("behind a public address says where it listens as well", async () => {
    const site = "https://duet.example.com";
    await using server = await run(serve(temporaryFolder(), "--public-url", site));
    expect(server.said()).toMatch(
      /^Listening on http:\/\/localhost:\d+\nDuet is ready at https:\/\/duet\.example\.com\n$/,
    );
  });

  test("takes a folder that is there and empty as it is", async () => {
    const folder = join(temporaryFolder(), "mine");
    mkdirSync(folder);
    chmodSync(folder, 0o750);
    await using server = await run(serve(folder));
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(mode(folder)).toBe("750");
  });

  test("finds the keys it left when it starts again", async () => {
    const folder = await usedFolder();
    const before = readFileSync(join(folder, "secret"), "utf8");
    await using server = await run(serve(folder));
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect(readFileSync(join(folder, "secret"), "utf8")).toBe(before);
  });
});

describe("a start that cannot be", () => {
  const oneLine = (errors: string) => expect(errors.trim().split("\n")).toHaveLength(1);

  test("on a taken port says so and leaves the folder free", async () => {
    await using first = await run(serve(temporaryFolder()));
    const folder = temporaryFolder();
    const port = new URL(first.url).port;
    const { exitCode, errors } = await failure(fromSource("--data", folder, "--port", port));
    expect(exitCode).toBe(1);
    expect(errors).toBe(`duet: port ${port} on 127.0.0.1 cannot be listened on; is it taken?\n`);
    await using again = await run(serve(folder));
    expect((await fetch(`${again.url}/healthz`)).status).toBe(200);
  });

  test("in a folder that another server uses says so; the first one goes on", async () => {
    const folder = temporaryFolder();
    await using first = await run(serve(folder));
    const { exitCode, errors } = await failure(serve(folder));
    expect({ exitCode, errors }).toEqual({
      exitCode: 1,
      errors: `duet: another Duet server is using the data folder ${folder}\n`,
    });
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
    first.process.kill("SIGKILL");
    await first.process.exited;
    await using second = await run(serve(folder)); // a lock does not outlive its holder
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
  });

  test.each([
    ["zero bytes", (db: string) => truncateSync(db, 0), "is empty (0 bytes)"],
    ["garbage", (db: string) => writeFileSync(db, "not a database at all ".repeat(500)), "is damaged"],
    ["half its length", (db: string) => truncateSync(db, Math.floor(statSync(db).size / 2)), "is damaged"],
    [
      "a page of 0xFF",
      (db: string) => {
        const bytes = readFileSync(db);
        writeFileSync(db, bytes.fill(0xff, 8192, 8192 + 4096));
      },
      "is damaged",
    ],
  ])("on a database of %s says so, and overwrites nothing", async (_, damage, message) => {
    const folder = await usedFolder();
    damage(join(folder, "duet.db"));
    const before = contents(folder);
    const { exitCode, errors } = await failure(serve(folder));
    expect(exitCode).toBe(1);
    expect(errors).toContain(message);
    oneLine(errors);
    expect(contents(folder)).toEqual(before);
  });

  describe("on a large database", () => {
    /** Larger than what a start reads, with damage far behind its beginning. */
    async function damagedFolder() {
      const folder = await usedFolder();
      const path = join(folder, "duet.db");
      const db = new Database(path);
      const insert = db.prepare(
        "INSERT INTO auth_events VALUES (?, NULL, NULL, 'login', 'failure', ?, '', 0, NULL)",
      );
      db.transaction(() => {
        for (let i = 0; i < 6000; i++) insert.run(String(i).padStart(8, "0"), "x".repeat(1000));
      })();
      db.run("PRAGMA wal_checkpoint(TRUNCATE)");
      // Or it is closed when it is collected, in the middle of what follows.
      insert.finalize();
      db.close();
      const bytes = readFileSync(path);
      expect(bytes.length).toBeGreaterThan(LIMITS.databaseCheckedAtStartBytes);
      const page = Math.floor(bytes.length / 2 / 4096) * 4096;
      writeFileSync(path, bytes.fill(0xff, page, page + 4096));
      return folder;
    }

    test("does not read all of it; duet check does, beside the server", async () => {
      const folder = await damagedFolder();
      await using server = await run(serve(folder));
      expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
      const { exitCode, errors } = await failure(check(folder));
      expect(exitCode).toBe(1);
      expect(errors).toStartWith(`duet: the database ${join(folder, "duet.db")} is damaged`);
      const sound = Bun.spawnSync(check(await usedFolder()), {
        cwd: ROOT,
        env: bareEnvironment(),
      });
      expect([sound.exitCode, sound.stdout.toString()]).toEqual([
        0,
        expect.stringMatching(/duet\.db is sound\n$/),
      ]);
    });

    test("whose last server was killed has it checked meanwhile, says so, and is not ready then", async () => {
      const folder = await damagedFolder();
      await using killed = await run(serve(folder));
      // Which writes.
      expect((await fetch(`${killed.url}/readyz`)).status).toBe(200);
      killed.process.kill("SIGKILL");
      await killed.process.exited;
      await using server = await run(serve(folder));
      while ((await fetch(`${server.url}/readyz`)).status !== 503) await Bun.sleep(20);
      expect(server.errors()).toContain('"event":"database_damaged"');
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    });

    test("that ends too early says so", async () => {
      const folder = await damagedFolder();
      truncateSync(join(folder, "duet.db"), 5_000_000);
      expect((await failure(serve(folder))).errors).toContain("is damaged (its end is missing)");
    });
  });

  test("on a folder that cannot be one says so", async () => {
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, "");
    for (const folder of [file, join(file, "below"), "/proc/duet"]) {
      const { exitCode, errors } = await failure(serve(folder));
      expect(exitCode).toBe(1);
      expect(errors).toStartWith(`duet: the data folder ${folder} cannot be written to`);
      oneLine(errors);
    }
  });

  test("where the database is gone and something of it is left says so, and makes no new one over it", async () => {
    const folder = await usedFolder();
    await Bun.file(join(folder, "duet.db")).delete();
    for (const left of ["duet.db-wal", "secret"]) {
      writeFileSync(join(folder, left), "left");
      const { exitCode, errors } = await failure(serve(folder));
      expect(exitCode).toBe(1);
      expect(errors).toStartWith(`duet: ${left} is in ${folder} but duet.db is not`);
      oneLine(errors);
      expect(existsSync(join(folder, "duet.db"))).toBe(false);
      rmSync(join(folder, left));
    }
  });

  test("on a database whose record of migrations was emptied says so, in one line", async () => {
    const folder = await usedFolder();
    using db = new Database(join(folder, "duet.db"));
    db.run("DELETE FROM migrations");
    const { errors } = await failure(serve(folder));
    expect(errors).toMatch(/^duet: migration 0001_start cannot be applied \(.*\); restore a backup\n$/);
    db.run("DROP TABLE migrations");
    db.run("CREATE TABLE migrations (x TEXT)");
    expect((await failure(serve(folder))).errors).toMatch(
      /^duet: the database in \S+ cannot be used \(.*\)\n$/,
    );
  });

  test("on another program's database says so, and leaves it alone", async () => {
    const folder = temporaryFolder();
    using other = new Database(join(folder, "duet.db"));
    other.run("CREATE TABLE theirs (x TEXT)");
    const { errors } = await failure(serve(folder));
    expect(errors).toEndWith("duet.db is another program's\n");
    expect(other.query("SELECT name FROM sqlite_schema").values()).toEqual([["theirs"]]);
  });

  test("on a secret that cannot be read says so", async () => {
    const folder = await usedFolder();
    rmSync(join(folder, "secret"));
    mkdirSync(join(folder, "secret"));
    const { errors } = await failure(serve(folder));
    expect(errors).toBe(`duet: the secret in ${join(folder, "secret")} cannot be read (EISDIR)\n`);
  });

  test("without the secret of its keys says so, and makes no other", async () => {
    const folder = await usedFolder();
    await Bun.file(join(folder, "secret")).delete();
    const { errors } = await failure(serve(folder));
    expect(errors).toContain("signing keys exist but their secret is missing");
    expect(existsSync(join(folder, "secret"))).toBe(false);
  });

  test("with faulty settings tells all of them, a line each", async () => {
    const env = bareEnvironment({ DUET_PORT: "x", DUET_SECRET: "short" });
    const { exitCode, errors } = await failure(fromSource("--acces-ttl", "1m"), { env });
    expect(exitCode).toBe(1);
    expect(errors.trim().split("\n").toSorted()).toEqual([
      "duet: --acces-ttl: there is no such flag",
      "duet: DUET_PORT: must be a whole number from 0 to 65535",
      "duet: DUET_SECRET: must have 32 characters or more",
    ]);
  });

  test("by a command that is none says so", async () => {
    const { exitCode, errors } = await failure([process.execPath, join(ROOT, "src/main.ts"), "sevre"]);
    expect({ exitCode, errors }).toEqual({
      exitCode: 2,
      errors: 'duet: there is no command "sevre"; duet help lists them\n',
    });
  });
});

describe("a stop", () => {
  test("by SIGTERM finishes what is under way, then exits 0 with everything kept", async () => {
    const folder = temporaryFolder();
    await using server = await run(serve(folder));
    const input = { username: "alice", password: "tulips on the windowsill 4" };
    const underWay = fetch(`${server.url}/api/auth/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(input),
    });
    // Hashing takes tens of milliseconds: once the health check that came after it is answered, it is under way.
    await fetch(`${server.url}/healthz`);
    server.process.kill("SIGTERM");
    const { status } = await underWay;
    expect([status, await server.process.exited]).toEqual([201, 0]);
    await using again = await run(serve(folder));
    const login = await fetch(`${again.url}/api/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(input),
    });
    expect(login.status).toBe(200);
  });
});

describe("a server whose output nobody reads any more", () => {
  test("goes on", async () => {
    const command = serve(temporaryFolder(), "--log", "debug");
    await using server = await run(["bash", "-c", 'exec "$@" 2> >(true)', "bash", ...command]);
    for (let i = 0; i < 5; i++) expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

describe("help", () => {
  test("names every setting with its flag, variable, default and meaning", async () => {
    const child = Bun.spawn([process.execPath, join(ROOT, "src/main.ts"), "help"], {
      env: bareEnvironment(),
      stdout: "pipe",
    });
    const text = await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
    expect(text).toMatch(/--refresh-overlap +DUET_REFRESH_OVERLAP +How long .* \[10s\]/);
  });
});
