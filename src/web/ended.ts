import { nameDevice } from "../core/auth/devices.ts";
import type { SessionEnd } from "../errors.ts";
import type { Locale } from "../locales/index.ts";
import type { ShownEnd } from "./sessions.view.tsx";

/** How a session ended, as its holder is told: why, when, and from where, where a device did it. */
export const shownEnd = ({ onDevice }: Locale, { reason, at, userAgent, ip }: SessionEnd): ShownEnd => ({
  reason,
  at,
  where: ip && [nameDevice(userAgent ?? "", onDevice), ip].filter(Boolean).join(" · "),
});
