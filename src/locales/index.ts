import type { DuetError, EndReason, FieldError } from "../errors.ts";
import { en, type Locale } from "./en.ts";
import { zh } from "./zh.ts";

export type { Locale } from "./en.ts";

/** What the reference has words for. */
export type OperationId = keyof Locale["api"]["operations"];
export type Topic = keyof Locale["api"]["topics"];

export const LOCALES = { en, zh };
export type Language = keyof typeof LOCALES;

export const isLanguage = (text: string | undefined): text is Language =>
  text !== undefined && Object.hasOwn(LOCALES, text);

/** An error in words. */
export function describe(
  language: Language,
  { code, status, details }: DuetError,
): { title: string; detail: string } {
  const locale: Locale = LOCALES[language];
  const wait = details.retryAfterSeconds;
  const detail =
    code === "rate_limited" && wait ? locale.tooMany(describeWait(language, wait)) : locale.errors[code];
  return { title: locale.statuses[status] ?? locale.errors[code], detail };
}

/** What is wrong with a field, in words; with what would be better where that is known. */
export function describeField(language: Language, { code, limit, advice }: FieldError): string {
  const locale: Locale = LOCALES[language];
  const { warning, suggestions } = advice ?? { warning: null, suggestions: [] };
  const sentences = [
    locale.fields[code](limit ?? 0),
    ...(warning ? [locale.advice.warnings[warning]] : []),
    ...suggestions.map((each) => locale.advice.suggestions[each]),
  ];
  return sentences.length === 1 ? sentences[0]! : locale.sentences(sentences);
}

/** Why a session ended, in words. */
export const describeReason = (language: Language, reason: EndReason): string =>
  LOCALES[language].reasons[reason];

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

/** A span in the largest unit that fits it evenly: "30 minutes". */
export function describeDuration(language: Language, seconds: number): string {
  const [unit, size] = UNITS.find(([, each]) => seconds % each === 0) ?? UNITS.at(-1)!;
  return LOCALES[language].duration(seconds / size, unit);
}

/** Whole minutes where it is more than one. */
const describeWait = (language: Language, seconds: number) =>
  describeDuration(language, seconds > 60 ? Math.ceil(seconds / 60) * 60 : seconds);
