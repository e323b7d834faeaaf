import type { Diary, Entry } from "../core/auth/diary.ts";
import { describeDuration } from "../locales/index.ts";
import { Time, type PageContext } from "./layout.view.tsx";
import type { Shown } from "./shown.ts";
import { FREE } from "./tour.view.tsx";

type Row = Entry["decisions"][number];

/** The rows by which the last refresh was decided. */
export const decidedBy = ({ entries }: Diary): Row[] =>
  entries.findLast(({ decisions }) => decisions.length > 0)?.decisions ?? [];

/** The last thing that was done; then, where no tour says it, what to try. */
export const Latest = ({ page, place, diary, settings, step, end }: Omit<Shown, "fates" | "run" | "now">) => {
  const { entries: all } = diary;
  const { lab: t } = page.t;
  // A first use that came of it is the log's.
  const acts = all.filter(({ what }) => !what.startsWith("used"));
  const isFollowed = acts.at(-1)?.what === "page" && acts.at(-2)?.what === "expire";
  const entries = acts.slice(isFollowed ? -2 : -1);
  const [latest] = entries;
  if (!latest) return <p class="muted">{t.waiting}</p>;
  return (
    <>
      {entries.map((entry) => (
        <Happened page={page} entry={entry} settings={settings} />
      ))}
      {!end && step === FREE && t.tryNext[latest.what] && <p class="muted">{t.tryNext[latest.what]}</p>}
      {end && place.kind === "own" && (
        <p>
          <a class="button" href={`/lab?step=${step}`}>
            {t.goOn}
          </a>
        </p>
      )}
      {end && place.kind === "guest" && <StartAgain page={page} step={step} />}
    </>
  );
};

/** For a guest: a session that is new. */
export const StartAgain = ({ page, step, text }: { page: PageContext; step: number; text?: string }) => (
  <form method="post" action={`/auth/lab?step=${step}`}>
    <button class="button" type="submit">
      {text ?? page.t.lab.startAgain}
    </button>
  </form>
);

type LogProps = Pick<Shown, "page" | "diary" | "settings"> & { hasTimes?: boolean };

export const Log = ({ page, diary, settings, hasTimes = true }: LogProps) => (
  <>
    {diary.entries.length === 0 && <li class="muted">{page.t.lab.waiting}</li>}
    {diary.entries.toReversed().map((entry) => (
      <li id={`entry-${entry.n}`}>
        <Happened page={page} entry={entry} settings={settings} hasTime={hasTimes} />
      </li>
    ))}
  </>
);

type HappenedProps = Pick<Shown, "page" | "settings"> & { entry: Entry; hasTime?: boolean };

/** What was done, and the row of the rule that decided it. */
const Happened = ({ page, entry, settings, hasTime }: HappenedProps) => {
  const { lab: t } = page.t;
  const counts = new Map<Row, number>();
  for (const row of Object.keys(t.rows) as Row[]) {
    const count = entry.decisions.filter((each) => each === row).length;
    if (count > 0) counts.set(row, count);
  }
  const isGranted = entry.decisions.some(
    (row) => row !== "ended" && row !== "reuse" && row !== "unproven" && row !== "unknown",
  );
  const overlap = settings.refreshOverlapSeconds;
  const life = overlap > 0 ? describeDuration(page.language, overlap) : null;
  const says = t.happened[entry.what](entry.generation, life, entry.decisions.length);
  return (
    <>
      <p>
        <span class="muted small">
          <span class="n">{entry.n}</span> {hasTime && <Time at={entry.at} isPrecise />}
        </span>{" "}
        {says}
        {isGranted && page.t.gap + t.answered(entry.newest)}
      </p>
      {[...counts].map(([row, count]) => (
        <p class="verdict" data-row={row}>
          {t.decidedBy}{" "}
          <a href={`#row-${row}`}>
            <code>{row}</code>
          </a>
          {count > 1 && ` × ${count}`}
          {page.t.colon}
          {t.rows[row][1]}
        </p>
      ))}
    </>
  );
};

/** The rows of the rule by their names, on the stage: the one that decided last is marked. */
export const RuleRows = ({ page, decided }: { page: PageContext; decided: Row[] }) => (
  <p class="rule-rows" aria-label={page.t.lab.rule}>
    <span class="muted small">{page.t.lab.rowsLead}</span>
    {(Object.keys(page.t.lab.rows) as Row[]).map((row) => (
      <a href={`#row-${row}`} data-row={row} class={decided.includes(row) ? "decided" : undefined}>
        <code>{row}</code>
      </a>
    ))}
  </p>
);

export const Rule = ({ page, decided }: { page: PageContext; decided: Row[] }) => {
  const { lab: t } = page.t;
  return (
    <>
      <p>{t.shown}</p>
      <dl class="rule">
        {(Object.keys(t.rows) as Row[]).map((row) => (
          <div id={`row-${row}`} data-row={row} class={decided.includes(row) ? "decided" : undefined}>
            <dt>
              <code>{row}</code> · {t.rows[row][0]}
            </dt>
            <dd>{t.rows[row][1]}</dd>
          </div>
        ))}
      </dl>
    </>
  );
};

export const Why = ({ page, settings }: Pick<Shown, "page" | "settings">) => {
  const { lab: t } = page.t;
  const life = (seconds: number) => describeDuration(page.language, seconds);
  const overlap = settings.refreshOverlapSeconds;
  return (
    <>
      <p>{t.whyAccess(life(settings.accessTtlSeconds))}</p>
      <p>{t.whyRefresh(life(settings.refreshTtlSeconds), life(settings.sessionTtlSeconds))}</p>
      <p>{t.whyRotation}</p>
      <p class="rule-lead">
        <strong>{t.ruleLead}</strong>
      </p>
      <p>
        {t.used}
        {page.t.gap}
        {overlap > 0 ? t.overlap(life(overlap)) : t.strict}
      </p>
    </>
  );
};
