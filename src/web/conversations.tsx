import { Elysia, t } from "elysia";
import type { Conversations } from "../core/conversations.ts";
import type { Messages } from "../core/messages.ts";
import type { Sessions, Viewer } from "../core/sessions.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import type { Cookies } from "../http/cookies.ts";
import { ConversationItems, ConversationsPage, Members, NewConversation } from "./conversations.view.tsx";
import { failedForm } from "./form.ts";
import { emptyForm, type FormState } from "./form.view.tsx";
import { MessageItem, MessageItems, Thread } from "./messages.view.tsx";
import { isHtmx, pages, type MakePage } from "./page.ts";

type Deps = {
  conversations: Conversations;
  messages: Messages;
  sessions: Sessions;
  cookies: Cookies;
  makePage: MakePage;
};

/** The list and the thread. A form posts to the address of the page it is on, so that one can come back to it. */
export function conversationPages({ conversations, messages, sessions, cookies, makePage }: Deps) {
  async function showThread(
    request: Request,
    viewer: Viewer,
    id: string,
    shown: { before?: string | undefined; composer?: FormState; invitation?: FormState } = {},
  ) {
    const page = makePage(request, viewer);
    const conversation = await conversations.get(viewer, id);
    const [list, members, thread] = await Promise.all([
      conversations.list(viewer),
      conversations.listMembers(viewer, id),
      messages.list(viewer, id, { before: shown.before }),
    ]);
    return (
      <ConversationsPage page={page} list={list} form={emptyForm} openId={id} title={conversation.title}>
        <Thread
          page={page}
          conversation={conversation}
          members={members}
          messages={thread}
          isOlderPage={shown.before !== undefined}
          composer={shown.composer ?? emptyForm}
          invitation={shown.invitation ?? emptyForm}
          idempotencyKey={crypto.randomUUID()}
        />
      </ConversationsPage>
    );
  }

  return new Elysia({ name: "web/conversations" })
    .use(pages)
    .use(formBodies)
    .use(cookieViewer(sessions, cookies))
    .get(
      "/conversations",
      async ({ request, viewer, query }) => {
        const page = makePage(request, viewer);
        const list = await conversations.list(viewer, query);
        if (isHtmx(request)) return <ConversationItems page={page} list={list} />;
        return <ConversationsPage page={page} list={list} form={emptyForm} />;
      },
      { query: t.Object({ cursor: t.Optional(t.String()) }) },
    )
    .post(
      "/conversations",
      async ({ request, viewer, body, set, redirect }) => {
        try {
          const { id } = await conversations.create(viewer, body);
          if (!isHtmx(request)) return redirect(`/conversations/${id}`, 303);
          set.headers["hx-redirect"] = `/conversations/${id}`;
          set.status = 204;
          return;
        } catch (error) {
          const page = makePage(request, viewer);
          const form = failedForm(error, page.language, body, set);
          if (isHtmx(request)) return <NewConversation page={page} form={form} />;
          return <ConversationsPage page={page} list={await conversations.list(viewer)} form={form} />;
        }
      },
      { body: t.Object({ title: t.String() }) },
    )
    .get(
      "/conversations/:id",
      async ({ request, viewer, params, query }) => {
        if (!isHtmx(request)) return showThread(request, viewer, params.id, query);
        const page = makePage(request, viewer);
        const conversation = await conversations.get(viewer, params.id);
        const older = await messages.list(viewer, params.id, query);
        return <MessageItems page={page} conversation={conversation} messages={older} />;
      },
      { query: t.Object({ before: t.Optional(t.String()) }) },
    )
    .post(
      "/conversations/:id",
      async ({ request, viewer, params, body, set, redirect }) => {
        // Forms send line breaks as CRLF whatever was typed; kept is what was typed.
        const typed = body.body.replaceAll("\r\n", "\n");
        try {
          const message = await messages.post(viewer, params.id, {
            body: typed,
            idempotencyKey: body.idempotency_key,
          });
          if (!isHtmx(request)) return redirect(`/conversations/${params.id}`, 303);
          return <MessageItem page={makePage(request, viewer)} message={message} />;
        } catch (error) {
          const { language } = makePage(request, viewer);
          const composer = failedForm(error, language, { body: typed }, set);
          if (!isHtmx(request)) return showThread(request, viewer, params.id, { composer });
          set.headers["hx-retarget"] = "#composer-error";
          set.headers["hx-reswap"] = "innerHTML";
          return <>{composer.errors["body"] ?? composer.general}</>;
        }
      },
      { body: t.Object({ body: t.String(), idempotency_key: t.Optional(t.String()) }) },
    )
    .get("/conversations/:id/members", ({ params, redirect }) => redirect(`/conversations/${params.id}`, 303))
    .post(
      "/conversations/:id/members",
      async ({ request, viewer, params, body, set, redirect }) => {
        let invitation: FormState = emptyForm;
        try {
          await conversations.addMember(viewer, params.id, body);
          if (!isHtmx(request)) return redirect(`/conversations/${params.id}`, 303);
        } catch (error) {
          const form = failedForm(error, makePage(request, viewer).language, body, set);
          if (!isHtmx(request)) return showThread(request, viewer, params.id, { invitation: form });
          invitation = form;
        }
        const conversation = await conversations.get(viewer, params.id);
        const members = await conversations.listMembers(viewer, params.id);
        const page = makePage(request, viewer);
        return <Members page={page} conversation={conversation} members={members} form={invitation} open />;
      },
      { body: t.Object({ username: t.String() }) },
    )
    .post("/conversations/:id/members/:userId/remove", async ({ viewer, params, redirect }) => {
      await conversations.removeMember(viewer, params.id, params.userId);
      return redirect(
        params.userId === viewer.userId ? "/conversations" : `/conversations/${params.id}`,
        303,
      );
    });
}
