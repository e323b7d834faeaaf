import { Elysia, t } from "elysia";
import type { Viewer } from "../core/viewer.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import { JoinPage, KnownNames } from "./invites.view.tsx";
import type { Invited } from "./members.view.tsx";
import { isHtmx, pages, type Web } from "./page.ts";
import { showMembers, showThread } from "./thread.tsx";

type Deps = Pick<
  Web,
  | "conversations"
  | "members"
  | "invites"
  | "openThread"
  | "sessions"
  | "cookies"
  | "showingOf"
  | "pageContext"
>;

/** Inviting by a link, joining by one, and names that complete themselves. */
export function invitePages(deps: Deps) {
  const { members, invites, sessions, cookies, showingOf, pageContext } = deps;

  /** The members as they are now, with what came of it. */
  const show = (request: Request, viewer: Viewer, id: string, invited: Invited) =>
    isHtmx(request)
      ? showMembers(deps, request, viewer, id, invited)
      : showThread(deps, request, viewer, id, { invited });

  return new Elysia({ name: "web/invites" })
    .use(pages)
    .use(formBodies)
    .use(cookieViewer({ sessions, cookies, showingOf }))
    .get("/conversations/:id/people", async ({ request, viewer, params, redirect }) =>
      isHtmx(request) ? (
        <KnownNames names={await members.listKnown(viewer, params.id)} />
      ) : (
        redirect(`/conversations/${params.id}`, 303)
      ),
    )
    .post(
      "/conversations/:id/invites",
      async ({ request, viewer, params, body }) => {
        const token = await invites.create(viewer, params.id, {
          days: Number(body.days),
          uses: Number(body.uses),
        });
        const page = pageContext(request, viewer);
        const link = `${page.origin}/join?${new URLSearchParams({ token })}`;
        return show(request, viewer, params.id, { link });
      },
      { body: t.Object({ days: t.String(), uses: t.String() }) },
    )
    .post(
      "/conversations/:id/invites/end",
      async ({ request, viewer, params, body, redirect }) => {
        await invites.end(viewer, params.id, body.invite);
        if (!isHtmx(request)) return redirect(`/conversations/${params.id}`, 303);
        return showMembers(deps, request, viewer, params.id, { isOpen: true });
      },
      { body: t.Object({ invite: t.String() }) },
    )
    .get(
      "/join",
      async ({ request, viewer, query: { token } }) => {
        const { title, maker } = await invites.find(viewer, token);
        return <JoinPage page={pageContext(request, viewer)} token={token} title={title} maker={maker} />;
      },
      { query: t.Object({ token: t.String() }) },
    )
    .post(
      "/join",
      async ({ viewer, body, redirect }) =>
        redirect(`/conversations/${await invites.join(viewer, body.token)}`, 303),
      { body: t.Object({ token: t.String() }) },
    );
}
