import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folderOnDisk } from "../support/app.ts";
import { decode, PASSWORDS } from "../support/people.ts";
import { BINARY, freePort, ROOT, run } from "../support/process.ts";
import { Stream } from "../support/stream.ts";

// The block of src/api/README.md, as it stands there, in a real nginx (Debian: nginx-light).

const isThere = Bun.which("nginx") !== null;
const isRequired = process.env["BROWSER_TESTS"] === "required";
const withNginx = isThere || isRequired ? test : test.skip;
const block = /```nginx\n([^]*?)```/.exec(readFileSync(join(ROOT, "src/api/README.md"), "utf8"))![1]!;

type Heard = { headers: Record<string, string>; method: string; path: string };

/** Duet, a service, and nginx before both. */
async function start() {
  const [port, duetPort] = [freePort(), freePort()];
  const url = `http://localhost:${port}`;
  const heard: Heard[] = [];
  const service = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      heard.push({
        headers: Object.fromEntries(request.headers),
        method: request.method,
        path: new URL(request.url).pathname,
      });
      return new Response(`hello ${request.headers.get("duet-username")}`);
    },
  });
  const settings = ["--public-url", url, "--trusted-proxies", "127.0.0.1", "--access-ttl", "3s"];
  const duet = await run([BINARY, "--port", String(duetPort), "--data", folderOnDisk(), ...settings]);
  const folder = folderOnDisk();
  chmodSync(folder, 0o755);
  for (const name of ["body", "proxy"]) mkdirSync(join(folder, name));
  const server = block
    .replace("listen 8080;", `listen 127.0.0.1:${port}; listen [::1]:${port};`)
    .replaceAll("127.0.0.1:3000", `127.0.0.1:${duetPort}`)
    .replaceAll("127.0.0.1:4000", `127.0.0.1:${service.port}`);
  const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/errors;
    events {} http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
    fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; ${server} }`;
  writeFileSync(join(folder, "nginx.conf"), config);
  const nginx = Bun.spawn(["nginx", "-c", join(folder, "nginx.conf"), "-p", folder], {
    stdout: "ignore",
    stderr: "pipe",
  });
  while (!(await fetch(`${url}/healthz`).catch(() => null))?.ok) {
    if (nginx.exitCode !== null) throw new Error(await new Response(nginx.stderr).text());
    await Bun.sleep(20);
  }
  return {
    url,
    heard,
    async [Symbol.asyncDispose]() {
      nginx.kill();
      await nginx.exited;
      await duet[Symbol.asyncDispose]();
      await service.stop(true);
    },
  };
}

const JSON_TYPE = { "content-type": "application/json" };
const navigation = { "sec-fetch-mode": "navigate", accept: "text/html" };

async function signUp(url: string, headers: Record<string, string> = {}) {
  const body = JSON.stringify({ username: "alice", password: PASSWORDS["alice"] });
  const answer = await fetch(`${url}/api/auth/register`, {
    method: "POST",
    headers: { ...JSON_TYPE, ...headers },
    body,
  });
  return (await answer.json()) as { access_token: string; refresh_token: string; user: { id: string } };
}

describe("nginx as the reference has it", () => {
  withNginx(
    "lets only those through who are signed in, says who they are, and hands on nothing that opens Duet",
    async () => {
      await using t = await start();
      const { access_token, user } = await signUp(t.url);
      const cookie = `duet_access_${new URL(t.url).port}=${access_token}; theirs=1`;
      const lies = {
        "duet-user-id": "somebody else",
        duet_user_id: "somebody else",
        "duet-username": "admin",
      };
      const seen = await fetch(`${t.url}/app/page`, { headers: { cookie, ...lies } });
      expect([seen.status, await seen.text()]).toEqual([200, "hello alice"]);
      const { headers } = t.heard[0]!;
      expect(headers["duet-user-id"]).toBe(user.id);
      expect(headers["duet-username"]).toBe("alice");
      expect(Object.values(headers).join()).not.toMatch(/somebody|admin|eyJ/);
      const program = await fetch(`${t.url}/app/x`, {
        method: "DELETE",
        headers: { authorization: `Bearer ${access_token}` },
      });
      expect(program.status).toBe(200);
      expect(t.heard[1]).toMatchObject({ method: "DELETE" });
      expect(t.heard[1]!.headers["authorization"]).toBeUndefined();
      // Nobody, a form from elsewhere, and a token that has gone.
      const forms = { cookie, "sec-fetch-site": "cross-site" };
      expect((await fetch(`${t.url}/app/x`)).status).toBe(401);
      expect((await fetch(`${t.url}/app/x`, { method: "POST", headers: forms })).status).toBe(403);
      expect(
        (
          await fetch(`${t.url}/app/x`, {
            method: "POST",
            headers: { cookie, "sec-fetch-site": "same-origin" },
          })
        ).status,
      ).toBe(200);
      await fetch(`${t.url}/api/auth/logout`, {
        method: "POST",
        headers: { authorization: `Bearer ${access_token}` },
      });
      expect((await fetch(`${t.url}/app/x`, { headers: { cookie } })).status).toBe(401);
      expect(t.heard).toHaveLength(3);
      expect((await fetch(`${t.url}/duet-verify`)).status).toBe(404);
    },
  );

  withNginx("sends a browser to where it gets a new token and comes back from", async () => {
    await using t = await start();
    const sent = await fetch(`${t.url}/app/page?a=1&b=2`, { headers: navigation, redirect: "manual" });
    expect(sent.status).toBe(302);
    expect(sent.headers.get("location")).toBe(
      `${t.url}/auth/refresh?next=${encodeURIComponent("/app/page?a=1&b=2")}`,
    );
    const body = new URLSearchParams({ username: "bob", password: PASSWORDS["bob"]! });
    const signed = await fetch(`${t.url}/register`, {
      method: "POST",
      body,
      redirect: "manual",
      headers: { "sec-fetch-site": "same-origin" },
    });
    const cookies = signed.headers.getSetCookie().map((line) => line.split(";")[0]!);
    const refreshCookie = cookies.find((each) => each.includes("_refresh_"))!;
    const back = await fetch(sent.headers.get("location")!, {
      headers: { ...navigation, cookie: refreshCookie },
      redirect: "manual",
    });
    expect([back.status, back.headers.get("location")]).toEqual([303, "/app/page?a=1&b=2"]);
  });

  withNginx(
    "tells Duet whose address it is, whatever a client writes, and hands events on as they come",
    async () => {
      await using t = await start();
      const { access_token } = await signUp(t.url, { "x-forwarded-for": "203.0.113.66" });
      const headers = { authorization: `Bearer ${access_token}` };
      const { items } = (await (await fetch(`${t.url}/api/auth/sessions`, { headers })).json()) as {
        items: { ip: string }[];
      };
      expect(items[0]!.ip).toBe("::1");
      const stream = await Stream.open((path, init) => fetch(t.url + path, init), access_token);
      expect(await stream.next()).toMatchObject({ event: "ready" });
      const made = await fetch(`${t.url}/api/conversations`, {
        method: "POST",
        headers: { ...headers, ...JSON_TYPE },
        body: '{"title":"x"}',
      });
      expect(made.status).toBe(201);
      expect(await stream.next()).toMatchObject({ event: "conversation" });
      // Its token lives for three seconds; so does the stream.
      let last;
      for (let event; (event = await stream.next()) !== null;) last = event;
      expect(last).toMatchObject({ event: "token_expired" });
      const large = await fetch(`${t.url}/api/auth/login`, {
        method: "POST",
        headers: JSON_TYPE,
        body: `{"x":"${"y".repeat(200_000)}"}`,
      });
      expect([large.status, large.headers.get("content-type")]).toEqual([413, "application/problem+json"]);
      expect(decode(access_token).claims.iss).toBe(t.url);
    },
  );
});
