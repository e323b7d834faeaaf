import type { Match } from "../../store/terms.ts";

/**
 * Written without spaces between words, so that each character counts as one; and signs that are words by themselves.
 */
const ALONE = "\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{Extended_Pictographic}\\p{RI}";
const IS_ALONE = new RegExp(`[${ALONE}]`, "u");
const LETTERS = "\\p{L}\\p{N}\\p{M}\\p{Extended_Pictographic}\\p{RI}";
const WORDS = new RegExp(`[${LETTERS}]+`, "gu");
const RUNS = new RegExp(`[${ALONE}]+|[^${ALONE}]+`, "gu");
/** A letter of a word, as against a character that is one by itself. */
const WORD = `(?![${ALONE}])[${LETTERS}]`;
const TERMS_MAX = 10;
const WORDS_MAX = 20;
/** Of one word; more than can be looked for, and less than any index takes. */
const WORD_CHARS_MAX = 400;
/** In one question to the index: 1 to 2 ms. */
const WORDS_AT_ONCE = 100;

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

/** Runs of letters, and of characters that are words, in folded text. */
const runsIn = (text: string): string[] =>
  (fold(text).match(WORDS) ?? []).flatMap((word) => word.match(RUNS) ?? []);

/** What ends a mark in the index. It is no letter, so no text has it in a word. */
const END = "\ue000";

/** What the words of a conversation's title begin with in the index, by the conversation's number. */
export const titleMark = (conversation: number): string => `c${conversation}t${END}`;

/** The same for messages, of which the index knows one part from another: it must be done with each in a moment. */
export const messageMark = (conversation: number, part: number): string => `c${conversation}p${part}${END}`;

/** A text as its words are indexed under a mark. */
export const indexedTerms = (mark: string, text: string): string[] =>
  runsIn(text)
    .flatMap((run) => (IS_ALONE.test(run) ? [...run] : [run]))
    .map((word) => mark + word.slice(0, WORD_CHARS_MAX));

/** What is looked for, term by term: a run of letters, or of characters that are words. */
export function termsOf(query: string): string[] {
  const terms: string[] = [];
  let words = 0;
  for (const run of runsIn(query)) {
    const term = IS_ALONE.test(run) ? [...run].slice(0, WORDS_MAX - words).join("") : run;
    words += wordsIn(term);
    if (words > WORDS_MAX || terms.length === TERMS_MAX || term === "") break;
    terms.push(term);
  }
  return terms;
}

/** How many words of the index a term is. */
const wordsIn = (term: string): number => (IS_ALONE.test(term) ? [...term].length : 1);

/** How many marks may be asked for at once: what that costs grows with the words that are asked for under each. */
export const marksAtOnce = (terms: string[]): number =>
  Math.max(1, Math.floor(WORDS_AT_ONCE / terms.reduce((sum, term) => sum + wordsIn(term), 0)));

/** The terms as the full-text index is asked for them, under any of the marks: all of them, the beginning of a word being enough. */
export const matchOf = (marks: string[], terms: string[]): Match =>
  marks.map((mark) => terms.map((term) => matchOne(mark, term)));

const matchOne = (mark: string, term: string) =>
  IS_ALONE.test(term)
    ? { words: [...term].map((each) => mark + each), isPrefix: false }
    : { words: [mark + term], isPrefix: true };

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
