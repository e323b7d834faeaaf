import type { Child } from "#html";
import type { LabState } from "../client/wire.ts";
import type { LabAct } from "../core/auth/diary.ts";
import { Curl, Share } from "./exchange.view.tsx";
import { Layout } from "./layout.view.tsx";
import type { Shown } from "./shown.ts";
import { AFTER_MS, ColourKey, Timeline } from "./timeline.view.tsx";
import { BothTokens, Holds, type Tokens } from "./tokens.view.tsx";
import { progressIn, Told, Tour, Turns } from "./tour.view.tsx";
import { decidedBy, Latest, Log, Rule, RuleRows, Why } from "./verdict.view.tsx";

/** In the order of a story: what happens to everybody, then what a thief does. */
const ACTS: LabAct[] = ["refresh", "lose", "tabs", "expire", "agents", "late", "steal", "replay", "copied"];
const DANGEROUS: LabAct[] = ["steal", "replay", "copied"];

const overlapOf = ({ settings }: Pick<Shown, "settings">) => settings.refreshOverlapSeconds * 1000;
const progressOf = (props: Shown) => progressIn(props.step, props.diary, overlapOf(props));

/** A session under glass: the stage, and folded away below it what explains it. Without a script each act is a page. */
export const LabPage = (props: Shown & { tokens: Tokens | null; isBound: boolean }) => {
  const { page, place, settings, step } = props;
  const { lab: t } = page.t;
  const isGuest = place.kind === "guest";
  return (
    <Layout page={page} title={t.title} style="lab" className="lab" description={t.description}>
      <div class="bench">
        <div class="stage">
          <div class="stage-head">
            <h1>{t.title}</h1>
            <Tour page={page} path={place.path} step={step} />
          </div>
          <div class="told">
            <div id="lab-told" tabindex="-1">
              <Told page={page} step={step} progress={progressOf(props)} />
            </div>
            <Turns page={page} path={place.path} step={step} isGuest={isGuest} />
          </div>
          <h2 class="visually-hidden" id="lab-timeline">
            {t.timeline}
          </h2>
          <div id="lab-picture" data-look={`${place.path}?step=${step}`} data-offline={t.nothingSent}>
            <Picture {...props} />
          </div>
          <ColourKey page={page} />
          <div class="verdict-box" id="lab-latest" role="status" tabindex="0" aria-label={t.verdict}>
            <Latest {...props} />
          </div>
          <RuleRows page={page} decided={decidedBy(props.diary)} />
          <h2 class="visually-hidden" id="lab-actions">
            {t.actions}
          </h2>
          <ul class="acts" aria-labelledby="lab-actions">
            {ACTS.map((act) => (
              <li>
                <form method="post" action={`${place.acts}/${act}?step=${step}`} data-act={act}>
                  <button
                    class={DANGEROUS.includes(act) ? "secondary danger" : "secondary"}
                    type="submit"
                    aria-describedby={`about-${act}`}
                    data-next={progressOf(props).next === act && ""}
                  >
                    {t.acts[act][0]}
                  </button>
                </form>
              </li>
            ))}
          </ul>
          <div id="lab-exchange">
            <Exchange {...props} />
          </div>
        </div>
        <aside class="rail" aria-label={t.tokens} tabindex="0">
          <p class="small" id="lab-holds">
            {props.tokens && <Holds page={page} tokens={props.tokens} diary={props.diary} />}
          </p>
          <div id="lab-tokens">{props.tokens && <BothTokens page={page} tokens={props.tokens} />}</div>
        </aside>
      </div>
      <div class="below">
        <p class="muted">
          {isGuest ? t.guestLead : t.lead}
          {isGuest && (
            <>
              {page.t.gap}
              <a href="/register">{page.t.register.title}</a>
            </>
          )}
        </p>
        {props.isBound && <p class="banner info">{t.boundNote}</p>}
        <Folded title={t.why}>
          <Why page={page} settings={settings} />
        </Folded>
        <Folded title={t.rule} id="lab-rule">
          <Rule page={page} decided={decidedBy(props.diary)} />
        </Folded>
        <Folded title={t.aboutActs}>
          <dl class="rule">
            {ACTS.map((act) => (
              <div>
                <dt>{t.acts[act][0]}</dt>
                <dd id={`about-${act}`}>{t.acts[act][1]}</dd>
              </div>
            ))}
          </dl>
          <p class="muted small" id="timeline-hint">
            {t.timelineHint}
          </p>
        </Folded>
        <Folded title={t.log} isOpen>
          <ol id="lab-log" class="log">
            <Log {...props} />
          </ol>
        </Folded>
      </div>
      <data id="lab-state" value={stateOf(props)} hidden />
    </Layout>
  );
};

const Folded = ({
  title,
  id,
  isOpen,
  children,
}: {
  title: string;
  id?: string;
  isOpen?: boolean;
  children?: Child;
}) => (
  <details class="panel" id={id} open={isOpen}>
    <summary>
      <h2>{title}</h2>
    </summary>
    {children}
  </details>
);

/** What changes, each part under the id that it has on the page. */
export const LabParts = (props: Shown & { tokens?: Tokens | null }) => (
  <div>
    <div id="lab-told">
      <Told page={props.page} step={props.step} progress={progressOf(props)} />
    </div>
    <div id="lab-picture">
      <Picture {...props} />
    </div>
    <div id="lab-latest">
      <Latest {...props} />
    </div>
    <div id="lab-exchange">
      <Exchange {...props} />
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

const Picture = (props: Shown) => {
  const { page, diary, now, end, width = 800, fates } = props;
  const moment = end ? { now: end.at + AFTER_MS, endedAt: end.at } : { now, endedAt: null };
  return (
    <Timeline
      page={page}
      diary={diary}
      {...moment}
      overlapMs={overlapOf(props)}
      fates={fates}
      width={width}
    />
  );
};

const Exchange = ({ page, place, diary, run }: Shown) => (
  <>
    <Curl page={page} place={place} diary={diary} />
    <Share page={page} run={run} />
  </>
);

/** What the page's script needs to know. */
function stateOf(props: Shown): string {
  const { diary, now, end } = props;
  const { next } = progressOf(props);
  const state: LabState = {
    ...diary,
    decided: decidedBy(diary),
    next,
    now,
    ...(end && { endedAt: end.at }),
  };
  return JSON.stringify(state);
}
