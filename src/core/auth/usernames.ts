import type { FieldCode } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import { isReserved, shapesOf } from "./lookalikes.ts";

/** A name as it is shown, the key by which two spellings of it are one name, and what it looks like (`shapesOf`). */
export type Username = { shown: string; key: string; shapes: string[] };

/** Scripts that are written together count as one (UTS 39, section 5.1). */
const SCRIPTS: [name: string, letters: RegExp][] = [
  ["Han", /\p{Script=Han}/u],
  ["Japanese", /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  ["Korean", /\p{Script=Hangul}/u],
  ["Bopomofo", /\p{Script=Bopomofo}/u],
];
const WITH_HAN = new Set(["Japanese", "Korean", "Bopomofo"]);

/**
 * What cannot be seen, or not told apart: invisible characters, heaps of marks, a dot on what has one, letters that
 * look like apostrophes, digits of other scripts than the plain ones.
 */
const LOOKS_LIKE_ANOTHER =
  /\p{Default_Ignorable_Code_Point}|\p{M}{4}|\p{Soft_Dotted}\u0307|\p{Lm}(?<![\u3005\u30fc\u309d\u309e\u30fd\u30fe])|(?![0-9])\p{N}/u;

/**
 * Reads a username as RFC 8265 UsernameCaseMapped does: NFKC, case-folded for comparison, letters and digits of
 * one script with `.`, `_`, `-` between them, 2 to 32 characters, and none that is reserved. 小明 is a name; `admin` with a Cyrillic а is not.
 * Returns a field code where it is none. `forOperator`: a reserved one is no fault.
 */
export function readUsername(input: string, forOperator = false): Username | FieldCode {
  if (!input.isWellFormed()) return "ill_formed";
  const shown = input.normalize("NFKC");
  const characters = [...shown];
  if (characters.length === 0) return "required";
  if (characters.length < LIMITS.usernameCharsMin) return "too_short";
  if (characters.length > LIMITS.usernameCharsMax) return "too_long";
  if (!/^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$/u.test(shown) || !/[\p{L}\p{M}\p{N}]$/u.test(shown))
    return "username_characters";
  if (LOOKS_LIKE_ANOTHER.test(shown.normalize("NFD"))) return "username_characters";
  if (!isOneScript(shown)) return "mixed_scripts";
  const key = fold(shown);
  const shapes = shapesOf(shown, key);
  return !forOperator && isReserved(shapes) ? "reserved" : { shown, key, shapes };
}

/** The key under which a name would be found, whether or not it is a valid one. */
export const usernameKey = (input: string): string => fold(input.normalize("NFKC"));

// Upper then lower folds what lower alone leaves apart: ß and ss, final and medial sigma.
const fold = (text: string) => text.toUpperCase().toLowerCase().normalize("NFKC");

function isOneScript(text: string): boolean {
  const letters = [...text].filter(
    (c) => /\p{L}/u.test(c) && !/[\p{Script=Common}\p{Script=Inherited}]/u.test(c),
  );
  const scripts = new Set(
    letters.map((letter) => SCRIPTS.find(([, set]) => set.test(letter))?.[0] ?? otherScript(letter)),
  );
  if (scripts.size === 2 && scripts.has("Han")) {
    scripts.delete("Han");
    return WITH_HAN.has([...scripts][0]!);
  }
  return scripts.size <= 1;
}

/** JavaScript cannot name a letter's script, only test for one, so those in wide use are tried in turn. */
const OTHERS =
  "Latin Cyrillic Greek Arabic Hebrew Armenian Georgian Thai Lao Khmer Myanmar Ethiopic Devanagari Bengali Gujarati Gurmukhi Tamil Telugu Kannada Malayalam Sinhala Tibetan Mongolian Cherokee"
    .split(" ")
    .map((name) => [name, new RegExp(`\\p{Script=${name}}`, "u")] as const);
const otherScript = (letter: string) => OTHERS.find(([, set]) => set.test(letter))?.[0] ?? "another";
