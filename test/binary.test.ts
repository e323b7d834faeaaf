import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./support/app.ts";
import { bareEnvironment, BINARY, failure, ROOT, run } from "./support/process.ts";

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
