import type { SessionRow } from "../../store/sessions.ts";
import type { Overlap } from "./rotation.ts";

/** W by kind of session, in seconds. */
export type OverlapSettings = {
  refreshOverlapSeconds: number;
  programOverlapSeconds: number;
  /** With the key that holds the session; undefined: without end. */
  keyOverlapSeconds?: number | undefined;
};

type HowStarted = Pick<SessionRow, "kind" | "key_thumbprint">;

/** W of a session, in seconds: by its row alone, never by the route that a token is shown on. */
export function overlapSecondsOf({ kind, key_thumbprint }: HowStarted, settings: OverlapSettings): number {
  if (kind === "browser") return settings.refreshOverlapSeconds;
  return (key_thumbprint === null ? undefined : settings.keyOverlapSeconds) ?? settings.programOverlapSeconds;
}

/** The same for the rule, where the clock was last set `sinceStepMs` ago (milliseconds). */
export function overlapOf(session: HowStarted, settings: OverlapSettings, sinceStepMs: number): Overlap {
  const ms = overlapSecondsOf(session, settings) * 1000;
  const isHeld = session.kind === "program" && session.key_thumbprint !== null;
  const isEndless = isHeld && settings.keyOverlapSeconds === undefined;
  return { ms, isUntimed: sinceStepMs <= ms, isEndless };
}
