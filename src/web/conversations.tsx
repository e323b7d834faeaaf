import { Elysia, t } from "elysia";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import { ConversationItems } from "./conversation-items.view.tsx";
import { ConversationsPage, NewConversation } from "./conversations.view.tsx";
import { failedForm } from "./form.ts";
import { DeletedPage } from "./deleted.view.tsx";
import { emptyForm } from "./form.view.tsx";
import { isHtmx, pages, type Web } from "./page.ts";
import { unsure } from "./sure.tsx";
import { showMembers, showThread } from "./thread.tsx";

type Deps = Pick<
  Web,
  | "conversations"
  | "members"
  | "invites"
  | "openThread"
  | "live"
  | "sessions"
  | "cookies"
  | "showingOf"
  | "pageContext"
>;

/** The list, and what is done with a conversation as a whole. */
export function conversationPages(deps: Deps) {
  const { conversations, members, live, sessions, cookies, showingOf, pageContext } = deps;

  return new Elysia({ name: "web/conversations", prefix: "/conversations" })
    .use(pages)
    .use(formBodies)
    .use(cookieViewer({ sessions, cookies, showingOf }))
    .get(
      "",
      async ({ request, viewer, query }) => {
        const page = pageContext(request, viewer);
        const place = await live.place();
        const list = await conversations.list(viewer, query);
        if (isHtmx(request)) return <ConversationItems page={page} list={list} />;
        const removed = query.removed
          ? await conversations.getRemoved(viewer, query.removed).catch(() => undefined)
          : undefined;
        return (
          <ConversationsPage
            page={page}
            list={list}
            form={emptyForm}
            place={place}
            removed={removed}
            isGone={query.gone !== undefined}
          />
        );
      },
      {
        query: t.Object({
          cursor: t.Optional(t.String()),
          removed: t.Optional(t.String()),
          gone: t.Optional(t.String()),
        }),
      },
    )
    .post(
      "",
      async ({ request, viewer, body, set, redirect }) => {
        try {
          const { id } = await conversations.create(viewer, body);
          if (!isHtmx(request)) return redirect(`/conversations/${id}`, 303);
          set.headers["hx-redirect"] = `/conversations/${id}`;
          set.status = 204;
          return;
        } catch (error) {
          const page = pageContext(request, viewer);
          const form = failedForm(error, page.language, body, set);
          if (isHtmx(request)) return <NewConversation page={page} form={form} />;
          const place = await live.place();
          const list = await conversations.list(viewer);
          return <ConversationsPage page={page} list={list} form={form} place={place} />;
        }
      },
      { body: t.Object({ title: t.String() }) },
    )
    .get(
      "/deleted",
      async ({ request, viewer, query }) => {
        const page = pageContext(request, viewer);
        const removed = await conversations.listRemoved(viewer, query.cursor);
        return <DeletedPage page={page} removed={removed} />;
      },
      { query: t.Object({ cursor: t.Optional(t.String()) }) },
    )
    .post(
      "/:id/title",
      async ({ request, viewer, params, body, set, redirect }) => {
        try {
          await conversations.rename(viewer, params.id, body);
          return redirect(`/conversations/${params.id}`, 303);
        } catch (error) {
          const title = failedForm(error, pageContext(request, viewer).language, body, set);
          return showThread(deps, request, viewer, params.id, { title });
        }
      },
      { body: t.Object({ title: t.String() }) },
    )
    .post("/:id/remove", async ({ viewer, params, redirect }) => {
      await conversations.remove(viewer, params.id);
      return redirect(`/conversations?removed=${params.id}`, 303);
    })
    .post("/:id/restore", async ({ viewer, params, redirect }) => {
      await conversations.restore(viewer, params.id);
      return redirect(`/conversations/${params.id}`, 303);
    })
    .get("/:id/members", async ({ request, viewer, params, redirect }) =>
      isHtmx(request)
        ? showMembers(deps, request, viewer, params.id)
        : redirect(`/conversations/${params.id}`, 303),
    )
    .post(
      "/:id/members",
      async ({ request, viewer, params, body, set, redirect }) => {
        try {
          const invited = await members.add(viewer, params.id, body);
          if (!isHtmx(request)) return redirect(`/conversations/${params.id}`, 303);
          return showMembers(deps, request, viewer, params.id, { invited });
        } catch (error) {
          const invitation = failedForm(error, pageContext(request, viewer).language, body, set);
          if (!isHtmx(request))
            return showThread(deps, request, viewer, params.id, { invited: { invitation } });
          return showMembers(deps, request, viewer, params.id, { invitation });
        }
      },
      { body: t.Object({ username: t.String() }) },
    )
    .post("/:id/members/:userId/remove", async ({ request, viewer, params, body, redirect }) => {
      const page = pageContext(request, viewer);
      const { confirmLeave, leave, confirmRemove, remove } = page.t.conversation;
      const all = await members.list(viewer, params.id);
      const name = all.find(({ user_id }) => user_id === params.userId)?.username ?? "";
      const isSelf = params.userId === viewer.userId;
      const question = isSelf ? confirmLeave : confirmRemove(name);
      const asked = unsure(request, body, page, question, isSelf ? leave : remove(name));
      if (asked) return asked;
      await members.remove(viewer, params.id, params.userId);
      return redirect(
        params.userId === viewer.userId ? "/conversations" : `/conversations/${params.id}`,
        303,
      );
    });
}
