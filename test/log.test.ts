import { describe, expect, test } from "bun:test";
import { createLineWriter, createLog } from "../src/http/log.ts";
import { startApp, UNLIMITED } from "./support/app.ts";
import { KeyHolder } from "./support/dpop.ts";
import { me, refresh, register } from "./support/people.ts";

describe("the log", () => {
  test("is one line of JSON for each event, whatever is in it", () => {
    const lines: string[] = [];
    const log = createLog("info", (line) => lines.push(line));
    const evil = 'a\r\n{"event":"login"}\u001b[2J\u2028\u0000';
    log("info", "x", { path: evil, user_agent: evil });
    log("debug", "not at this level");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{"time":"[\d-]+T[\d:.]+Z","level":"info","event":"x",\P{Cc}*\}\n$/u);
    expect(JSON.parse(lines[0]!)).toMatchObject({ path: evil, user_agent: evil });
  });

  test("is a line for a person on a terminal, in which nothing can move the cursor", () => {
    const lines: string[] = [];
    const log = createLog("info", (line) => lines.push(line), true);
    log("warn", "reuse_detected", { ip: "192.0.2.1", path: "a\u001b[2J\nb", nothing: undefined });
    expect(lines[0]).toMatch(
      // oxlint-disable-next-line no-control-regex -- the colours are ours
      /^\d\d:\d\d:\d\d\.\d{3} \u001b\[33mwarn \u001b\[0m reuse_detected ip=192\.0\.2\.1 path="a\\u001b\[2J\\nb"\n$/,
    );
  });

  test("names the trace that a proxy names, and no secret whatever is done", async () => {
    await using t = await startApp(UNLIMITED);
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    await t.fetch("/healthz", { headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } });
    await t.fetch("/healthz", { headers: { traceparent: `00-${"0".repeat(32)}-00f067aa0ba902b7-01` } });
    const traces = t.logged.filter(({ event }) => event === "request").map(({ facts }) => facts["trace_id"]);
    expect(traces).toEqual([trace, undefined]);

    const alice = await register(t, "alice");
    const next = await refresh(t, alice.refreshToken);
    await me(t, next.body.access_token);
    const key = await KeyHolder.create(t);
    const proof = await key.proof("POST", "/api/auth/login");
    const login = { username: "alice", password: alice.password };
    const bound = await key.ask("POST", "/api/auth/login", login);
    await t.json("POST", "/api/auth/refresh", { refresh_token: bound.body.refresh_token }, { dpop: proof });
    await t.json("POST", "/api/auth/login", { username: alice.password, password: "x" });
    await t.fetch(`/login?next=/${alice.refreshToken}`, {
      headers: { cookie: `duet_access=${alice.accessToken}` },
    });
    const said = JSON.stringify(t.logged);
    const tokens = [
      alice.accessToken,
      alice.refreshToken,
      next.body.refresh_token,
      bound.body.access_token,
      proof,
    ];
    for (const secret of [alice.password, key.nonce!, ...tokens.map((token) => token.split(".")[2]!)])
      expect(said).not.toContain(secret);
  });

  test("says once what the settings have probably forgotten", async () => {
    await using t = await startApp({ DUET_PUBLIC_URL: "http://localhost:3000" });
    const warned = () =>
      t.logged.filter(({ event }) => /^public_url|ignored$/.test(event)).map(({ event }) => event);
    await t.fetch("/healthz", { headers: { origin: "http://localhost:3000" } });
    await t.fetch("/healthz", { headers: { origin: "https://evil.example", host: "localhost:3000" } });
    expect(warned()).toEqual([]);
    for (let i = 0; i < 3; i++) {
      await t.fetch("/healthz", {
        headers: { "x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.1" },
      });
      await t.fetch("/login", {
        method: "POST",
        headers: { origin: "http://192.168.1.5:3000", host: "192.168.1.5:3000" },
      });
    }
    expect(warned()).toEqual(["public_url_is_http", "forwarded_for_ignored", "public_url_differs"]);
    await using behind = await startApp({ DUET_TRUSTED_PROXIES: "10.0.0.1" });
    await behind.fetch("/healthz", { headers: { "x-forwarded-for": "192.0.2.1" } });
    expect(behind.logged.filter(({ event }) => event.endsWith("ignored"))).toEqual([]);
  });

  test("has a line for each try beyond a limit, and from where", async () => {
    await using t = await startApp();
    for (let i = 0; i < 10; i++)
      await t.json("POST", "/api/auth/login", { username: "marker-name", password: "x" });
    const refused = t.logged.filter(({ event }) => event === "rate_limited");
    expect(refused.length).toBe(2);
    expect(refused[0]!.facts).toMatchObject({ path: "/api/auth/login", ip: "127.0.0.1" });
    expect(JSON.stringify(refused)).not.toContain("marker");
  });
});

describe("lines that nobody takes", () => {
  test("are bounded, and those that were left out are counted once there is room", () => {
    const written: string[] = [];
    let taken: (() => void)[] = [];
    const stream = { write: (text: string, done: () => void) => (written.push(text), taken.push(done)) };
    const write = createLineWriter(stream, 100);
    for (let n = 0; n < 50; n++) write(`line ${n}, 20 bytes..\n`);
    expect(written.length).toBeLessThan(10);
    const kept = written.length;
    for (const done of taken) done();
    taken = [];
    write("again\n");
    expect(JSON.parse(written[kept]!)).toMatchObject({ event: "lines_left_out", lines: 50 - kept });
    expect(written[kept + 1]).toBe("again\n");
    write("and again\n");
    expect(written.at(-1)).toBe("and again\n");
  });
});
