import { connect } from "node:net";
import { expect, describe, spyOn, test } from "bun:test";
import { StartError } from "../src/errors.ts";
import { LIMITS } from "../src/limits.ts";
import { startApp } from "./support/app.ts";
import { register } from "./support/people.ts";
import { serve } from "./support/browser.ts";

/** Sends bytes as they are and reads what comes back, until `length` bytes or the server closes. */
function raw(
  url: string,
  head: string,
  body?: { chunk: string; times: number },
  untilClosed = false,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => {
      socket.write(head);
      for (let i = 0; body && i < body.times; i++) socket.write(body.chunk);
    });
    socket.setTimeout(5000, () => reject(new Error(`no answer: ${answer}`)));
    socket.on("data", (data) => {
      answer += data;
      const length = /content-length: (\d+)/i.exec(answer)?.[1];
      const end = answer.indexOf("\r\n\r\n") + 4;
      if (
        !untilClosed &&
        end > 3 &&
        (head.startsWith("HEAD") || (length && answer.length >= end + Number(length)))
      )
        socket.destroy();
    });
    socket.on("error", () => socket.destroy()); // it may be closed while we still send
    socket.on("close", () => resolve(answer));
  });
}

describe("over the wire", () => {
  test("a port has one server: a second one is refused, and the first goes on alone", async () => {
    await using site = await serve();
    await using second = await startApp({ DUET_PORT: new URL(site.url).port });
    expect(() => second.app.listen()).toThrow(StartError);
    for (let i = 0; i < 20; i++) expect((await fetch(`${site.url}/healthz`)).status).toBe(200);
    expect(second.logged.filter(({ event }) => event === "request")).toEqual([]);
  });

  test("localhost is both of its addresses", async () => {
    await using site = await serve();
    const { port } = new URL(site.url);
    for (const host of ["127.0.0.1", "[::1]"])
      expect([host, (await fetch(`http://${host}:${port}/healthz`)).status]).toEqual([host, 200]);
    const other = Bun.serve({ port: 0, hostname: "::1", fetch: () => new Response("somebody else's") });
    await using second = await startApp({ DUET_PORT: String(other.port) });
    expect(() => second.app.listen()).toThrow(/on ::1 cannot be listened on/);
    await other.stop(true);
  });

  test("an idle connection outlasts the proxies before it, or they would meet a closed one", async () => {
    using listening = spyOn(Bun, "serve");
    await using _site = await serve();
    const { idleTimeout } = listening.mock.calls[0]![0] as { idleTimeout: number };
    expect(idleTimeout).toBeGreaterThan(75);
  });

  test("a body beyond the limit is refused in the one shape, however large it says or turns out to be", async () => {
    await using site = await serve();
    const type = "Host: localhost\r\nContent-Type: application/json";
    for (const [head, chunk] of [
      [`POST /api/auth/login HTTP/1.1\r\n${type}\r\nContent-Length: ${LIMITS.bodyBytes + 1}\r\n\r\n`, "a"],
      [`POST /api/auth/login HTTP/1.1\r\n${type}\r\nContent-Length: 104857600\r\n\r\n`, "a".repeat(65_536)],
      [
        `POST /api/auth/login HTTP/1.1\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n`,
        `10000\r\n${"a".repeat(65_536)}\r\n`,
      ],
      [
        `POST /login?once=x HTTP/1.1\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n`,
        `10000\r\n${"a".repeat(65_536)}\r\n`,
      ],
    ] as const) {
      const answer = await raw(site.url, head, { chunk, times: 20 });
      expect(answer).toStartWith("HTTP/1.1 413");
      expect(answer.toLowerCase()).toContain("x-content-type-options: nosniff");
      expect(answer).toContain('"code":"payload_too_large"');
    }
    expect((await fetch(`${site.url}/healthz`)).status).toBe(200);
  });

  test.each([
    ["of a path that is none", "POST /nothing", "", 404],
    ["of a method that is none", "PUT /healthz", "", 405],
    ["of a GET", "GET /healthz", "", 200],
    ["of an asset", "GET /assets/none.js", "", 404],
    ["with a host that is none", "POST /login", "Host: [\r\n", 400],
    ["in chunks", "POST /nothing", "Transfer-Encoding: chunked\r\n", 404],
  ])("a body that nobody reads, %s, is the end of its connection", async (_, line, headers, status) => {
    await using site = await serve();
    const host = headers.startsWith("Host") ? "" : "Host: localhost\r\n";
    const length = headers.startsWith("Transfer") ? "" : "Content-Length: 4000\r\n";
    const chunk = length ? "x" : "5\r\nhello\r\n";
    const type = "Content-Type: application/json\r\n";
    const head = `${line} HTTP/1.1\r\n${host}${headers}${type}${length}\r\n`;
    const answer = await raw(site.url, head, { chunk, times: 1 }, true);
    expect(answer).toStartWith(`HTTP/1.1 ${status}`);
    expect(answer).toMatch(/^connection: close\r$/im);
  });

  test("a body that is read leaves its connection open", async () => {
    await using site = await serve();
    const post = "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    expect(await raw(site.url, `${post}Content-Length: 2\r\n\r\n{}`)).not.toMatch(/^connection: close/im);
  });

  test.each([
    ["two hosts", "GET /healthz HTTP/1.1\r\nHost: one.example\r\nHost: two.example\r\n\r\n", 400],
    ["a host with a space", "GET /healthz HTTP/1.1\r\nHost: one two\r\n\r\n", 400],
    ["no host", "GET /readyz HTTP/1.0\r\n\r\n", 200],
    ["no host and a wrong path", "GET /nothing HTTP/1.0\r\n\r\n", 404],
    ["a host that is none", "GET /healthz HTTP/1.1\r\nHost: [\r\n\r\n", 400],
    ["a port that is none", "GET /nothing HTTP/1.1\r\nHost: x:99999\r\n\r\n", 400],
    ["a host with a fragment", "GET /nothing HTTP/1.1\r\nHost: a#b\r\n\r\n", 400],
    ["a host of one letter", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200],
    ["a host of one letter and a longer path", "GET /x/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 404],
    [
      "a length and chunks",
      "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
    ],
  ])("%s: %j is answered %i", async (_, head, status) => {
    await using site = await serve();
    expect(await raw(site.url, head)).toStartWith(`HTTP/1.1 ${status}`);
  });

  test("who is calling is answered from memory as it is by the route, and refused by the route alone", async () => {
    await using site = await serve();
    const alice = await register(site, "alice");
    const me = (authorization: string) => fetch(`${site.url}/api/auth/me`, { headers: { authorization } });
    const varying = new Set(["date", "x-request-id"]);
    const seen = async (answer: Response) => [
      answer.status,
      [...answer.headers].filter(([name]) => !varying.has(name)).toSorted(),
      await answer.text(),
    ];
    const [first, ...others] = await Promise.all(
      [0, 1, 2, 3].map(async () => seen(await me(`Bearer ${alice.accessToken}`))),
    );
    expect(JSON.parse(first![2] as string)).toEqual({ id: alice.id, username: "alice", email: null });
    for (const other of others) expect(other).toEqual(first!);
    const again = await me(`Bearer ${alice.accessToken}`);
    expect(again.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(await seen(again)).toEqual(first!);
    expect(await seen(await me(`bearer   ${alice.accessToken}`))).toEqual(first!);

    for (const header of [
      alice.accessToken,
      `Basic ${alice.accessToken}`,
      `Bearer ${alice.accessToken}x`,
      "",
    ])
      expect([header, (await me(header)).status]).toEqual([header, 401]);
    const auth = `Host: localhost:${new URL(site.url).port}\r\nAuthorization: Bearer ${alice.accessToken}\r\n`;
    const withBody = `GET /api/auth/me HTTP/1.1\r\n${auth}Content-Length: 4000\r\n\r\n`;
    expect(await raw(site.url, withBody, { chunk: "x", times: 1 }, true)).toMatch(/^connection: close\r$/im);
    for (const [line, status] of [
      ["GET /x/api/auth/me", 404],
      ["GET /api/auth/me?x", 200],
      ["POST /api/auth/me", 405],
    ] as const)
      expect([line, await raw(site.url, `${line} HTTP/1.1\r\n${auth}\r\n`)]).toEqual([
        line,
        expect.stringMatching(new RegExp(`^HTTP/1.1 ${status}`)),
      ]);
    await alice.call("POST", "/api/auth/logout");
    expect((await me(`Bearer ${alice.accessToken}`)).status).toBe(401);
  });

  test("HEAD is GET without the body, and acts on nothing", async () => {
    await using site = await serve();
    const alice = await register(site, "alice");
    const [get, head] = await Promise.all(
      ["GET", "HEAD"].map((method) => fetch(`${site.url}/login`, { method })),
    );
    expect([head!.status, await head!.text()]).toEqual([200, ""]);
    const varying = new Set(["date", "x-request-id"]);
    const kept = (response: Response) =>
      [...response.headers].filter(([name]) => !varying.has(name)).toSorted();
    expect(kept(head!)).toEqual(kept(get!));
    const cookie = `duet_refresh=${alice.refreshToken}`;
    const refused = await fetch(`${site.url}/auth/refresh`, {
      method: "HEAD",
      headers: { cookie },
      redirect: "manual",
    });
    expect([refused.status, refused.headers.get("set-cookie")]).toEqual([403, null]);
  });

  test("1,000 requests that are cut off leave the server as it was", async () => {
    await using site = await serve();
    for (let round = 0; round < 10; round++)
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          const abort = new AbortController();
          const request = fetch(`${site.url}/login`, { signal: abort.signal }).catch(() => {});
          queueMicrotask(() => abort.abort());
          await request;
        }),
      );
    expect((await fetch(`${site.url}/readyz`)).status).toBe(200);
    expect(site.logged.filter(({ event }) => event === "internal_error")).toEqual([]);
  });
});
