import type { Inspected } from "../core/lab.ts";
import type { Locale } from "../locales/index.ts";
import { Layout, Time, type PageContext } from "./layout.view.tsx";
import { SignInDialog } from "./sessions.view.tsx";

export type Act = keyof Locale["lab"]["acts"];
export type RuleRow = keyof Locale["lab"]["rows"];
export type Outcome = { act: keyof Locale["lab"]["happened"]; rows: RuleRow[] };

type LabProps = { page: PageContext; state: Inspected; outcome: Outcome | undefined };

/** One's own session under glass. Without a script it is a page that says after each act what happened. */
export const LabPage = ({ page, state, outcome }: LabProps) => {
  const { lab: t } = page.t;
  return (
    <Layout page={page} title={t.title} className="narrow wide" dialog={<SignInDialog page={page} />}>
      <h1>{t.title}</h1>
      <p class="muted">{t.lead}</p>
      <section class="panel" aria-labelledby="lab-timeline">
        <h2 id="lab-timeline">{t.timeline}</h2>
        <div class="drawing" tabindex="0" role="group" aria-labelledby="lab-timeline">
          <svg
            id="timeline"
            class="timeline"
            viewBox="0 0 800 220"
            role="img"
            aria-labelledby="lab-timeline"
            aria-describedby="timeline-hint"
          />
        </div>
        <p id="timeline-hint" class="muted small">
          {t.timelineHint}
        </p>
      </section>
      <section class="panel" aria-labelledby="lab-actions">
        <h2 id="lab-actions">{t.actions}</h2>
        <ul class="acts">
          {(Object.keys(t.acts) as Act[]).map((act) => (
            <li>
              <form method="post" action={`/auth/lab/${act}`} data-act={act}>
                <button
                  class={act === "replay" ? "secondary danger" : "secondary"}
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
        <h3>{t.log}</h3>
        <div class="lab-log" role="log" tabindex="0" aria-label={t.log}>
          <ol id="lab-log">
            {outcome ? <Happened page={page} outcome={outcome} /> : <li class="muted">{t.waiting}</li>}
          </ol>
        </div>
      </section>
      <div class="pair" id="lab-tokens">
        <LabTokens page={page} state={state} />
      </div>
      <Rule page={page} decided={outcome?.rows ?? []} />
    </Layout>
  );
};

/** What was done, and the row of the rule that decided it. */
export const Happened = ({ page, outcome }: { page: PageContext; outcome: Outcome }) => {
  const { lab: t } = page.t;
  const counts = new Map<RuleRow, number>();
  for (const row of outcome.rows) counts.set(row, (counts.get(row) ?? 0) + 1);
  return (
    <li>
      {t.happened[outcome.act]}
      {[...counts].map(([row, count]) => (
        <span class="verdict" data-row={row}>
          {" "}
          {t.decidedBy} <code>{row}</code>
          {count > 1 && ` × ${count}`}: {t.rows[row][1]}
        </span>
      ))}
      {(counts.has("reuse") || counts.has("ended")) && (
        <p>
          <a class="button" href="/lab">
            {t.goOn}
          </a>
        </p>
      )}
    </li>
  );
};

/** Both tokens, read out; the facts that the timeline is drawn from come along as data. */
export const LabTokens = ({ page, state }: { page: PageContext; state: Inspected }) => {
  const { lab: t } = page.t;
  const { access, refresh, session } = state;
  return (
    <>
      <data
        id="lab-state"
        value={JSON.stringify({
          ...session,
          now: state.now,
          overlapMs: state.overlapMs,
          access: access.claims,
        })}
        hidden
      />
      <Token
        title={t.access}
        note={t.accessNote}
        token={access}
        expiresAt={Number(access.claims.exp) * 1000}
        page={page}
      />
      <Token
        title={t.refresh}
        note={t.refreshNote}
        token={refresh}
        expiresAt={refresh.claims.exp * 1000}
        page={page}
      />
    </>
  );
};

const Token = ({
  page,
  title,
  note,
  token,
  expiresAt,
}: {
  page: PageContext;
  title: string;
  note: string;
  token: { header: object; claims: object };
  expiresAt: number;
}) => {
  const { lab: t } = page.t;
  return (
    <section class="panel token" aria-label={title}>
      <h2>{title}</h2>
      <p class="countdown" data-expires={String(expiresAt)} data-left={t.left} data-over={t.over}>
        <Time at={expiresAt} />
      </p>
      <p class="muted small">{note}</p>
      <h3>{t.header}</h3>
      <pre tabindex="0">{JSON.stringify(token.header, null, 2)}</pre>
      <h3>{t.claims}</h3>
      <pre tabindex="0">{JSON.stringify(token.claims, null, 2)}</pre>
    </section>
  );
};

const Rule = ({ page, decided }: { page: PageContext; decided: RuleRow[] }) => {
  const { lab: t } = page.t;
  return (
    <section class="panel" aria-labelledby="lab-rule">
      <h2 id="lab-rule">{t.rule}</h2>
      <p>
        <strong>{t.ruleLead}</strong>
      </p>
      <p class="muted">{t.shown}</p>
      <dl class="rule" id="lab-rows">
        {(Object.keys(t.rows) as RuleRow[]).map((row) => (
          <div data-row={row} class={decided.includes(row) ? "decided" : undefined}>
            <dt>
              <code>{row}</code> {t.rows[row][0]}
            </dt>
            <dd>{t.rows[row][1]}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
};
