import { describe, expect, test } from "bun:test";
import { pageLimit, pageOf } from "../src/core/page.ts";

describe("a page of a list", () => {
  const rows = (n: number) => Array.from({ length: n }, (_, i) => `row ${i}`);
  const page = (n: number) => pageOf(rows(n), 3, (last) => `after ${last}`);

  test("names where the next one begins only where there is one", () => {
    expect(page(0)).toEqual({ items: [], next: null });
    expect(page(2)).toEqual({ items: rows(2), next: null });
    expect(page(3)).toEqual({ items: rows(3), next: null });
    expect(page(4)).toEqual({ items: rows(3), next: "after row 2" });
  });

  test("is as long as was asked for, within bounds", () => {
    expect([undefined, 1, 50, 100, 101, 1e9].map(pageLimit)).toEqual([50, 1, 50, 100, 100, 100]);
    for (const wrong of [0, -1, 1.5, Number.NaN, Infinity])
      expect(() => pageLimit(wrong)).toThrow("validation_failed");
  });
});
