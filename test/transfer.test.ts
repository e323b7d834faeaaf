import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkArchive, exportLines, importLines, type Header } from "../src/core/chat/transfer.ts";
import { openTables } from "../src/data.ts";
import { readConfig } from "../src/config.ts";
import { readArchive } from "../src/db/archive.ts";
import { SECRET, startApp, temporaryFolder, UNLIMITED, type TestApp } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { login, me, refresh, register } from "./support/people.ts";
import { makeDatabase } from "./support/postgres.ts";
import { command, commandWith, failure, fromSource } from "./support/process.ts";
import { Stream } from "./support/stream.ts";

const archiveIn = (folder = temporaryFolder()) => join(folder, "duet.jsonl");

/** The rows of an archive, without what says when it was made. */
const rowsOf = (path: string) => readFileSync(path, "utf8").trim().split("\n").slice(1, -1);

/** Of everything something. */
async function live(t: TestApp) {
  const browser = new Visitor(t);
  await browser.register("alice");
  const { path } = await browser.submit("/conversations", { title: "What we said 我们" });
  const bob = await register(t, "bob");
  await browser.submit(`${path}/members`, { username: "bob" });
  await browser.submit(path, { body: "the kettle, and 周末爬山" });
  const key = { "idempotency-key": "once" };
  const once = await bob.call("POST", `/api${path}/messages`, { body: "from bob" }, key);
  const taken = await bob.call("POST", `/api${path}/messages`, { body: "taken back" });
  await bob.call("DELETE", `/api${path}/messages/${taken.body.id}`);
  const out = await login(t, "bob");
  await out.call("POST", "/api/auth/logout", { refresh_token: out.refreshToken });
  const gone = await register(t, "gone");
  await gone.call("POST", "/api/auth/delete", { password: gone.password });
  const stream = await Stream.open(t.fetch, bob.accessToken);
  const { id: place } = (await stream.next()) as { id: string };
  await stream.close();
  await bob.call("POST", `/api${path}/messages`, { body: "after the stream" });
  return { browser, path, bob, once: once.body, out, gone, place };
}

describe("moving everything", () => {
  test("from a folder to PostgreSQL and back: nobody is signed out, and nothing is missing", async () => {
    await using first = await startApp(UNLIMITED);
    const { browser, path, bob, once, out, gone, place } = await live(first);
    await first.app.close();
    const secret = readFileSync(join(first.folder, "secret"), "utf8").trim();

    const archive = archiveIn();
    const exported = await command("export", archive, "--move", "--data", first.folder);
    expect([exported.errors, exported.exitCode]).toEqual(["", 0]);
    expect(statSync(archive).mode & 0o777).toBe(0o600);
    expect((await failure(fromSource("--data", first.folder))).errors).toMatch(
      /^duet: the data was moved away on [\d-]+ \([\w-]+\); start where it is now, or take that back by duet export --undo\n$/,
    );

    const { url } = await makeDatabase();
    const there = { DUET_DATABASE_URL: url, DUET_SECRET: secret };
    const imported = await commandWith(there, "import", archive);
    expect([imported.errors, imported.exitCode]).toEqual(["", 0]);
    expect(imported.out).toStartWith("2 users, 4 sessions and 4 messages are here");

    async function check(t: TestApp) {
      const same = new Visitor(t);
      for (const [name, cookie] of browser.jar) same.jar.set(name, cookie);
      const page = await same.open(path);
      expect([page.status, page.html.includes("from bob")]).toEqual([200, true]);
      browser.jar.clear();
      for (const [name, cookie] of same.jar) browser.jar.set(name, cookie);
      const call = (method: string, to: string, body?: unknown, headers = {}) =>
        t.json(method, to, body, { authorization: `Bearer ${bob.accessToken}`, ...headers });
      expect((await me(t, bob.accessToken)).status).toBe(200);
      expect((await me(t, out.accessToken)).body.reason).toBe("logout");
      expect((await me(t, gone.accessToken)).body.reason).toBe("user_deleted");
      for (const [query, found] of [
        ["kett", 1],
        ["爬山", 1],
        ["taken", 0],
      ] as const)
        expect((await call("GET", `/api/search?q=${query}`)).body.messages).toHaveLength(found);
      expect((await call("GET", "/api/search?q=我们")).body.conversations).toHaveLength(1);
      // The same post is the same message, and the stream goes on from its place.
      const again = await call(
        "POST",
        `/api${path}/messages`,
        { body: "from bob" },
        { "idempotency-key": "once" },
      );
      expect(again.body.id).toBe(once.id);
      const stream = await Stream.open(t.fetch, bob.accessToken, place);
      expect(await stream.next()).toMatchObject({ event: "ready", id: place });
      expect(await stream.next()).toMatchObject({ data: { body: "after the stream" } });
      await stream.close();
    }

    const unchanged = archiveIn();
    expect((await commandWith(there, "export", unchanged)).exitCode).toBe(0);
    expect(rowsOf(unchanged)).toEqual(rowsOf(archive));
    const t = await startApp({ ...UNLIMITED, ...there });
    await check(t);
    const next = (await refresh(t, bob.refreshToken)).body;
    expect(next.refresh_token).toBeString();
    // Not while it is in use.
    const refused = await commandWith(there, "export", archiveIn(), "--move");
    expect([refused.errors, refused.exitCode]).toEqual([
      "duet: a server is using the database; stop all of them first\n",
      1,
    ]);
    expect((await t.fetch("/readyz")).status).toBe(200);
    await t.app.close();

    const back = archiveIn();
    expect((await commandWith(there, "export", back, "--move")).errors).toBe("");
    await expect(startApp({ ...UNLIMITED, ...there })).rejects.toThrow("the data was moved away");
    const folder = temporaryFolder();
    expect((await command("import", back, "--data", folder)).errors).toBe("");
    await using home = await startApp({ ...UNLIMITED, DUET_SECRET: secret }, folder);
    await check(home);
    // New rows come after those that came.
    const said = await home.json(
      "POST",
      `/api${path}/messages`,
      { body: "home again" },
      {
        authorization: `Bearer ${next.access_token}`,
      },
    );
    expect(said.status).toBe(201);
  }, 60_000);

  test("can be taken back", async () => {
    await using t = await startApp();
    await t.app.close();
    const archive = archiveIn();
    const move = (path: string) => command("export", path, "--move", "--data", t.folder);
    expect((await move(archive)).exitCode).toBe(0);
    // Not once more, whatever for: the first one holds.
    for (const path of [archive, archiveIn()]) expect((await move(path)).errors).toContain("was moved away");
    await expect(t.restart()).rejects.toThrow("was moved away");
    expect((await command("export", "--undo", "--data", t.folder)).exitCode).toBe(0);
    expect((await command("export", "--undo", "--data", t.folder)).errors).toBe(
      "duet: nothing was moved away from here\n",
    );
    // What cannot be written has moved nothing.
    writeFileSync(join(t.folder, "there"), "");
    expect((await move(join(t.folder, "there"))).errors).toContain("EEXIST");
    // Nor is anything made where there is nothing.
    const nowhere = join(t.folder, "nowhere");
    for (const args of [
      ["export", archiveIn(), "--move"],
      ["export", "--undo"],
    ]) {
      expect((await command(...args, "--data", nowhere)).errors).toBe(
        `duet: there is no database in ${nowhere}\n`,
      );
      expect(existsSync(nowhere)).toBe(false);
    }
    await using again = await t.restart();
    expect((await again.fetch("/readyz")).status).toBe(200);
  });
});

describe("an archive", () => {
  async function made() {
    await using t = await startApp(UNLIMITED);
    await live(t);
    const archive = archiveIn();
    // Beside the running server, which goes on.
    expect((await command("export", archive, "--data", t.folder)).exitCode).toBe(0);
    await register(t, "carol");
    return archive;
  }

  test("that is cut, changed, another program's or of a newer version is refused, and nothing is written", async () => {
    const archive = await made();
    const whole = readFileSync(archive, "utf8");
    const lines = whole.trimEnd().split("\n");
    const bad: Record<string, [text: string, says: string]> = {
      cut: [whole.slice(0, whole.length / 2), "it is damaged"],
      "cut at a line": [lines.slice(0, -1).join("\n"), "its end is missing"],
      changed: [whole.replace("from bob", "from eve"), "its checksum is another"],
      "with a row less": [[...lines.slice(0, 5), ...lines.slice(6)].join("\n"), "its checksum is another"],
      "another program's": ['{"hello":1}\n', "no archive of Duet"],
      nothing: ["", "its end is missing"],
      newer: [whole.replace('"version":1', '"version":2'), "of a newer Duet"],
      longer: [`${whole}{}\n`, "goes on after its end"],
    };
    for (const [name, [text, says]] of Object.entries(bad)) {
      const path = archiveIn();
      writeFileSync(path, text);
      const folder = temporaryFolder();
      const { errors, exitCode } = await command("import", path, "--data", folder);
      expect([name, exitCode, errors]).toEqual([name, 1, expect.stringContaining(says)]);
      // It can still be filled.
      expect((await command("import", archive, "--data", folder)).errors).toBe("");
    }
    const missing = await command("import", join(temporaryFolder(), "none"), "--data", temporaryFolder());
    expect(missing.errors).toMatch(/^duet: .*none cannot be read \(.*ENOENT.*\)\n$/);
  }, 60_000);

  test("with rows that are none is refused in a sentence, and nothing starts on half of it", async () => {
    const archive = readFileSync(await made(), "utf8")
      .trimEnd()
      .split("\n");
    const withRow = (change: (row: Record<string, unknown>) => void) => {
      const at = archive.findIndex((line) => line.startsWith('{"table":"sessions"'));
      const line = JSON.parse(archive[at]!);
      change(line.row);
      const lines = [...archive.slice(0, at), JSON.stringify(line), ...archive.slice(at + 1, -1)];
      const hash = new Bun.CryptoHasher("sha256");
      for (const each of lines) hash.update(`${each}\n`);
      const { counts } = JSON.parse(archive.at(-1)!);
      const path = archiveIn();
      writeFileSync(path, `${lines.join("\n")}\n${JSON.stringify({ counts, sha256: hash.digest("hex") })}\n`);
      return path;
    };
    for (const path of [
      withRow((row) => (row["generation"] = "many")),
      withRow((row) => (row["user_id"] = null)),
      withRow((row) => (row["stranger"] = 1)),
      withRow((row) => (row["id); DROP TABLE users; --"] = 1)),
    ]) {
      const folder = temporaryFolder();
      const { errors, exitCode } = await command("import", path, "--data", folder);
      expect([exitCode, errors]).toEqual([
        1,
        expect.stringMatching(/^duet: rows of sessions are none that [^\n]+\n$/),
      ]);
      expect((await failure(fromSource("--data", folder))).errors).toContain("an import is not finished");
    }
  }, 60_000);

  test("is not read into a database that is another program's, nor from an endless line", async () => {
    const archive = await made();
    const { url, sql } = await makeDatabase();
    await sql.unsafe("CREATE TABLE customers (id INTEGER)");
    const there = { DUET_DATABASE_URL: url, DUET_SECRET: SECRET };
    for (const args of [["import", archive], ["export", archiveIn()], ["keys"]])
      expect((await commandWith(there, ...args)).errors).toBe(
        "duet: the database is another program's; Duet needs one of its own\n",
      );
    const empty = { ...there, DUET_DATABASE_URL: (await makeDatabase()).url };
    expect((await commandWith(empty, "export", archiveIn())).errors).toBe(
      "duet: the database is empty; start the server once first\n",
    );
    const endless = archiveIn();
    writeFileSync(endless, `${readFileSync(archive, "utf8").split("\n")[0]}\n${"x".repeat(2 ** 22)}`);
    expect((await command("import", endless, "--data", temporaryFolder())).errors).toContain(
      "longer than any row",
    );
  });

  test("goes on where its import was broken off, and comes only once, into what is empty", async () => {
    const path = await made();
    const archive = await checkArchive(readArchive(path));
    const total = Object.values(archive.counts).reduce((a, b) => a + b, 0);
    const { url } = await makeDatabase();
    for (const settings of [
      { DUET_DATA: temporaryFolder() },
      { DUET_DATABASE_URL: url, DUET_SECRET: SECRET },
    ]) {
      const config = readConfig(settings);
      for (let at = 3; at < total; at += 7) {
        const { store, close } = await openTables(config, { isOurs: true, isThere: false });
        async function* broken() {
          let n = 0;
          for await (const line of readArchive(path)) {
            if (n++ > at) throw new Error("the power went");
            yield line;
          }
        }
        await expect(importLines(store, archive, broken(), 1, () => {})).rejects.toThrow("the power went");
        await close();
      }
      await expect(startApp(settings)).rejects.toThrow("an import is not finished; run duet import again");
      const { store, close } = await openTables(config, { isOurs: true, isThere: false });
      const shown: number[] = [];
      await importLines(store, archive, readArchive(path), 2, (done) => shown.push(done));
      expect(shown.at(-1)).toBe(total);
      await expect(importLines(store, archive, readArchive(path), 3, () => {})).rejects.toThrow(
        "imported already",
      );
      const other = { ...archive, id: crypto.randomUUID() };
      await expect(importLines(store, other, readArchive(path), 3, () => {})).rejects.toThrow("is not empty");
      const header: Header = { format: "duet", version: 1, id: "x", made_at: "", is_move: false };
      const again: string[] = [];
      await store.snapshot(async (tables) => {
        for await (const line of exportLines(tables, header, () => {})) again.push(line.trimEnd());
      });
      expect(again.slice(1, -1)).toEqual(rowsOf(path));
      await close();
    }
  }, 60_000);

  test("is one moment, whatever is written meanwhile", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const { body } = await alice.call("POST", "/api/conversations", { title: "busy" });
    let isDone = false;
    const talking = (async () => {
      for (let n = 0; !isDone; n++) {
        await alice.call("POST", `/api/conversations/${body.id}/messages`, { body: `m${n}` });
        await register(t, `person${n}`);
      }
    })();
    const archives = [archiveIn(), archiveIn(), archiveIn()];
    for (const archive of archives)
      expect((await command("export", archive, "--data", t.folder)).errors).toBe("");
    isDone = true;
    await talking;
    for (const archive of archives) {
      const folder = temporaryFolder();
      expect((await command("import", archive, "--data", folder)).errors).toBe("");
      cpSync(join(t.folder, "secret"), join(folder, "secret"));
      await using copy = await startApp(UNLIMITED, folder);
      expect((await me(copy, alice.accessToken)).status).toBe(200);
    }
  }, 60_000);
});
