import { describe, expect, test } from "bun:test";
import { raw } from "#html";
import { createKept } from "../src/web/kept.view.tsx";

describe("fragments that were drawn before", () => {
  test("are drawn again when anything in them is another, and large ones each time", () => {
    const kept = createKept();
    let drawn = 0;
    const show = (key: string, text: string) => kept(key, text, () => raw(`${++drawn} ${text}`)).html;
    expect([show("en 1", "a"), show("en 1", "a")]).toEqual(["1 a", "1 a"]);
    expect([show("zh 1", "a"), show("en 1", "b"), show("en 1", "b")]).toEqual(["2 a", "3 b", "3 b"]);
    const large = "x".repeat(501);
    for (const n of [4, 5]) expect(show("en 2", large)).toBe(`${n} ${large}`);
  });

  test("are not kept for ever", () => {
    const kept = createKept();
    let drawn = 0;
    for (let i = 0; i <= 5000; i++) kept(`${i}`, "a", () => raw(`${++drawn}`));
    expect(kept("5000", "a", () => raw("again")).html).toBe("5001");
    expect(kept("0", "a", () => raw("again")).html).toBe("again");
  });
});
