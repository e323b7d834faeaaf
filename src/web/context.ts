import type { Scheme } from "../http/cookies.ts";
import type { Language, Locale } from "../locales/index.ts";

/** What every page needs to know beside its own data. */
export type PageContext = {
  t: Locale;
  language: Language;
  /** Chosen in the menu; null: as the system has it. */
  scheme: Scheme | null;
  /** Path and query of this page: where the language switch and a sign-in come back to. */
  path: string;
  viewer: { userId: string; username: string } | null;
  styleUrl: string;
  styleUrls: { lab: string };
  scriptUrl: string;
  iconUrl: string;
  touchIconUrl: string;
  manifestUrl: string;
  /** Name of the cookie by which the script sees that another tab has refreshed. */
  generationCookie: string;
  /** Where Duet is, for what is to be copied. */
  origin: string;
  /** Whether there is a mail server. */
  hasMail: boolean;
};
