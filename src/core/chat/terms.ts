/** Written without spaces between words, so that each character counts as one. */
const SCRIPTS_WITHOUT_SPACES = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u;
const WORDS = /[\p{L}\p{N}\p{M}]+/gu;
const CHARS_WITHOUT_SPACES = new RegExp(SCRIPTS_WITHOUT_SPACES.source, "gu");
const TERMS_MAX = 10;

const fold = (text: string) => text.normalize("NFKC").toLowerCase();

/** A text as its terms are indexed: folded, and with a space around each character that is a word. */
export const indexedTerms = (text: string): string => fold(text).replaceAll(CHARS_WITHOUT_SPACES, " $& ");

/** What is looked for, term by term: a run of letters, or of characters that are words. */
export function termsOf(query: string): string[] {
  const terms = (fold(query).match(WORDS) ?? []).flatMap(
    (word) =>
      word.match(
        /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]+|[^\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]+/gu,
      ) ?? [],
  );
  return terms.slice(0, TERMS_MAX);
}

/** The terms in the language of the full-text index: all of them, the beginning of a word being enough. */
export const matchOf = (terms: string[]): string =>
  terms
    .map((term) => (SCRIPTS_WITHOUT_SPACES.test(term) ? `"${[...term].join(" ")}"` : `"${term}"*`))
    .join(" AND ");

/** A text cut where the terms are: `hit` parts are what was found. */
export type Segment = { text: string; hit: boolean };

/** The terms in a text, for showing where they are; of a long text about `around` characters from before the first hit. */
export function highlight(text: string, terms: string[], around = 160): Segment[] {
  const pattern = new RegExp(terms.map((term) => RegExp.escape(term)).join("|") || "(?!)", "giu");
  const first = text.search(pattern);
  const start = first > around / 2 ? first - Math.floor(around / 4) : 0;
  const shown = `${start > 0 ? "…" : ""}${cut(text, start, start + around)}${text.length > start + around ? "…" : ""}`;
  const segments: Segment[] = [];
  let last = 0;
  for (const match of shown.matchAll(pattern)) {
    if (match.index > last) segments.push({ text: shown.slice(last, match.index), hit: false });
    segments.push({ text: match[0], hit: true });
    last = match.index + match[0].length;
  }
  if (last < shown.length) segments.push({ text: shown.slice(last), hit: false });
  return segments;
}

/** Never through the middle of a character. */
const cut = (text: string, from: number, to: number) =>
  text.slice(from, to).toWellFormed().replaceAll("\ufffd", "");
