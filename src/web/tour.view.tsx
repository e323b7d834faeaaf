import type { Diary, Entry, LabAct } from "../core/auth/diary.ts";
import type { RotationDecision } from "../core/auth/rotation.ts";
import type { PageContext } from "./layout.view.tsx";

/** One step of the tour: what is done in it, and the row of the rule that it is about. */
type Step = { acts: LabAct[]; row: RotationDecision["kind"] };

/** In the order of the texts. */
const STEPS: Step[] = [
  { acts: ["refresh"], row: "newest" },
  { acts: ["lose", "refresh"], row: "unconfirmed" },
  { acts: ["tabs"], row: "unconfirmed" },
  { acts: ["steal", "refresh", "replay"], row: "reuse" },
  { acts: ["steal", "replay", "refresh"], row: "reuse" },
];

/** After the last of them everything is tried in any order. */
export const FREE: number = STEPS.length + 1;

const isAct = ({ what }: Entry) => what !== "used" && what !== "usedByThief" && what !== "page";

export type Progress = {
  /** How many acts of the step are done. */
  done: number;
  next: LabAct | null;
  /** From when on the next act shows what it should; epoch milliseconds. */
  waitUntil: number | null;
};

/** How far somebody has come in a step: by the last acts of the diary, so that a wrong one is no harm. */
export function progressIn(step: number, { entries, generations }: Diary, overlapMs: number): Progress {
  const { acts, row } = STEPS[step - 1] ?? { acts: [], row: "newest" };
  const last = entries.filter(isAct).slice(-acts.length);
  let done = acts.length;
  while (done > 0 && !isTail(last, acts.slice(0, done))) done--;
  // Too early, or too late: once more from the start.
  if (done === acts.length && done > 0 && !last.at(-1)!.decisions.includes(row)) done = 0;
  const next = acts[done] ?? null;
  const [before, newest] = generations.slice(-2);
  if (next === null || next === "steal" || !newest?.usedAt) return { done, next, waitUntil: null };
  // A copy shows what it is only after the overlap; and a third step is made only when no older token may arrive any more.
  const usedAt = done === 2 ? newest.usedAt : newest.generation > 2 ? before?.usedAt : null;
  return { done, next, waitUntil: usedAt == null ? null : usedAt + overlapMs };
}

const isTail = (entries: Entry[], acts: LabAct[]) =>
  entries.length >= acts.length && entries.slice(-acts.length).every(({ what }, i) => what === acts[i]);

type TourProps = { page: PageContext; path: string; step: number };

/** The steps by their names, each of which can be gone to. */
export const Tour = ({ page, path, step }: TourProps) => (
  <nav class="tour" aria-label={page.t.tour.name}>
    <ol>
      {page.t.tour.steps.map(([name], i) => (
        <li>
          <a href={`${path}?step=${i + 1}`} aria-current={i + 1 === step ? "step" : undefined}>
            {name}
          </a>
        </li>
      ))}
    </ol>
  </nav>
);

/** What to do now, or what was to be seen. */
export const Told = ({ page, step, progress }: Omit<TourProps, "path"> & { progress: Progress }) => {
  const { tour } = page.t;
  const [, does, moral] = tour.steps[step - 1]!;
  const { done, waitUntil } = progress;
  return (
    <p>
      {does[done] ?? moral}
      {waitUntil !== null && (
        <span
          class="wait"
          data-expires={String(waitUntil)}
          data-left={`${page.t.gap}${tour.wait}`}
          data-day=""
          data-over=""
          data-ended=""
        />
      )}
    </p>
  );
};

/** Back and on. A guest goes on with a session that is new: the picture begins again. */
export const Turns = ({ page, path, step, isGuest }: TourProps & { isGuest: boolean }) => {
  const { tour } = page.t;
  return (
    <div class="turns">
      {step > 1 && (
        <a class="quiet" href={`${path}?step=${step - 1}#lab-told`}>
          {tour.back}
        </a>
      )}
      {step < FREE && !isGuest && (
        <a class="button secondary" href={`${path}?step=${step + 1}#lab-told`}>
          {tour.next}
        </a>
      )}
      {step < FREE && isGuest && (
        <form method="post" action={`/auth/lab?step=${step + 1}`}>
          <button class="secondary" type="submit">
            {tour.next}
          </button>
        </form>
      )}
    </div>
  );
};
