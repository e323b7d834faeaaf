import { t } from "elysia";
import { REQUESTS, type Diary } from "../core/auth/diary.ts";
import type { Lab } from "../core/auth/lab.ts";
import { fatesOf, writeRun } from "../core/auth/run.ts";
import { isHtmx } from "./page.ts";
import type { Place } from "./shown.ts";
import { FREE } from "./tour.view.tsx";

/** Where the lab on somebody's own session is, and where that of a guest. */
export const placeOf = (kind: Place["kind"], cookie: string): Place =>
  kind === "own"
    ? { kind, path: "/lab", acts: "/auth/lab", refresh: "/auth/refresh", cookie }
    : { kind, path: "/lab/guest", acts: "/lab/guest", refresh: "/lab/guest/refresh", cookie };

/** The page's script says how wide its picture is; the address, which step of the tour is shown. */
export const asked = t.Object({ width: t.Optional(t.String()), step: t.Optional(t.String()) });

type Asked = typeof asked.static;

export const viewOf = ({ width, step }: Asked) => ({
  width: width && /^\d{1,4}$/.test(width) ? Math.max(Number(width), 280) : undefined,
  step: step && /^\d$/.test(step) ? Math.min(Math.max(Number(step), 1), FREE) : 1,
});

/** What is made of a diary: what other rules would have done, and the run as a link; not of a session that a key holds. */
export function seenIn(diary: Diary, settings: Lab["settings"], isBound = false) {
  if (isBound || diary.entries.length === 0) return { fates: null, run: null };
  const overlapMs = settings.refreshOverlapSeconds * 1000;
  const accessMs = settings.accessTtlSeconds * 1000;
  return { fates: fatesOf(diary, { overlapMs, accessMs }), run: writeRun(diary, overlapMs) };
}

/** Back to the step that somebody was at. */
export const stepOf = ({ step }: Asked) => (step === undefined ? "" : `?step=${viewOf({ step }).step}`);

/** The script sends five requests; without it there is one, which does what five would. */
export const tabsIn = (request: Request) => (isHtmx(request) ? 1 : REQUESTS.tabs);
