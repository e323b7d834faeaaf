import type { Viewer } from "../core/viewer.ts";
import type { Web } from "./page.ts";
import { ThreadPage, type ThreadForms } from "./thread.view.tsx";

/** The page of one conversation with a form on it shown again. */
export async function showThread(
  { openThread, pageContext }: Pick<Web, "openThread" | "pageContext">,
  request: Request,
  viewer: Viewer,
  id: string,
  forms: ThreadForms,
) {
  const thread = await openThread(viewer, id);
  return <ThreadPage page={pageContext(request, viewer)} thread={thread} forms={forms} />;
}
