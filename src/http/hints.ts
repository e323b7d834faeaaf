import type { Log } from "../core/log.ts";

/** What is wrong shows in the first of them. */
const REQUESTS_LOOKED_AT = 1000;

/** Says in the log, once each, what whoever runs Duet has probably forgotten: requests show it, and nothing else would. */
export function createHints({ issuer, log }: { issuer: string; log: Log }) {
  const told = new Set<string>();
  function tell(event: string, hint: string) {
    if (told.has(event)) return;
    told.add(event);
    log("warn", event, { public_url: issuer, hint });
  }

  let asked = 0;
  return ({ headers }: Request): void => {
    if (++asked > REQUESTS_LOOKED_AT) return;
    if (issuer.startsWith("http:") && headers.get("x-forwarded-proto") === "https")
      tell(
        "public_url_is_http",
        "requests come over https; without DUET_PUBLIC_URL=https://… cookies are not Secure",
      );
    // A form of a page that was opened at an address of ours that we do not know as ours: it will be refused.
    const origin = headers.get("origin");
    if (origin && origin !== issuer && URL.parse(origin)?.host === headers.get("host"))
      tell("public_url_differs", "pages are opened at another address; forms from there are refused");
  };
}
