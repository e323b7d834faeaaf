/**
 * Written without spaces between words, so that each character counts as one; and signs that are words by themselves.
 */
const ALONE = "\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{Extended_Pictographic}\\p{RI}";
const IS_ALONE = new RegExp(`[${ALONE}]`, "u");
const EACH_ALONE = new RegExp(`[${ALONE}]`, "gu");
const LETTERS = "\\p{L}\\p{N}\\p{M}\\p{Extended_Pictographic}\\p{RI}";
const WORDS = new RegExp(`[${LETTERS}]+`, "gu");
const RUNS = new RegExp(`[${ALONE}]+|[^${ALONE}]+`, "gu");
/** A letter of a word, as against a character that is one by itself. */
const WORD = `(?![${ALONE}])[${LETTERS}]`;
const TERMS_MAX = 10;

/** Accents, which are left out when comparing; marks of other scripts are vowels and stay. */
const ACCENTS = /[\u0300-\u036f]/gu;
/** What joins emoji, or colours them. */
const JOINERS = /\u200d|\p{Variation_Selector}|\p{Emoji_Modifier}/gu;
/** Letters that no decomposition takes apart, and the sigma at the end of a word. */
const ALIKE: Record<string, string> = { ı: "i", ß: "ss", ø: "o", ł: "l", đ: "d", æ: "ae", œ: "oe", ς: "σ" };

/** The one folding of everything that is compared: index, query, titles, and the marks of what was found. */
const fold = (text: string): string =>
  text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(ACCENTS, "")
    .replaceAll(JOINERS, "")
    .replaceAll(/[ıßøłđæœς]/g, (letter) => ALIKE[letter]!)
    // Syllables of Hangul and voiced kana are one character again.
    .normalize("NFC");

/** A text as its terms are indexed: folded, and with a space around each character that is a word. */
export const indexedTerms = (text: string): string => fold(text).replaceAll(EACH_ALONE, " $& ");

/** What is looked for, term by term: a run of letters, or of characters that are words. */
export const termsOf = (query: string): string[] =>
  (fold(query).match(WORDS) ?? []).flatMap((word) => word.match(RUNS) ?? []).slice(0, TERMS_MAX);

/** The terms in the language of the full-text index: all of them, the beginning of a word being enough. */
export const matchOf = (terms: string[]): string =>
  terms.map((term) => (IS_ALONE.test(term) ? `"${[...term].join(" ")}"` : `"${term}"*`)).join(" AND ");

/** Where a term is in folded text: as the index has it, at the beginning of a word, or anywhere for characters that are words. */
const patternOf = (term: string) =>
  IS_ALONE.test(term) ? RegExp.escape(term) : `(?<!${WORD})${RegExp.escape(term)}`;

let latest: { of: string; pattern: RegExp } | undefined;

/** Where any of the terms is. A page of what was found asks for the same pattern as many times as it has entries. */
function anyOf(terms: string[]): RegExp {
  const of = terms.map(patternOf).join("|");
  if (latest?.of !== of) latest = { of, pattern: new RegExp(of, "gu") };
  return latest.pattern;
}

/** A text cut where the terms are: `hit` parts are what was found. */
export type Segment = { text: string; hit: boolean };

/** The terms in a text, for showing where they are; of a long text about `around` characters from before the first hit. */
export function highlight(text: string, terms: string[], around = 160): Segment[] {
  const hits = hitsIn(text, terms);
  const first = hits[0]?.start ?? -1;
  const start = first > around / 2 ? first - Math.floor(around / 4) : 0;
  const end = Math.min(start + around, text.length);
  const segments: Segment[] = [];
  const add = (part: string, hit: boolean) => part && segments.push({ text: part, hit });
  let last = start;
  if (start > 0) add("…", false);
  for (const hit of hits) {
    if (hit.start < last || hit.end > end) continue;
    add(cut(text, last, hit.start), false);
    add(text.slice(hit.start, hit.end), true);
    last = hit.end;
  }
  add(`${cut(text, last, end)}${end < text.length ? "…" : ""}`, false);
  return segments;
}

/** Where the terms are in a text as it was written. */
function hitsIn(text: string, terms: string[]): { start: number; end: number }[] {
  if (terms.length === 0) return [];
  // Folded letter by letter (with what is combined with it), to know where each came from.
  let folded = "";
  const origins: number[] = [];
  for (const { index, 0: letter } of text.matchAll(/\P{M}[\p{M}\uff9e\uff9f]*|\p{M}+/gu)) {
    const piece = fold(letter);
    for (let i = 0; i < piece.length; i++) origins.push(index);
    folded += piece;
  }
  origins.push(text.length);
  return [...folded.matchAll(anyOf(terms))].map(({ index, 0: found }) => {
    let after = index + found.length;
    // To the end of the letter that the last one came from.
    while (after < folded.length && origins[after] === origins[after - 1]) after++;
    return { start: origins[index]!, end: origins[after]! };
  });
}

/** Never through the middle of a character. */
const cut = (text: string, from: number, to: number) =>
  text.slice(from, to).toWellFormed().replaceAll("\ufffd", "");
