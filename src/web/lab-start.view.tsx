import { Layout, type PageContext } from "./layout.view.tsx";
import { Tour } from "./tour.view.tsx";
import { StartAgain } from "./verdict.view.tsx";
import { Pictures } from "./run.view.tsx";
import type { Story } from "./story.ts";

/** The lab before a guest has a session: what it is, moving, and one button. */
export const LabStart = ({ page, step, story }: { page: PageContext; step: number; story: Story }) => {
  const { lab: t } = page.t;
  return (
    <Layout page={page} title={t.title} style="lab" className="lab start" description={t.description}>
      <div class="stage">
        <div class="stage-head">
          <h1>{t.title}</h1>
          <Tour page={page} path="/lab/guest" step={step} />
        </div>
        <p class="lead">{t.description}</p>
        <h2 class="visually-hidden" id="lab-timeline">
          {t.timeline}
        </h2>
        <Pictures page={page} story={story} motion="curtain" />
        <p class="muted">{t.guestLead}</p>
        <StartAgain page={page} step={step} text={t.start} />
      </div>
    </Layout>
  );
};
