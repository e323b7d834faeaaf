import type { Log } from "../core/log.ts";

/** What is wrong shows in the first of them. */
const REQUESTS_LOOKED_AT = 1000;

/** Says in the log, once each, what whoever runs Duet has probably forgotten: requests show it, and nothing else would. */
export function createHints({
  issuer,
  trustsProxies,
  log,
}: {
  issuer: string;
  trustsProxies: boolean;
  log: Log;
}) {
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
    if (!trustsProxies && headers.has("x-forwarded-for"))
      tell(
        "forwarded_for_ignored",
        "requests come through a proxy that DUET_TRUSTED_PROXIES does not name; to the limits all of them are one address",
      );
    // A form of a page that was opened at an address of ours that we do not know as ours: it will be refused.
    const origin = headers.get("origin");
    if (origin && origin !== issuer && URL.parse(origin)?.host === headers.get("host"))
      tell("public_url_differs", "pages are opened at another address; forms from there are refused");
  };
}
