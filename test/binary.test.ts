import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./support/app.ts";
import { Authenticator, codeOf } from "./support/authenticator.ts";
import { mailServer, tokenIn } from "./support/mail.ts";
import { bareEnvironment, BINARY, failure, freePort, ROOT, run } from "./support/process.ts";

async function bodyOf(response: Response): Promise<any> {
  const text = await response.text();
  return text === "" ? null : JSON.parse(text);
}

describe("the executable", () => {
  test("runs in an empty folder, with no settings, and does the whole job", async () => {
    const cwd = temporaryFolder();
    await using server = await run([BINARY, "--port", "0"], { cwd });
    expect(readdirSync(cwd)).toEqual(["duet-data"]);
    const json = async (method: string, path: string, body?: unknown, token?: string) => {
      const response = await fetch(server.url + path, {
        method,
        headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await bodyOf(response) };
    };
    const credentials = { username: "小明", password: "八月的风吹过旧书店门口" };
    const { body: pair } = await json("POST", "/api/auth/register", credentials);
    const next = await json("POST", "/api/auth/refresh", { refresh_token: pair.refresh_token });
    const token = next.body.access_token;
    const { body: conversation } = await json(
      "POST",
      "/api/conversations",
      { title: "From the binary" },
      token,
    );
    const url = `/api/conversations/${conversation.id}/messages`;
    expect((await json("POST", url, { body: "你好" }, token)).status).toBe(201);
    expect((await json("GET", url, undefined, token)).body.items).toMatchObject([{ body: "你好" }]);
    expect((await json("POST", "/api/auth/logout", {}, token)).status).toBe(204);
    expect((await json("GET", "/api/auth/me", undefined, token)).body.reason).toBe("logout");
    expect(
      (await json("POST", "/api/auth/register", { username: "bob", password: "password" })).body.errors,
    ).toMatchObject([{ field: "password", code: "guessable" }]);

    const page = await (await fetch(server.url, { headers: { accept: "text/html" } })).text();
    for (const [, asset] of page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g))
      expect((await fetch(server.url + asset)).status).toBe(200);
  });

  test("has second factors, passkeys and letters in it", async () => {
    await using mail = await mailServer();
    const port = freePort();
    const url = `http://localhost:${port}`;
    const flags = ["--smtp-url", mail.url, "--mail-from", "duet@example.com"];
    await using server = await run([BINARY, "--port", `${port}`, "--data", temporaryFolder(), ...flags]);
    const post = async (path: string, body: unknown, token?: string, method = "POST") => {
      const headers = {
        "content-type": "application/json",
        ...(token && { authorization: `Bearer ${token}` }),
      };
      const answer = await fetch(server.url + path, { method, headers, body: JSON.stringify(body) });
      return bodyOf(answer);
    };
    const ann = { username: "ann", password: "tulips on the windowsill 4" };
    let { access_token: token } = await post("/api/auth/register", { ...ann, email: "ann@example.com" });
    const confirm = { token: tokenIn(await mail.letter(1)) };
    expect((await post("/api/auth/email/confirm", confirm, token)).email).toBe("ann@example.com");
    const { id, secret } = await post("/api/auth/factors/totp", {}, token);
    const path = `/api/auth/factors/totp/${id}/confirm`;
    const confirmed = await post(path, { code: codeOf(secret) }, token);
    token = confirmed.access_token;
    const key = new Authenticator(url);
    const begun = await post("/api/auth/passkeys/options", {}, token);
    const passkey = key.create(begun.options);
    const added = await post("/api/auth/passkeys", { challenge: begun.challenge, passkey }, token);
    expect(added.factor.kind).toBe("passkey");

    const half = await post("/api/auth/login", ann);
    expect(half.factors).toEqual(["totp", "passkey", "recovery_code"]);
    const by = { challenge: half.challenge, recovery_code: confirmed.recovery_codes[0] };
    expect((await post("/api/auth/challenge", by)).user.username).toBe("ann");
    const alone = await post("/api/auth/passkeys/challenge", {});
    const shown = { challenge: alone.challenge, passkey: key.get(alone.options) };
    expect((await post("/api/auth/passkeys/login", shown)).user.username).toBe("ann");

    await post("/api/auth/forgot", { identifier: "ann" });
    const subjects = ["New way to sign in", "A recovery code was used", "A new password"];
    const letters = await Promise.all([2, 3, 4, 5].map((n) => mail.letter(n)));
    for (const start of subjects)
      expect(letters.some(({ subject }) => subject!.startsWith(start))).toBe(true);
    const letter = letters.find(({ subject }) => subject!.startsWith("A new password"))!;
    const set = { token: tokenIn(letter), new_password: "a kettle for the lighthouse" };
    expect(await post("/api/auth/reset", set)).toBeNull();
    const back = await post("/api/auth/login", { ...ann, password: set.new_password });
    expect(back.code).toBe("second_factor_required");
  });

  test.skipIf(process.platform !== "linux")("hashes at a lower priority than it answers", async () => {
    await using server = await run([BINARY, "--port", "0", "--data", temporaryFolder()]);
    const threads = `/proc/${server.process.pid}/task`;
    const nices = () =>
      readdirSync(threads)
        .map((thread) => readFileSync(`${threads}/${thread}/stat`, "utf8"))
        .map((stat) => ({
          isPool: stat.includes("(Bun Pool"),
          nice: Number(stat.split(") ")[1]!.split(" ")[16]),
        }));
    const pool = () => nices().filter(({ isPool }) => isPool);
    // It is done beside the first requests.
    while (pool().length === 0 || pool().some(({ nice }) => nice === 0))
      await (await fetch(`${server.url}/healthz`)).text();
    expect(new Set(pool().map(({ nice }) => nice))).toEqual(new Set([7]));
    expect(nices().find(({ isPool }) => !isPool)!.nice).toBe(0);
  });

  test("does not read .env or bunfig.toml of the folder it is started in", async () => {
    const cwd = temporaryFolder();
    const proof = join(cwd, "preloaded");
    writeFileSync(join(cwd, ".env"), "DUET_PORT=no-port\nDUET_JWT_ALG=HS256\n");
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    writeFileSync(join(cwd, "evil.ts"), `require("node:fs").writeFileSync(${JSON.stringify(proof)}, "")`);
    mkdirSync(join(cwd, "node_modules"));
    await using server = await run([BINARY, "--port", "0"], { cwd });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(readdirSync(cwd)).not.toContain("preloaded");
  });

  test("in an empty environment tells a caller nothing of what is inside", async () => {
    const cwd = temporaryFolder();
    await using server = await run([BINARY, "--port", "0"], { cwd, env: {} });
    const response = await fetch(`${server.url}/api/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"username":1,"password":"marker"}',
    });
    const text = await response.text();
    expect(response.status).toBe(422);
    expect(text).not.toMatch(/marker|schema|expected|Expected|stack/);
  });

  test("has a demo: four people who talk, passwords made up on the spot, tokens of a minute, nothing kept", async () => {
    const cwd = temporaryFolder();
    const passwords = new Set<string>();
    for (let round = 0; round < 2; round++) {
      await using server = await run([BINARY, "--demo", "--port", "0"], { cwd });
      const rows = [...server.said().matchAll(/^ {2}(\S+)\t(\S+)$/gm)];
      expect(rows.map(([, name]) => name)).toEqual(["alice", "bob", "小明", "小红"]);
      for (const [, username, password] of rows) {
        passwords.add(password!);
        const response = await fetch(`${server.url}/api/auth/login`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ username, password }),
        });
        const pair = await bodyOf(response);
        expect([response.status, pair.expires_in]).toEqual([200, 60]);
        const headers = { authorization: `Bearer ${pair.access_token}` };
        const list = await bodyOf(await fetch(`${server.url}/api/conversations`, { headers }));
        expect(list.items.length).toBeGreaterThan(0);
        const url = `${server.url}/api/conversations/${list.items[0].id}/messages`;
        expect((await bodyOf(await fetch(url, { headers }))).items.length).toBeGreaterThanOrEqual(5);
      }
      server.process.kill("SIGTERM");
      expect(await server.process.exited).toBe(0);
    }
    expect(passwords.size).toBe(8);
    expect(readdirSync(cwd)).toEqual([]);
  });

  test("is stopped from starting twice on one folder", async () => {
    const cwd = temporaryFolder();
    await using first = await run([BINARY, "--port", "0"], { cwd });
    const { exitCode, errors } = await failure([BINARY, "--port", "0"], { cwd });
    expect({ exitCode, errors }).toEqual({
      exitCode: 1,
      errors: "duet: another Duet server is using the data folder ./duet-data\n",
    });
    expect((await fetch(`${first.url}/healthz`)).status).toBe(200);
  });

  test("tells its version and its settings", async () => {
    const say = async (...args: string[]) => {
      const child = Bun.spawn([BINARY, ...args], { env: bareEnvironment(), stdout: "pipe" });
      return new Response(child.stdout).text();
    };
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(await say("version")).toBe(`duet ${version}\n`);
    expect(await say("help")).toContain("--public-url");
  });
});
