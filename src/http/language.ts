import { isLanguage, type Language } from "../locales/index.ts";
import { chosenLanguage } from "./cookies.ts";

/** The caller's language: the one chosen on a page, else the best of `Accept-Language` (RFC 9110 section 12.5.4), else English. */
export function languageOf(request: Request): Language {
  const chosen = chosenLanguage(request);
  if (chosen) return chosen;
  const wanted = (request.headers.get("accept-language") ?? "")
    .split(",", 20)
    .map((range) => {
      const [tag = "", ...parameters] = range.trim().toLowerCase().split(";");
      const quality = parameters
        .find((p) => p.trim().startsWith("q="))
        ?.trim()
        .slice(2);
      return { language: tag.split("-")[0], quality: quality === undefined ? 1 : Number(quality) || 0 };
    })
    .filter(({ language, quality }) => isLanguage(language) && quality > 0)
    .toSorted((a, b) => b.quality - a.quality);
  return (wanted[0]?.language as Language | undefined) ?? "en";
}
