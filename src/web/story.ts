import type { Diary } from "../core/auth/diary.ts";
import type { Lab } from "../core/auth/lab.ts";
import { play, readRun, type Played } from "../core/auth/run.ts";
import { seenIn } from "./lab-place.ts";

/** A run as it is shown to whoever opens its link. */
export type Story = ReturnType<typeof seenIn> & {
  diary: Diary;
  end: Played["end"];
  overlapMs: number;
  settings: Lab["settings"];
  /** How many things there are to see in all of it. */
  all: number;
};

/** What the rule makes of a run, as far as its first `until` entries; null for what is none. */
export function tellRun(text: string, { settings }: Pick<Lab, "settings">, until?: number): Story | null {
  const run = readRun(text);
  if (!run) return null;
  const { overlapMs, done } = run;
  const { diary, end } = play(done.slice(0, until), {
    overlapMs,
    accessMs: settings.accessTtlSeconds * 1000,
  });
  const told = { ...settings, refreshOverlapSeconds: overlapMs / 1000 };
  return { diary, end, overlapMs, settings: told, all: done.length, ...seenIn(diary, told) };
}

/** A lost response, which the usual rule signs one out for; then a thief, who is found out. */
export const storyOf = (lab: Pick<Lab, "settings">): Story =>
  tellRun("10r0u200l3800r3000u200s5000r2000u200b13000", lab)!;
