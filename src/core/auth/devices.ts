import Bowser from "bowser";
import { LIMITS } from "../../limits.ts";

/** Where a request came from, as far as it tells. Anybody can send any `User-Agent`. */
export type Device = { userAgent: string; ip: string; language?: string };

/**
 * A device in a few words, from the `User-Agent` its session was started with (RFC 9110 section 10.1.5):
 * "Safari, iPhone", "Firefox, Windows", "curl". Null where it says nothing. For people only.
 */
export function nameDevice(userAgent: string): string | null {
  if (userAgent === "") return null;
  const { browser, os, platform } = Bowser.parse(userAgent);
  const words = [browser.name, platform.model ?? os.name].filter(Boolean);
  // A program names itself first: `curl/8.5.0`.
  const name = words.length > 0 ? words.join(", ") : /^[\w.-]+/.exec(userAgent)?.[0];
  return name?.slice(0, LIMITS.deviceNameCharsMax) ?? null;
}
