import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ROOT } from "../support/process.ts";
import { SECTIONS } from "./rows.ts";
import { splitOnce, written } from "./write.ts";

/** How many rows each letter of the checklist has. */
const ROWS = { A: 11, B: 22, C: 12, D: 14, E: 9, F: 7, G: 9, H: 10, I: 10, J: 9, K: 7, L: 5, M: 10 };
const rows = SECTIONS.flatMap(([, rows]) => rows);

describe("SECURITY.md", () => {
  test("has every row of the checklist, once", () => {
    for (const [letter, n] of Object.entries(ROWS)) {
      const first = letter === "H" ? 0 : 1;
      const dash = letter === "D" ? "-" : "";
      const expected = Array.from({ length: n }, (_, i) => `${letter}${dash}${first + i}`);
      expect(rows.map(({ id }) => id).filter((id) => id.startsWith(letter))).toEqual(expected);
    }
  });

  test("names for each row tests that are there, or says plainly why there is none", async () => {
    for (const { id, by = [], note } of rows) {
      expect([id, by.length > 0 || note !== undefined]).toEqual([id, true]);
      for (const reference of by) {
        const [file, title] = splitOnce(reference);
        const source = Bun.file(join(ROOT, `test/${file}.test.ts${file === "jsx" ? "x" : ""}`));
        // A title in the source has its quotes escaped, and may stand on a line of its own.
        const text = (await source.text()).replaceAll('\\"', '"');
        expect([id, title, text.includes(`"${title}"`)]).toEqual([id, title, true]);
      }
    }
  });

  test("is as it was made from them", async () => {
    // The formatter pads tables.
    const plain = (text: string) => text.replaceAll(/ *\| */g, "|").replaceAll(/-{3,}/g, "---");
    expect(plain(await Bun.file(join(ROOT, "SECURITY.md")).text())).toBe(plain(await written()));
  });
});
