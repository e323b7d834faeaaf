import { Elysia, t } from "elysia";
import { DuetError } from "../errors.ts";
import { pages, type Web } from "./page.ts";
import { Picture, RunPage } from "./run.view.tsx";
import { fileOf } from "./picture.ts";
import { tellRun } from "./story.ts";

type Deps = Pick<Web, "lab" | "viewerIfAny" | "pageContext">;

/** Runs of the lab that somebody has sent: played back by the model, for anybody; and as a picture, for previews of the link. */
export function labRunPages({ lab, viewerIfAny, pageContext }: Deps) {
  function told(text: string, until?: number) {
    const story = tellRun(text, lab, until);
    if (!story) throw new DuetError("not_found");
    return story;
  }

  return new Elysia({ name: "web/lab-run" })
    .use(pages)
    .get(
      "/lab/run/:run",
      async ({ request, server, params, query }) => {
        const at = /^\d{1,3}$/.test(query.at ?? "") ? Math.max(1, Number(query.at)) : undefined;
        const story = told(params.run, at);
        const page = pageContext(request, await viewerIfAny({ request, server }));
        return <RunPage page={page} name={params.run} at={at} story={story} />;
      },
      { query: t.Object({ at: t.Optional(t.String()) }) },
    )
    .get("/lab/run/:run/picture.svg", ({ request, params }) => {
      const page = pageContext(request, null);
      const picture = <Picture page={page} story={told(params.run)} motion="none" width={880} />;
      return new Response(fileOf(picture.html), {
        headers: { "content-type": "image/svg+xml; charset=utf-8" },
      });
    });
}
