import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { createClient, Refused, type Pair } from "../public/client.ts";
import { join } from "node:path";
import { describeInBrowser, open } from "./support/browser.ts";
import { temporaryFolder } from "./support/app.ts";
import { PASSWORDS } from "./support/people.ts";
import { BINARY, freePort, ROOT, run } from "./support/process.ts";

const password = PASSWORDS["alice"]!;
type Me = { username: string };

/** The executable, with access tokens of two seconds, behind something that counts what it is asked. */
async function start(...more: string[]) {
  const server = await run([
    BINARY,
    "--port",
    "0",
    "--data",
    temporaryFolder(),
    "--access-ttl",
    "2s",
    ...more,
  ]);
  const asked: string[] = [];
  const counting = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(`${request.method} ${pathname}`);
      return fetch(new Request(server.url + pathname, request));
    },
  });
  return {
    url: `http://127.0.0.1:${counting.port}`,
    server,
    asked,
    async [Symbol.asyncDispose]() {
      await counting.stop(true);
      await server[Symbol.asyncDispose]();
    },
  };
}

const expiryOf = ({ access_token }: Pair) =>
  JSON.parse(Buffer.from(access_token.split(".")[1]!, "base64url").toString()).exp * 1000;
const untilExpired = async (pair: Pair) => Bun.sleep(Math.max(0, expiryOf(pair) - Date.now()) + 50);

describe("the client to copy", () => {
  test("is about two kilobytes as a browser gets it", async () => {
    const built = await Bun.build({ entrypoints: [join(ROOT, "public/client.ts")], minify: true });
    const text = await built.outputs[0]!.text();
    expect(gzipSync(text).byteLength).toBeLessThan(1200);
    expect(text.length).toBeLessThan(2100);
  });

  test("refreshes once, however many requests find the token expired, and asks each again", async () => {
    await using t = await start();
    const kept: (Pair | null)[] = [];
    const duet = createClient({ url: t.url, keep: (pair) => void kept.push(pair) });
    expect((await duet.register("alice", password)).user.username).toBe("alice");
    await untilExpired(kept.at(-1)!);
    t.asked.length = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, () => duet.ask<Me>("GET", "/api/auth/me")));
    expect(answers.every(({ username }) => username === "alice")).toBe(true);
    expect(t.asked.filter((each) => each === "POST /api/auth/refresh")).toHaveLength(1);
    expect(kept).toHaveLength(2);
    // A body comes again, too; and what was kept goes on after a restart, though its access token has expired.
    await untilExpired(kept.at(-1)!);
    const again = createClient({ url: t.url, pair: kept.at(-1)!, keep: (pair) => void kept.push(pair) });
    const made = await again.ask<{ title: string }>("POST", "/api/conversations", { title: "Hello" });
    expect(made.title).toBe("Hello");
  });

  test("says what it was refused with, and that the session is over", async () => {
    await using t = await start();
    const kept: (Pair | null)[] = [];
    const duet = createClient({ url: t.url, keep: (pair) => void kept.push(pair) });
    const refused = (work: Promise<unknown>) =>
      work.then(
        () => null,
        (error: Refused) => [error.status, error.code],
      );
    expect(await refused(duet.login("alice", "wrong"))).toEqual([401, "invalid_credentials"]);
    expect(await refused(duet.ask("GET", "/api/auth/me"))).toEqual([401, "token_missing"]);
    await duet.register("alice", password);
    const other = createClient({ url: t.url, pair: kept.at(-1)! });
    expect(await refused(duet.ask("GET", "/api/nothing"))).toEqual([404, "not_found"]);
    await duet.logout();
    expect(kept.at(-1)).toBeNull();
    // Ended elsewhere: no refresh is tried, since none can help.
    t.asked.length = 0;
    expect(await refused(other.ask("GET", "/api/auth/me"))).toEqual([401, "session_ended"]);
    expect(t.asked).toEqual(["GET /api/auth/me"]);
    const nowhere = createClient({ url: `http://127.0.0.1:${freePort()}` });
    expect(await refused(nowhere.ask("GET", "/api/auth/me"))).toEqual([0, "unreachable"]);
  });
});

describeInBrowser("a browser app on another origin", () => {
  test("signs in, refreshes by itself and asks, with the client as it is, once its origin is named", async () => {
    const built = await Bun.build({ entrypoints: [join(ROOT, "public/client.ts")], format: "esm" });
    const script = await built.outputs[0]!.text();
    const app = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: ({ url }) =>
        new URL(url).pathname === "/client.js"
          ? new Response(script, { headers: { "content-type": "text/javascript" } })
          : new Response("<!doctype html><title>An app</title>", {
              headers: { "content-type": "text/html" },
            }),
    });
    const origin = `http://127.0.0.1:${app.port}`;
    const settings = ["--port", "0", "--data", temporaryFolder(), "--access-ttl", "2s"];
    await using server = await run([BINARY, ...settings, "--allowed-origins", origin]);
    await using stranger = await run([BINARY, ...settings.with(3, temporaryFolder())]);
    await using alice = await open({ url: origin }, "alice");
    const { page, context } = alice;
    await page.goto("/");
    const use = async ({ url, password }: { url: string; password: string }) => {
      const source = "/client.js";
      const { createClient } = (await import(source)) as typeof import("../public/client.ts");
      const duet = createClient({ url });
      await duet.register("alice", password);
      await new Promise((done) => setTimeout(done, 2500));
      return duet.ask<{ username: string }>("GET", "/api/auth/me");
    };
    expect(await page.evaluate(use, { url: server.url, password })).toMatchObject({ username: "alice" });
    // To a Duet that does not name it, it is nobody.
    const refused = page.evaluate(use, { url: stranger.url, password });
    await expect(refused).rejects.toThrow("unreachable");
    expect(await context.cookies()).toEqual([]);
    await app.stop(true);
  });
});
