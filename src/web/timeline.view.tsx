import type { Child } from "#html";
import type { Diary, Entry } from "../core/auth/diary.ts";
import type { Fate } from "../core/auth/run.ts";
import { Ghosts, GHOSTS_HEIGHT } from "./ghosts.view.tsx";
import type { PageContext } from "./layout.view.tsx";

type TimelineProps = {
  page: PageContext;
  diary: Diary;
  /** The present on the server's clock, in epoch milliseconds. */
  now: number;
  /** When the session ended, if it has. */
  endedAt: number | null;
  overlapMs: number;
  /** What other rules would have made of it. */
  fates: { strict: Fate; none: Fate } | null;
  /** In pixels, of the place where it is shown. */
  width: number;
  /** Where it begins, if not with what is recent; epoch milliseconds. */
  start?: number;
  /** The present moves on by itself; or a curtain draws back, again and again; or nothing moves. */
  motion?: "live" | "curtain" | "none";
  className?: string;
};
type Mark = { x: number; entries: Entry[] };

const LANES = 5;
const LANE = 24;
const GUTTER = 92;
const TOP = 54;
const FLOOR = TOP + LANES * LANE;
const AXIS = 24;
/** Of the picture as a whole. */
export const HEIGHT: number = FLOOR + AXIS + GHOSTS_HEIGHT;
const SECOND = 1000;
/** Past the last thing that was done, so that what came of it is seen. */
export const AFTER_MS: number = 3 * SECOND;
const STEPS_MS = [5, 10, 20, 30, 60, 120].map((seconds) => seconds * SECOND);

const isThiefs = ({ what }: Entry) => what === "steal" || what === "replay" || what === "copied";
const isOwners = (entry: Entry) => !isThiefs(entry) && !entry.what.startsWith("used");
const isEnd = ({ decisions }: Entry) => decisions.includes("reuse") || decisions.includes("ended");

/**
 * A session as a picture: one lane for each generation, under what its owner and a thief have done. The present moves
 * on by itself, as far as the edge, until the page asks for the next picture.
 */
export const Timeline = (props: TimelineProps) => {
  const { page, diary, now, endedAt, overlapMs, width, fates, motion = "live" } = props;
  const { lab: t } = page.t;
  // The present stands at eight tenths; what is older than four minutes has gone out on the left.
  const from =
    props.start ?? Math.max(Math.min(diary.entries[0]?.at ?? now, now - 15 * SECOND), now - 240 * SECOND);
  const scale = ((width - GUTTER) * 0.8) / (now - from);
  const x = (at: number) => round(Math.max(GUTTER, Math.min(width, GUTTER + (at - from) * scale)));
  const until = endedAt ?? Infinity;
  const mark = endedAt ?? now;
  const begun = Math.max(from, diary.generations[0]?.issuedAt ?? from);

  return (
    <svg
      id={motion === "live" ? "timeline" : undefined}
      class={`timeline ${props.className ?? ""}`}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      height={HEIGHT}
      role="img"
      aria-labelledby="lab-timeline"
      aria-describedby={motion === "live" ? "lab-holds timeline-hint" : undefined}
    >
      {ticks(from, mark, scale).map((at) => (
        <>
          <line class="tick" x1={x(at)} x2={x(at)} y1="8" y2={FLOOR} />
          <Label x={x(at)} y={FLOOR + 18} className="middle" at={props.start === undefined ? at : undefined}>
            {props.start === undefined
              ? `${new Date(at).toISOString().slice(11, 19)} UTC`
              : `${(at - props.start) / SECOND} s`}
          </Label>
        </>
      ))}
      {diary.generations.slice(-LANES).map(({ generation, issuedAt, usedAt, accessEndsAt }, lane) => {
        const y = TOP + lane * LANE;
        const next = diary.generations.find((each) => each.generation === generation + 1);
        const usedNext = next?.usedAt ?? Infinity;
        const bar = (className: string, top: number, height: number, start: number, stop: number) => (
          <Bar
            className={className}
            y={y + top}
            height={height}
            from={x(start)}
            to={x(Math.min(stop, until))}
          />
        );
        return (
          <>
            <Label x={0} y={y + 18}>
              {t.generation.replace("{}", String(generation))}
            </Label>
            {bar("bar-access", 2, 5, issuedAt, accessEndsAt)}
            {bar("bar-refresh", 9, 11, issuedAt, usedNext)}
            {usedNext < now && bar("bar-overlap", 9, 11, usedNext, usedNext + overlapMs)}
            {usedAt !== null && usedAt > from && <circle class="use" cx={x(usedAt)} cy={y + 14.5} r="4" />}
          </>
        );
      })}
      {fates && <Ghosts page={page} fates={fates} y={FLOOR + AXIS} x={x} start={begun} now={now} />}
      <g>
        {endedAt === null && motion === "live" && (
          <animateTransform
            attributeName="transform"
            type="translate"
            to={`${round(width - x(now))} 0`}
            dur={`${Math.round((width - x(now)) / scale)}ms`}
            fill="freeze"
          />
        )}
        <line class={endedAt === null ? "now" : "end"} x1={x(mark)} x2={x(mark)} y1="8" y2={FLOOR} />
        <Label x={Math.min(x(mark), width - 44)} y={FLOOR + 18} className="middle strong">
          {endedAt === null ? t.now : t.ended}
        </Label>
      </g>
      <Acts name={t.you} y={17} width={width} marks={marksOf(isOwners)} />
      <Acts name={t.thief} y={41} width={width} marks={marksOf(isThiefs)} />
      {motion === "curtain" && (
        <rect class="curtain" x={GUTTER} y="0" width={width - GUTTER} height={HEIGHT} />
      )}
    </svg>
  );

  /** What lies too close together to be told apart shares a mark. */
  function marksOf(isHere: (entry: Entry) => boolean): Mark[] {
    const marks: Mark[] = [];
    for (const entry of diary.entries.filter((each) => isHere(each) && each.at >= from)) {
      const mark = { x: x(entry.at), entries: [entry] };
      const last = marks.at(-1);
      if (last && last.x + widthOf(last) / 2 >= mark.x - widthOf(mark) / 2) last.entries.push(entry);
      else marks.push(mark);
    }
    return marks;
  }
};

/** What the colours mean, beside the picture. */
export const ColourKey = ({ page }: { page: PageContext }) => {
  const { key } = page.t.lab;
  return (
    <ul class="key" aria-hidden="true">
      {(["access", "refresh", "overlap", "use", "ghost", "thief"] as const).map((name) => (
        <li>
          <svg viewBox="0 0 20 10" width="20" height="10">
            {name === "use" ? (
              <circle class="use" cx="10" cy="5" r="4" />
            ) : (
              <rect class={`bar-${name}`} x="1" y="1" width="18" height="8" rx="3" />
            )}
          </svg>
          {key[name]}
        </li>
      ))}
    </ul>
  );
};

const Bar = (bar: { className: string; y: number; height: number; from: number; to: number }) =>
  bar.to > bar.from ? (
    <rect
      class={bar.className}
      x={bar.from}
      y={bar.y}
      width={Math.max(2, round(bar.to - bar.from))}
      height={bar.height}
      rx="3"
    />
  ) : (
    <></>
  );

/** What somebody has done, by the numbers that the log has for it. */
const Acts = ({ name, y, width, marks }: { name: string; y: number; width: number; marks: Mark[] }) => (
  <>
    <Label x={0} y={y + 4}>
      {name}
    </Label>
    {marks.map((mark) => {
      const size = widthOf(mark);
      const left = round(Math.min(mark.x - size / 2, width - size));
      return (
        <g class={mark.entries.some(isEnd) ? "mark-at mark-end" : "mark-at"}>
          <rect x={left} y={y - 10} width={size} height="20" rx="10" />
          <Label x={left + size / 2} y={y + 4} className="middle">
            {numbersOf(mark)}
          </Label>
        </g>
      );
    })}
  </>
);

/** `at`: a moment, which the page's script says in the reader's own zone. */
export const Label = (label: {
  x: number;
  y: number;
  className?: string;
  at?: number | undefined;
  children?: Child;
}) => (
  <text x={label.x} y={label.y} class={`label ${label.className ?? ""}`} data-at={label.at}>
    {label.children}
  </text>
);

/** Moments to write below, so far apart that their labels do not touch each other or that of the present, or of the end. */
function ticks(from: number, mark: number, scale: number): number[] {
  const step = STEPS_MS.find((each) => each * scale > 84) ?? STEPS_MS.at(-1)!;
  const last = mark - 70 / scale;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(0, Math.ceil((last - first) / step)) }, (_, n) => first + n * step);
}

/** `1, 3–5` */
function numbersOf({ entries }: Mark): string {
  const runs: number[][] = [];
  for (const { n } of entries) {
    const run = runs.at(-1);
    if (run?.at(-1) === n - 1) run[1] = n;
    else runs.push([n]);
  }
  return runs.map((run) => run.join("–")).join(", ");
}

const widthOf = (mark: Mark) => Math.max(20, 10 + numbersOf(mark).length * 7);

const round = (pixels: number) => Math.round(pixels * 10) / 10;
