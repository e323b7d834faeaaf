import type { Letter } from "../core/auth/letters.ts";
import { isLanguage, LOCALES } from "../locales/index.ts";

type Parts = { subject: string; before: string[]; link: { name: string; url: string }; after: string[] };

/** A letter in its reader's language, as text and as markup that loads nothing. */
export function writeLetter(letter: Letter, issuer: string): { subject: string; text: string; html: string } {
  const language = isLanguage(letter.language ?? undefined)
    ? (letter.language as keyof typeof LOCALES)
    : "en";
  const t = LOCALES[language];
  const { host } = new URL(issuer);
  const { subject, before, link, after } = partsOf(letter, t, issuer, host);
  // A stranger may have given the address: no name of theirs is in it, which might be one of a site.
  const hello = letter.kind === "verify" ? t.letters.helloStranger : t.letters.hello(letter.username);
  const end = t.letters.end(host);
  const html = (
    <html lang={t.htmlLang}>
      <body>
        {[hello, ...before].map((line) => (
          <p>{line}</p>
        ))}
        <p>
          <a href={link.url}>{link.name}</a>
        </p>
        {after.map((line) => (
          <p>{line}</p>
        ))}
        <p>{end}</p>
      </body>
    </html>
  );
  const text = [hello, ...before, `${link.name}:\n${link.url}`, ...after, end].join("\n\n");
  return { subject, text, html: `<!doctype html>${html.html}` };
}

function partsOf(letter: Letter, t: (typeof LOCALES)["en"], issuer: string, host: string): Parts {
  const words = t.letters;
  switch (letter.kind) {
    case "reset":
    case "verify": {
      const { subject, before, link, after } = words[letter.kind];
      return { subject: subject(host), before, link: { name: link, url: letter.link }, after };
    }
    case "email_changed": {
      const { subject, before, link, after } = words.email_changed;
      const url = letter.link;
      return { subject: subject(host), before: before(letter.email), link: { name: link, url }, after };
    }
    case "notice": {
      const { subject, before, where, newDevice, unknownDevice, link, after, afterFactor } = words.notice;
      const event = letter.event === "login" ? newDevice : t.events[letter.event];
      const from = letter.ip === null ? "" : where(letter.deviceName(t.onDevice) ?? unknownDevice, letter.ip);
      const at = `${new Date(letter.at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
      return {
        subject: subject(event, host),
        before: before(event, from, at),
        link: { name: link, url: `${issuer}/account#events` },
        after: letter.event === "factor_add" ? afterFactor : after,
      };
    }
  }
}
