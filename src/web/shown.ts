import type { Diary } from "../core/auth/diary.ts";
import type { Lab } from "../core/auth/lab.ts";
import type { Fate } from "../core/auth/run.ts";
import type { SessionEnd } from "../errors.ts";
import type { PageContext } from "./layout.view.tsx";

/** Where the acts of a page are done: on somebody's own session, or on one of nobody. */
export type Place = {
  kind: "own" | "guest";
  path: string;
  acts: string;
  /** The route that refreshes, and the cookie that it takes the token from. */
  refresh: string;
  cookie: string;
};

/** What the parts of the lab are made of. */
export type Shown = {
  page: PageContext;
  place: Place;
  diary: Diary;
  now: number;
  settings: Lab["settings"];
  /** What other rules would have made of it. */
  fates: { strict: Fate; none: Fate } | null;
  /** The run as a link. */
  run: string | null;
  end?: SessionEnd | undefined;
  /** Of the tour; the last one is free play. */
  step: number;
  /** Of the place for the timeline, in pixels, as far as it is known. */
  width?: number | undefined;
};
