import Bowser from "bowser";
import { LIMITS } from "../../limits.ts";

/** Where a request came from, as far as it tells. Anybody can send any `User-Agent`. */
export type Device = { userAgent: string; ip: string; language?: string };

/** The name of a device in its reader's language, which joins a program and what it runs on. */
export type NameDevice = (on: (program: string, system: string) => string) => string | null;

/**
 * A device in a few words, from the `User-Agent` its session was started with (RFC 9110 section 10.1.5):
 * "Safari on iPhone", "Firefox on Windows", "curl"; `on` joins the two in the reader's language. Null where it says
 * nothing. For people only.
 */
export function nameDevice(userAgent: string, on = onInEnglish): string | null {
  if (userAgent === "") return null;
  const { browser, os, platform } = Bowser.parse(userAgent);
  const system = platform.model || os.name;
  const known = browser.name && system ? on(browser.name, system) : browser.name || system;
  // A program names itself first: `curl/8.5.0`.
  const name = known || /^[\w.-]+/.exec(userAgent)?.[0];
  return name?.slice(0, LIMITS.deviceNameCharsMax) ?? null;
}

const onInEnglish = (program: string, system: string) => `${program} on ${system}`;
