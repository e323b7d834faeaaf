import { describe, expect, test } from "bun:test";
import { parseJsonObject } from "../src/http/json.ts";
import { startApp } from "./support/app.ts";

describe("a JSON body", () => {
  test.each([
    ["{}", {}],
    ["null", {}],
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', { a: 1, b: { a: 2 }, c: [{ a: 3 }, { a: 4 }] }],
    ['{"a":"\\"a\\":","b":"{"}', { a: '"a":', b: "{" }],
    ['{"toString":1,"a":{"valueOf":2,"toJSON":3}}', { a: {} }],
    ['{"a":{"b":1},"b":2}', { a: { b: 1 }, b: 2 }],
    ['{"a":{"b":1,"c":[{}]},"b":2,"c":3}', { a: { b: 1, c: [{}] }, b: 2, c: 3 }],
    [' {\n"a" : [ "a", "a" ] } ', { a: ["a", "a"] }],
  ])("%s is one", (text, value) => {
    expect(parseJsonObject(text)).toEqual(value);
  });

  test.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"a":1,"\\u0061":2}',
    '{"b":{"a":1,"a":2}}',
    '[{"a":1}]',
    '{"x":[{"a":1,"a":2}]}',
    '{"a" : 1 , "a"\n: 2}',
    "[]",
    '"x"',
    "1",
    "true",
    "",
    "{",
    '{"a":}',
  ])("%s is none", (text) => {
    expect(() => parseJsonObject(text)).toThrow();
  });

  test.each([
    ['{"username":"alice","username":"bob","password":"x"}', {}, 400, "malformed_body"],
    ["[]", {}, 400, "malformed_body"],
    ['"x"', {}, 400, "malformed_body"],
    ["true", {}, 400, "malformed_body"],
    ['{"username":"alice","password":"x"}', { "content-encoding": "gzip" }, 415, "unsupported_media_type"],
    ['{"username":"alice","password":"x"}', { "content-encoding": "identity" }, 401, "invalid_credentials"],
  ])(
    "%s with %j is answered %d %s, wherever all fields are optional too",
    async (body, more, status, code) => {
      await using t = await startApp();
      for (const path of ["/api/auth/login", ...(status === 400 ? ["/api/auth/logout"] : [])]) {
        const headers = { "content-type": "application/json", ...more };
        const answer = await t.fetch(path, { method: "POST", headers, body });
        expect([path, answer.status, answer.headers.get("duet-error")]).toEqual([path, status, code]);
        if (status === 415) expect(answer.headers.get("accept-encoding")).toBe("identity");
      }
    },
  );

  test("that really is compressed is refused by what it says, before it is read", async () => {
    await using t = await startApp();
    const body = Bun.gzipSync('{"username":"alice","password":"x"}');
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const answer = await t.fetch("/api/auth/login", { method: "POST", headers, body });
    expect([answer.status, answer.headers.get("accept-encoding")]).toEqual([415, "identity"]);
  });
});
