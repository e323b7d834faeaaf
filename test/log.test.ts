import { describe, expect, test } from "bun:test";
import { createLog } from "../src/http/log.ts";

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
});
