import { describe, expect, test } from "bun:test";
import { INDEX } from "../src/store/terms.ts";
import {
  highlight,
  indexedTerms,
  marksAtOnce,
  matchOf,
  messageMark,
  termsOf,
  titleMark,
} from "../src/core/chat/terms.ts";

/** The same match with an m before each word. */
const marked = (match: string) => match.replaceAll(/[^\s"*]+(?=[^"]*"(?:[^"]*"[^"]*")*[^"]*$)/g, "m$&");

describe("the words of a query", () => {
  test.each([
    ["Hello world", ["hello", "world"], '"hello"* AND "world"*'],
    ["周末爬山", ["周末爬山"], '"周 末 爬 山"'],
    ["去Duet吧", ["去", "duet", "吧"], '"去" AND "duet"* AND "吧"'],
    ["ＦＵＬＬ width", ["full", "width"], '"full"* AND "width"*'],
    ['" OR 1=1 -- *', ["or", "1", "1"], '"or"* AND "1"* AND "1"*'],
    ["NEAR(a b)", ["near", "a", "b"], '"near"* AND "a"* AND "b"*'],
    ["  ", [], ""],
    ["!?…", [], ""],
    ["a ".repeat(50), Array(10).fill("a"), Array(10).fill('"a"*').join(" AND ")],
  ])("%j are %j", (query, terms, match) => {
    expect(termsOf(query)).toEqual(terms);
    expect(INDEX.sqlite.queryOf(matchOf(["", "m"], terms))).toBe(`(${match}) OR (${marked(match)})`);
  });

  test("are so many that looking for them under each mark is done in a moment", () => {
    expect(termsOf("我".repeat(200))).toEqual(["我".repeat(20)]);
    expect(termsOf(`${"我".repeat(15)} a b ${"他".repeat(9)} c`)).toEqual([
      "我".repeat(15),
      "a",
      "b",
      "他他他",
    ]);
    for (const query of ["a", "a b c", "我".repeat(200)])
      expect(marksAtOnce(termsOf(query)) * [...termsOf(query).join("")].length).toBeLessThanOrEqual(100);
  });

  test("are indexed one by one, each under the mark of where it was said", () => {
    expect(indexedTerms("m", "Hi, 你好!")).toEqual(["mhi", "m你", "m好"]);
    const marks = [titleMark(1), messageMark(1, 0), messageMark(1, 1), messageMark(11, 0)];
    for (const mark of marks)
      for (const other of marks) expect(`${mark}1p0`.startsWith(other)).toBe(mark === other);
    expect(indexedTerms("m", messageMark(1, 0))).toEqual(["mc1p0"]);
  });
});

describe("what is found", () => {
  const marked = (text: string, query: string) =>
    highlight(text, termsOf(query))
      .map((segment) => (segment.hit ? `[${segment.text}]` : segment.text))
      .join("");

  test.each([
    ["Hello, World", "hello", "[Hello], World"],
    ["周末爬山吗？", "爬山", "周末[爬山]吗？"],
    ["a.b (c)", "a.b", "[a].[b] (c)"],
    ["<b>bold</b>", "b", "<[b]>[b]old</[b]>"],
    ["nothing", "else", "nothing"],
    ["", "x", ""],
  ])("in %j for %j is %j", (text, query, expected) => {
    expect(marked(text, query)).toBe(expected);
  });

  test("is told in parts, none of which is empty", () => {
    for (const query of ["hello", "world", "hello world", "o"])
      for (const { text } of highlight("Hello world", termsOf(query))) expect(text).not.toBe("");
    expect(highlight("Hello", termsOf("hello"))).toEqual([{ text: "Hello", hit: true }]);
  });

  test("far inside a long text is shown with what is around it", () => {
    const text = `${"before ".repeat(100)}needle${" after".repeat(100)}`;
    expect(marked(text, "needle")).toMatch(/^….{20,60}\[needle\].{60,140}…$/);
    expect(marked("👩‍🚀".repeat(100) + "needle", "needle").isWellFormed()).toBe(true);
  });
});
