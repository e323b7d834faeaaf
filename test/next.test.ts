import { describe, expect, test } from "bun:test";
import { safeNext } from "../src/web/next.ts";

describe("where a sign-in goes on to", () => {
  test.each([
    "/",
    "/conversations",
    "/conversations/01999999-0000-7000-8000-000000000000?before=x",
    "/lab",
    "/authors",
  ])("%s is our own", (next) => {
    expect(safeNext(next)).toBe(next);
  });

  test.each([
    "",
    "conversations",
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/..//evil.example",
    "/.//evil.example",
    "/%2e//evil.example",
    "/a/..//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "/auth/refresh?next=/auth/refresh",
    "/auth/logout",
    "/auth",
    "http:/evil.example",
    "@evil.example",
  ])("%j is not", (next) => {
    expect(safeNext(next)).toBe("/conversations");
  });

  test("a path that only looks odd stays on our host", () => {
    for (const next of ["/;@evil.example", "/@evil.example", "/%5cevil.example", "/%2f%2fevil.example"])
      expect(new URL(safeNext(next), "http://localhost:3000").host).toBe("localhost:3000");
  });
});
