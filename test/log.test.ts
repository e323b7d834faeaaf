import { describe, expect, test } from "bun:test";
import { createLog } from "../src/http/log.ts";
import { startApp } from "./support/app.ts";

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

  test("says once what the settings have probably forgotten", async () => {
    await using t = await startApp({ DUET_PUBLIC_URL: "http://localhost:3000" });
    const warned = () =>
      t.logged.filter(({ event }) => event.startsWith("public_url")).map(({ event }) => event);
    await t.fetch("/healthz", { headers: { origin: "http://localhost:3000" } });
    await t.fetch("/healthz", { headers: { origin: "https://evil.example", host: "localhost:3000" } });
    expect(warned()).toEqual([]);
    for (let i = 0; i < 3; i++) {
      await t.fetch("/healthz", { headers: { "x-forwarded-proto": "https" } });
      await t.fetch("/login", {
        method: "POST",
        headers: { origin: "http://192.168.1.5:3000", host: "192.168.1.5:3000" },
      });
    }
    expect(warned()).toEqual(["public_url_is_http", "public_url_differs"]);
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
