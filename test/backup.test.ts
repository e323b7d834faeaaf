import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
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
import { COMMAND_LINE } from "../src/core/auth/actors.ts";
import { folderOnDisk, ORIGIN, SECRET, startApp, UNLIMITED } from "./support/app.ts";
import { startCluster } from "./support/cluster.ts";
import { login, me, PASSWORDS, refresh, register } from "./support/people.ts";
import { makeDatabase } from "./support/postgres.ts";
import { BINARY, command, commandWith, freePort, run } from "./support/process.ts";
import { Stream } from "./support/stream.ts";

const TABLES = [
  "users",
  "sessions",
  "conversations",
  "members",
  "messages",
  "auth_events",
  "idempotency_keys",
];

/** Every row of the tables that a restore leaves as they were. */
const rowsOf = (path: string) => {
  using db = new Database(path, { readonly: true });
  return Object.fromEntries(
    TABLES.map((table) => [
      table,
      db
        .query<Record<string, unknown>, []>(`SELECT * FROM ${table} ORDER BY 1, 2`)
        .all()
        .map((row): Record<string, unknown> => ({ ...row, era: "of before or after" })),
    ]),
  );
};

describe("a backup", () => {
  test("is one moment, taken while everybody writes; put back it has every row, signs everybody out, and is a new history", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const { id } = (await alice.call("POST", "/api/conversations", { title: "all the time" })).body;
    const say = (n: number) =>
      alice.call("POST", `/api/conversations/${id}/messages`, { body: `message ${n}` });
    for (let n = 0; n < 50; n++) await say(n);
    const file = join(folderOnDisk(), "backup.db");
    let said = 50;
    let isDone = false;
    const talking = (async () => {
      while (!isDone) await say(said++);
    })();
    // A copy cannot know whether a link has been used since.
    const { operator, links } = t.app.duet;
    const link = new URL(await links.makeReset(await operator.find("alice"), COMMAND_LINE));
    const made = await command("backup", file, "--data", t.folder);
    isDone = true;
    await talking;
    expect(made).toMatchObject({ exitCode: 0, errors: "" });
    expect(made.out).toContain("is whole. The secret is not in it");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // All that was said up to some moment, and nothing after it.
    const held = rowsOf(file)["messages"]!.map(({ body }) => body);
    expect(held.length).toBeGreaterThanOrEqual(50);
    expect(held).toEqual(Array.from({ length: held.length }, (_, n) => `message ${n}`));
    expect(readFileSync(file).includes("message 0")).toBe(true);

    // What comes after it is lost with the restore, a sign-out too.
    const gone = await login(t, "alice");
    await alice.call("POST", "/api/auth/logout");
    const place = (await (await Stream.open(t.fetch, gone.accessToken)).next()).id;
    await t.app.close();
    const before = await command("restore", file, "--data", t.folder);
    expect(before).toMatchObject({ exitCode: 0, errors: "" });
    expect(before.out).toMatch(
      /^Restored as of 20.*: 1 accounts, with the passwords they had then. Everybody is signed out.\nWhat was there before is .*duet\.db\.before-\d+\.\n$/,
    );
    expect(rowsOf(join(t.folder, "duet.db"))).toEqual(rowsOf(file));

    await using again = await startApp(UNLIMITED, t.folder);
    // A token that had ended since, and would be good by the copy; one of a session that it does not know.
    expect((await me(again, alice.accessToken)).body).toMatchObject({
      code: "session_ended",
      reason: "restored",
    });
    expect((await refresh(again, alice.refreshToken)).body.code).toBe("token_invalid");
    expect((await refresh(again, gone.refreshToken)).body.code).toBe("token_invalid");
    expect((await me(again, gone.accessToken)).status).toBe(401);
    const set = { token: link.searchParams.get("token"), new_password: PASSWORDS["bob"] };
    expect((await again.json("POST", "/api/auth/reset", set)).body.code).toBe("link_ended");
    const back = await login(again, "alice");
    const { items } = (await back.call("GET", `/api/conversations/${id}/messages?limit=100`)).body;
    expect(items.length).toBeGreaterThanOrEqual(50);
    // No place of before is one of now, though the numbers were counted twice.
    const stream = await Stream.open(again.fetch, back.accessToken, place);
    expect(await stream.next()).toMatchObject({ event: "reset" });
    await back.call("POST", `/api/conversations/${id}/messages`, { body: "after" });
    expect(await stream.next()).toMatchObject({ event: "message", data: { body: "after" } });
  });

  test("is refused where it would overwrite, and put back only whole, ours, and under no running server", async () => {
    await using t = await startApp();
    await register(t, "alice");
    const folder = folderOnDisk();
    const file = join(folder, "backup.db");
    expect((await command("backup", file, "--data", t.folder)).exitCode).toBe(0);
    expect((await command("backup", file, "--data", t.folder)).errors).toBe(
      `duet: ${file} is there already\n`,
    );
    expect((await command("backup", join(folder, "no", "where.db"), "--data", t.folder)).exitCode).toBe(1);
    expect(readdirSync(folder)).toEqual(["backup.db"]);
    expect((await command("restore", file, "--data", t.folder)).errors).toContain(
      "another Duet server is using the data folder",
    );
    await t.app.close();
    const there = readFileSync(join(t.folder, "duet.db"));
    const cut = join(folder, "cut.db");
    writeFileSync(cut, readFileSync(file));
    truncateSync(cut, statSync(file).size - 8192);
    const foreign = join(folder, "foreign.db");
    using other = new Database(foreign);
    other.run("CREATE TABLE x (y)");
    const newer = join(folder, "newer.db");
    writeFileSync(newer, readFileSync(file));
    using later = new Database(newer);
    later.run("INSERT INTO migrations SELECT '9999_later', checksum, applied_at FROM migrations LIMIT 1");
    for (const wrong of [cut, foreign, newer, join(folder, "none.db")]) {
      const refused = await command("restore", wrong, "--data", t.folder);
      expect([wrong, refused.exitCode, refused.errors.split("\n").length]).toEqual([wrong, 1, 2]);
    }
    expect(readFileSync(join(t.folder, "duet.db"))).toEqual(there);
    expect((await command("restore", "--data", t.folder)).exitCode).toBe(2);
  });

  test("goes in the place of a database that is damaged, or that is not there", async () => {
    await using t = await startApp();
    await register(t, "alice");
    const file = join(folderOnDisk(), "backup.db");
    await command("backup", file, "--data", t.folder);
    await t.app.close();
    truncateSync(join(t.folder, "duet.db"), 0);
    expect((await command("restore", file, "--data", t.folder)).exitCode).toBe(0);
    await using again = await startApp({}, t.folder);
    expect((await login(again, "alice")).id).toBeString();
  });

  test("that cannot be put back leaves nothing of itself behind", async () => {
    const folder = folderOnDisk();
    const file = join(folderOnDisk(), "backup.db");
    const server = await run([BINARY, "--port", "0", "--data", folder]);
    server.process.kill();
    await server.process.exited;
    expect((await command("backup", file, "--data", folder)).exitCode).toBe(0);
    const settings = { DUET_SECRET: "not the secret that seals the keys of it" };
    const refused = await commandWith(settings, "restore", file, "--data", folder);
    expect(refused.exitCode).toBe(1);
    expect(readdirSync(folder).filter((name) => name.includes("restored"))).toEqual([]);
    // And what was there is there.
    await using again = await run([BINARY, "--port", "0", "--data", folder]);
    expect((await fetch(`${again.url}/readyz`)).status).toBe(200);
  });

  test("takes nothing of a log that was left without its database", async () => {
    const folder = folderOnDisk();
    const file = join(folderOnDisk(), "backup.db");
    // The same both times: it is in the issuer of the tokens.
    const start = [BINARY, "--port", `${freePort()}`, "--data", folder];
    await using server = await run(start);
    const ask = async (path: string, token = "", body?: unknown) => {
      const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
      const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      return fetch(server.url + path, { headers, ...init });
    };
    const alice = { username: "alice", password: PASSWORDS["alice"] };
    const answer = await ask("/api/auth/register", "", alice);
    const { access_token: token } = (await answer.json()) as { access_token: string };
    await command("backup", file, "--data", folder);
    for (const title of ["one", "two"])
      expect((await ask("/api/conversations", token, { title })).status).toBe(201);
    server.process.kill("SIGKILL");
    await server.process.exited;
    rmSync(join(folder, "duet.db"));
    expect((await command("restore", file, "--data", folder)).exitCode).toBe(0);
    expect(rowsOf(join(folder, "duet.db"))).toEqual(rowsOf(file));
    await using again = await run(start);
    expect(again.errors()).not.toMatch(/"level":"(?:error|warn)"/);
    expect((await (await ask("/api/auth/me", token)).json()) as object).toMatchObject({ reason: "restored" });
  });

  test("of a PostgreSQL database is its own tools'; what has to be done after it was put back is ours", async () => {
    const { url } = await makeDatabase();
    const settings = { DUET_DATABASE_URL: url, DUET_SECRET: SECRET, DUET_PUBLIC_URL: ORIGIN };
    await using c = await startCluster(1, url, UNLIMITED);
    const alice = { username: "alice", password: PASSWORDS["alice"] };
    const { body } = await c.ask(0, "POST", "/api/auth/register", alice);
    expect((await commandWith(settings, "backup", "x.db")).errors).toContain("pg_dump");
    expect((await commandWith(settings, "restore")).errors).toContain("a server is using the database");
    const [server] = c.processes;
    server!.process.kill("SIGTERM");
    await server!.process.exited;
    const restored = await commandWith(settings, "restore");
    expect(restored).toMatchObject({ exitCode: 0, errors: "" });
    await c.start();
    const after = await c.ask(1, "GET", "/api/auth/me", undefined, body.access_token);
    expect(after.body).toMatchObject({ code: "session_ended", reason: "restored" });
    const shown = await c.ask(1, "POST", "/api/auth/refresh", { refresh_token: body.refresh_token });
    expect(shown.body.code).toBe("token_invalid");
    expect((await c.ask(1, "POST", "/api/auth/login", alice)).status).toBe(200);
  });

  test("is made by itself, as often as the setting says, and the last ones are kept", async () => {
    const folder = folderOnDisk();
    const to = join(folder, "elsewhere");
    mkdirSync(to);
    for (const day of ["01", "02", "03"]) writeFileSync(join(to, `duet-2026-01-${day}T00-00-00Z.db`), "old");
    for (const name of readdirSync(to)) Bun.spawnSync(["touch", "-d", "2026-01-01", join(to, name)]);
    const settings = ["--backup-every", "60", "--backup-folder", to, "--backups-kept", "2"];
    await using server = await run([BINARY, "--port", "0", "--data", folder, ...settings]);
    while (!server.errors().includes("backup_made")) await Bun.sleep(20);
    const kept = readdirSync(to).toSorted();
    expect(kept).toEqual(["duet-2026-01-03T00-00-00Z.db", expect.stringMatching(/^duet-\d{4}-.*Z\.db$/)]);
    expect(rowsOf(join(to, kept[1]!))["users"]).toEqual([]);
    expect(existsSync(join(folder, "backups"))).toBe(false);
  });
});
