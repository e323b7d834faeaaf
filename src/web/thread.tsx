import type { Viewer } from "../core/viewer.ts";
import { Members, type Invited } from "./members.view.tsx";
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

/** Its members alone, for the script, with what came of an invitation. */
export async function showMembers(
  {
    conversations,
    members,
    invites,
    pageContext,
  }: Pick<Web, "conversations" | "members" | "invites" | "pageContext">,
  request: Request,
  viewer: Viewer,
  id: string,
  invited: Invited = {},
) {
  const page = pageContext(request, viewer);
  const conversation = await conversations.get(viewer, id);
  const view = {
    page,
    conversation,
    members: await members.listIn(conversation),
    invites: await invites.listIn(viewer, conversation),
  };
  return <Members {...view} {...invited} />;
}
