import type { LabState } from "../client/wire.ts";
import type { Diary, Entry, LabAct } from "../core/auth/diary.ts";
import type { Lab } from "../core/auth/lab.ts";
import type { SessionEnd } from "../errors.ts";
import { describeDuration } from "../locales/index.ts";
import { Layout, Time, type PageContext } from "./layout.view.tsx";
import { Timeline } from "./timeline.view.tsx";
import { BothTokens, Holds, type Tokens } from "./tokens.view.tsx";

type Row = Entry["decisions"][number];
type Told = {
  page: PageContext;
  diary: Diary;
  now: number;
  settings: Lab["settings"];
  end?: SessionEnd | undefined;
  /** Of the place for the timeline, in pixels, as far as it is known. */
  width?: number | undefined;
};

const DANGEROUS: LabAct[] = ["steal", "replay", "copied"];

/** One's own session under glass. Without a script it is a page that says after each act what happened. */
export const LabPage = (props: Told & { tokens: Tokens; isBound: boolean }) => {
  const { page, settings } = props;
  const { lab: t } = page.t;
  return (
    <Layout page={page} title={t.title} className="narrow wide">
      <h1>{t.title}</h1>
      <p class="muted">{t.lead}</p>
      <Why page={page} settings={settings} />
      <section class="panel" aria-labelledby="lab-timeline">
        <h2 id="lab-timeline">{t.timeline}</h2>
        <div id="lab-picture" data-offline={t.nothingSent}>
          <Picture {...props} />
        </div>
        <div class="lab-latest" id="lab-latest" role="status">
          <Latest {...props} />
        </div>
        <p id="timeline-hint" class="muted small">
          {t.timelineHint}
        </p>
      </section>
      <section class="panel" aria-labelledby="lab-actions">
        <h2 id="lab-actions">{t.actions}</h2>
        {props.isBound && <p class="banner info">{t.boundNote}</p>}
        <ul class="acts">
          {(Object.keys(t.acts) as LabAct[]).map((act) => (
            <li>
              <form method="post" action={`/auth/lab/${act}`} data-act={act}>
                <button
                  class={DANGEROUS.includes(act) ? "secondary danger" : "secondary"}
                  type="submit"
                  aria-describedby={`about-${act}`}
                >
                  {t.acts[act][0]}
                </button>
              </form>
              <p class="muted small" id={`about-${act}`}>
                {t.acts[act][1]}
              </p>
            </li>
          ))}
        </ul>
      </section>
      <section class="panel" aria-labelledby="lab-heard">
        <h2 id="lab-heard">{t.log}</h2>
        <div class="lab-log" tabindex="0" role="group" aria-labelledby="lab-heard">
          <ol id="lab-log">
            <Log {...props} />
          </ol>
        </div>
      </section>
      <Rule page={page} decided={decidedBy(props.diary)} />
      <p class="muted" id="lab-holds">
        <Holds {...props} />
      </p>
      <div class="pair" id="lab-tokens">
        <BothTokens page={page} tokens={props.tokens} />
      </div>
      <data id="lab-state" value={stateOf(props)} hidden />
    </Layout>
  );
};

/** What changes, each part under the id that it has on the page. */
export const LabParts = (props: Told & { tokens?: Tokens }) => (
  <div>
    <div id="lab-picture">
      <Picture {...props} />
    </div>
    <div id="lab-latest">
      <Latest {...props} />
    </div>
    <ol id="lab-log">
      <Log {...props} />
    </ol>
    {props.tokens && (
      <p id="lab-holds">
        <Holds page={props.page} tokens={props.tokens} diary={props.diary} />
      </p>
    )}
    {props.tokens && (
      <div id="lab-tokens">
        <BothTokens page={props.page} tokens={props.tokens} />
      </div>
    )}
    <data id="lab-state" value={stateOf(props)} />
  </div>
);

const Picture = ({ page, diary, now, settings, end, width = 800 }: Told) => {
  const moment = { now: end?.at ?? now, isOver: end !== undefined };
  const overlapMs = settings.refreshOverlapSeconds * 1000;
  return <Timeline page={page} diary={diary} {...moment} overlapMs={overlapMs} width={width} />;
};

/** What the page's script needs to know. */
function stateOf({ diary, now, end }: Told): string {
  const state: LabState = { ...diary, decided: decidedBy(diary), now, ...(end && { endedAt: end.at }) };
  return JSON.stringify(state);
}

const Why = ({ page, settings }: Pick<Told, "page" | "settings">) => {
  const { lab: t } = page.t;
  const life = (seconds: number) => describeDuration(page.language, seconds);
  const overlap = settings.refreshOverlapSeconds;
  return (
    <section class="panel" aria-labelledby="lab-why">
      <h2 id="lab-why">{t.why}</h2>
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
    </section>
  );
};

/** The last thing that was done, with the first use that came of it. */
const Latest = ({ page, diary, settings, end }: Told) => {
  const { entries: all } = diary;
  let done = all.findLastIndex(({ what }) => !what.startsWith("used"));
  if (all[done]?.what === "page" && all[done - 1]?.what === "expire") done--;
  const entries = all.slice(Math.max(done, 0));
  if (entries.length === 0) return <p class="muted">{page.t.lab.waiting}</p>;
  return (
    <>
      {entries.map((entry) => (
        <Happened page={page} entry={entry} settings={settings} />
      ))}
      {end && (
        <p>
          <a class="button" href="/lab">
            {page.t.lab.goOn}
          </a>
        </p>
      )}
    </>
  );
};

/** The rows by which the last refresh was decided. */
const decidedBy = ({ entries }: Diary): Row[] =>
  entries.findLast(({ decisions }) => decisions.length > 0)?.decisions ?? [];

const Log = ({ page, diary, settings }: Told) => (
  <>
    {diary.entries.length === 0 && <li class="muted">{page.t.lab.waiting}</li>}
    {diary.entries.toReversed().map((entry) => (
      <li id={`entry-${entry.n}`}>
        <Happened page={page} entry={entry} settings={settings} />
      </li>
    ))}
  </>
);

/** What was done, and the row of the rule that decided it. */
const Happened = ({ page, entry, settings }: Pick<Told, "page" | "settings"> & { entry: Entry }) => {
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
          <span class="n">{entry.n}</span> <Time at={entry.at} isPrecise />
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

const Rule = ({ page, decided }: { page: PageContext; decided: Row[] }) => {
  const { lab: t } = page.t;
  return (
    <section class="panel" aria-labelledby="lab-rule">
      <h2 id="lab-rule">{t.rule}</h2>
      <p>{t.shown}</p>
      <dl class="rule" id="lab-rows">
        {(Object.keys(t.rows) as Row[]).map((row) => (
          <div id={`row-${row}`} data-row={row} class={decided.includes(row) ? "decided" : undefined}>
            <dt>
              <code>{row}</code> · {t.rows[row][0]}
            </dt>
            <dd>{t.rows[row][1]}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
};
