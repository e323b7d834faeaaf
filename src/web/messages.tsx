import { Elysia, t } from "elysia";
import type { Viewer } from "../core/viewer.ts";
import { DuetError } from "../errors.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import { failedForm } from "./form.ts";
import { emptyForm, type FormState } from "./form.view.tsx";
import type { PageContext } from "./layout.view.tsx";
import { EditMessage, EditMessagePage, MessageItem } from "./messages.view.tsx";
import { isHtmx, pages, type Web } from "./page.ts";
import { FoundItems } from "./search.view.tsx";
import { unsure } from "./sure.tsx";
import { showThread } from "./thread.tsx";
import { NoteItem, ThreadItems } from "./thread-items.view.tsx";
import { ThreadPage } from "./thread.view.tsx";

type Deps = Pick<
  Web,
  | "conversations"
  | "messages"
  | "notes"
  | "search"
  | "openThread"
  | "sessions"
  | "cookies"
  | "showingOf"
  | "pageContext"
>;

/** The text stays with its author, who may use it elsewhere. */
function formOfRemoved({ t }: PageContext, body: string, set: { status?: number | string }): FormState {
  set.status = 404;
  return { values: { body }, errors: {}, general: t.conversation.removedMeanwhile };
}

/** The thread. A form posts to the address of the page it is on, so that one can come back to it. */
export function messagePages(deps: Deps) {
  const { conversations, messages, notes, search, openThread, sessions, cookies, showingOf, pageContext } =
    deps;

  /** What was looked for when this was opened is still there, unless that is too much to ask now. */
  async function foundFor(page: PageContext, viewer: Viewer, q: string | undefined, openId: string) {
    if (!q) return {};
    const found = await search.find(viewer, q).catch((error: unknown) => {
      if (error instanceof DuetError && error.code === "rate_limited") return null;
      throw error;
    });
    return { query: q, found: found && <FoundItems page={page} found={found} query={q} openId={openId} /> };
  }

  return (
    new Elysia({ name: "web/messages", prefix: "/conversations/:id" })
      .use(pages)
      .use(formBodies)
      .use(cookieViewer({ sessions, cookies, showingOf }))
      .get(
        "",
        async ({ request, viewer, params, query }) => {
          if (!isHtmx(request)) {
            const isLatest = query.at === "latest";
            const thread = await openThread(viewer, params.id, isLatest ? { isLatest } : query);
            const page = pageContext(request, viewer);
            return (
              <ThreadPage
                page={page}
                thread={thread}
                {...await foundFor(page, viewer, query.q, query.at ?? params.id)}
              />
            );
          }
          const page = pageContext(request, viewer);
          const conversation = await conversations.get(viewer, params.id);
          const older = await messages.listIn(conversation, query);
          const between = await notes.listAmong(conversation, older, query.before);
          return <ThreadItems page={page} conversation={conversation} messages={older} notes={between} />;
        },
        {
          query: t.Object({
            before: t.Optional(t.String()),
            at: t.Optional(t.String()),
            q: t.Optional(t.String()),
          }),
        },
      )
      .post(
        "",
        async ({ request, viewer, params, body, set, redirect }) => {
          // Forms send line breaks as CRLF whatever was typed; kept is what was typed.
          const typed = body.body.replaceAll("\r\n", "\n");
          try {
            const message = await messages.post(viewer, params.id, {
              body: typed,
              idempotencyKey: body.idempotency_key,
            });
            if (!isHtmx(request)) return redirect(`/conversations/${params.id}`, 303);
            return <MessageItem page={pageContext(request, viewer)} message={message} />;
          } catch (error) {
            const { language } = pageContext(request, viewer);
            const composer = failedForm(error, language, { body: typed }, set);
            if (!isHtmx(request)) return showThread(deps, request, viewer, params.id, { composer });
            return <>{composer.errors["body"] ?? composer.general}</>;
          }
        },
        { body: t.Object({ body: t.String(), idempotency_key: t.Optional(t.String()) }) },
      )
      /** What has happened since one that the page shows. */
      .get(
        "/notes",
        async ({ request, viewer, params, query, redirect }) => {
          if (!isHtmx(request)) return redirect(`/conversations/${params.id}`, 303);
          const page = pageContext(request, viewer);
          const conversation = await conversations.get(viewer, params.id);
          const since = await notes.listAfter(conversation, query.after);
          return (
            <ol>
              {since.map((note) => (
                <NoteItem page={page} note={note} />
              ))}
            </ol>
          );
        },
        { query: t.Object({ after: t.String() }) },
      )
      .post("/read", async ({ request, viewer, params, set, redirect }) => {
        await messages.markRead(viewer, params.id);
        if (!isHtmx(request)) return redirect(`/conversations/${params.id}`, 303);
        set.status = 204;
        return;
      })
      .get("/messages/:messageId", async ({ request, viewer, params, redirect }) => {
        if (!isHtmx(request)) return redirect(`/conversations/${params.id}`, 303);
        const message = await messages.get(viewer, params.id, params.messageId);
        return <MessageItem page={pageContext(request, viewer)} message={message} />;
      })
      .get("/messages/:messageId/edit", async ({ request, viewer, params }) => {
        const message = await messages.getOwn(viewer, params.id, params.messageId);
        const view = { page: pageContext(request, viewer), message, form: emptyForm };
        return isHtmx(request) ? <EditMessage {...view} /> : <EditMessagePage {...view} />;
      })
      .post(
        "/messages/:messageId",
        async ({ request, viewer, params, body, set, redirect }) => {
          const typed = body.body.replaceAll("\r\n", "\n");
          const page = pageContext(request, viewer);
          try {
            const message = await messages.edit(viewer, params.id, params.messageId, { body: typed });
            if (!isHtmx(request)) return redirect(`/conversations/${params.id}`, 303);
            return <MessageItem page={page} message={message} />;
          } catch (error) {
            const message = await messages.get(viewer, params.id, params.messageId);
            const form =
              message.removed_at === null
                ? failedForm(error, page.language, { body: typed }, set)
                : formOfRemoved(page, typed, set);
            const view = { page, message, form };
            return isHtmx(request) ? <EditMessage {...view} /> : <EditMessagePage {...view} />;
          }
        },
        { body: t.Object({ body: t.String() }) },
      )
      .post("/messages/:messageId/remove", async ({ request, viewer, params, body, redirect }) => {
        const page = pageContext(request, viewer);
        const { confirmTakeBack, takeBack } = page.t.conversation;
        const asked = unsure(request, body, page, confirmTakeBack, takeBack);
        if (asked) return asked;
        const message = await messages.takeBack(viewer, params.id, params.messageId);
        if (!isHtmx(request)) return redirect(`/conversations/${params.id}`, 303);
        return <MessageItem page={pageContext(request, viewer)} message={message} />;
      })
  );
}
