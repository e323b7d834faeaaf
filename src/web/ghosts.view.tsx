import type { Fate } from "../core/auth/run.ts";
import type { PageContext } from "./layout.view.tsx";

/** Two lanes, under a line that says what they are. */
export const GHOSTS_HEIGHT: number = 74;
const LANE = 28;

const round = (pixels: number) => Math.round(pixels * 10) / 10;

type GhostsProps = {
  page: PageContext;
  fates: { strict: Fate; none: Fate };
  y: number;
  /** From a moment to its place. */
  x: (at: number) => number;
  /** When the session is first known of. */
  start: number;
  now: number;
};

/**
 * What would have become of the same session elsewhere: as long as its owner is signed in, and as long as a thief is. Computed by
 * the model of the rule, and said to be.
 */
export const Ghosts = ({ page, fates, y, x, start, now }: GhostsProps) => {
  const { lab: t } = page.t;
  return (
    <g>
      <text class="label faint" x="0" y={y + 12}>
        {t.ghosts}
      </text>
      {(["strict", "none"] as const).map((name, lane) => {
        const { end, thiefSince, isByAccident } = fates[name];
        const top = y + 18 + lane * LANE;
        const stop = end?.at ?? now;
        const bar = (className: string, start: number) => {
          const length = round(Math.max(2, x(stop) - x(start)));
          return <rect class={className} x={x(start)} y={top + 17} width={length} height="5" rx="2" />;
        };
        const isWrong = end ? isByAccident : thiefSince !== null;
        const { accident, caught, undisturbed, fine } = t.fates;
        const says = end ? (isByAccident ? accident : caught)(end.n) : isWrong ? undisturbed : fine;
        return (
          <>
            <text class={isWrong ? "label wrong" : "label"} x="0" y={top + 11}>
              {t.ghostNames[name] + page.t.colon + says}
            </text>
            {bar("bar-ghost", start)}
            {thiefSince !== null && bar("bar-thief", Math.max(thiefSince, start))}
            {end && <path class="end" d={`M${round(x(stop) - 4)} ${top + 15.5}l8 8m0 -8l-8 8`} />}
          </>
        );
      })}
    </g>
  );
};
