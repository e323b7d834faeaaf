import type { Child } from "#html";
import { Layout, type PageContext } from "./layout.view.tsx";
import { AFTER_MS, ColourKey, Timeline } from "./timeline.view.tsx";
import type { Story } from "./story.ts";
import { decidedBy, Log, Rule, RuleRows } from "./verdict.view.tsx";

type PictureProps = { page: PageContext; story: Story; motion: "curtain" | "none"; width: 880 | 330 };

/** The picture for wide places and, in its place, that for narrow ones. */
export const Pictures = (props: Omit<PictureProps, "width">) => (
  <div class="picture">
    <Picture {...props} width={880} />
    <Picture {...props} width={330} />
  </div>
);

/** All of a run, from its start; with a curtain that draws back, where motion is wanted. */
export const Picture = ({ page, story, motion, width }: PictureProps) => {
  const { diary, end, overlapMs, fates } = story;
  const now = diary.entries.at(-1)!.at + AFTER_MS;
  const start = diary.generations[0]!.issuedAt;
  const shown = { page, diary, now, endedAt: end?.at ?? null, overlapMs, fates, start, motion, width };
  return <Timeline {...shown} className={width === 880 ? "roomy" : "slim"} />;
};

/** A run that somebody has sent: played back, forwards and backwards. */
export const RunPage = ({
  page,
  name,
  at,
  story,
}: {
  page: PageContext;
  name: string;
  at: number | undefined;
  story: Story;
}) => {
  const { all, diary, settings } = story;
  const { lab: t } = page.t;
  const path = `/lab/run/${name}`;
  const here = Math.min(at ?? all, all);
  return (
    <Layout
      page={page}
      title={t.runTitle}
      style="lab"
      className="lab run"
      description={t.runDescription(all)}
      picture={`${page.origin}${path}/picture.svg`}
    >
      <div class="stage">
        <div class="stage-head">
          <h1>{t.runTitle}</h1>
        </div>
        <p class="muted">{t.runLead}</p>
        <h2 class="visually-hidden" id="lab-timeline">
          {t.timeline}
        </h2>
        <Pictures page={page} story={story} motion={at === undefined ? "curtain" : "none"} />
        <ColourKey page={page} />
        <div class="turns">
          <Turn to={here > 1 && `${path}?at=${here - 1}`}>{page.t.tour.back}</Turn>
          <Turn to={here < all && `${path}?at=${here + 1}`}>{page.t.tour.next}</Turn>
          <a class="quiet" href={at === undefined ? `${path}?at=1` : path}>
            {at === undefined ? t.runFromStart : t.runAgain}
          </a>
          <span class="muted">{t.runPlace(here, all)}</span>
        </div>
        <RuleRows page={page} decided={decidedBy(diary)} />
        <section class="panel">
          <h2>{t.log}</h2>
          <ol class="log">
            <Log page={page} diary={diary} settings={settings} hasTimes={false} />
          </ol>
        </section>
        <details class="panel">
          <summary>
            <h2>{t.rule}</h2>
          </summary>
          <Rule page={page} decided={decidedBy(diary)} />
        </details>
        <p>
          <a class="button" href="/lab">
            {t.try}
          </a>
        </p>
      </div>
    </Layout>
  );
};

/** Where it cannot be gone further its place is kept: the other does not move under the finger. */
const Turn = ({ to, children }: { to: string | false; children?: Child }) =>
  to ? (
    <a class="button secondary" href={to}>
      {children}
    </a>
  ) : (
    <a class="button secondary off" aria-disabled="true" role="link">
      {children}
    </a>
  );
