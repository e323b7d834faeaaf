import { Elysia, t } from "elysia";
import type { Conversations, Member } from "../core/conversations.ts";
import type { Messages } from "../core/messages.ts";
import type { Sessions } from "../core/sessions.ts";
import { bearerViewer } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import { conversationBody, limitOf, pageQuery, timeBody } from "./shapes.ts";

const title = t.Object({ title: t.String() });

export const conversationRoutes = (deps: {
  conversations: Conversations;
  messages: Messages;
  sessions: Sessions;
}) =>
  new Elysia({ name: "api/conversations", prefix: "/api/conversations" })
    .use(jsonBodies)
    .use(bearerViewer(deps.sessions))
    .get(
      "",
      async ({ viewer, query }) => {
        const { items, next } = await deps.conversations.list(viewer, {
          ...query,
          limit: limitOf(query.limit),
        });
        return { items: items.map(conversationBody), next };
      },
      { query: t.Object({ ...pageQuery, cursor: t.Optional(t.String()) }) },
    )
    .post(
      "",
      async ({ viewer, body, set }) => {
        const conversation = await deps.conversations.create(viewer, body);
        set.status = 201;
        set.headers["location"] = `/api/conversations/${conversation.id}`;
        return conversationBody(conversation);
      },
      { body: title },
    )
    .get("/:id", async ({ viewer, params }) =>
      conversationBody(await deps.conversations.get(viewer, params.id)),
    )
    .patch(
      "/:id",
      async ({ viewer, params, body }) =>
        conversationBody(await deps.conversations.rename(viewer, params.id, body)),
      { body: title },
    )
    .delete("/:id", async ({ viewer, params, set }) => {
      await deps.conversations.remove(viewer, params.id);
      set.status = 204;
    })
    .post("/:id/restore", async ({ viewer, params }) =>
      conversationBody(await deps.conversations.restore(viewer, params.id)),
    )
    .post(
      "/:id/read",
      async ({ viewer, params, body, set }) => {
        await deps.messages.markRead(viewer, params.id, body.message_id);
        set.status = 204;
      },
      { body: t.Object({ message_id: t.Optional(t.String()) }) },
    )
    .get("/:id/members", async ({ viewer, params }) => ({
      items: (await deps.conversations.listMembers(viewer, params.id)).map(memberBody),
      next: null,
    }))
    .post(
      "/:id/members",
      async ({ viewer, params, body, set }) => {
        const { member, isNew } = await deps.conversations.addMember(viewer, params.id, body);
        set.status = isNew ? 201 : 200;
        return memberBody(member);
      },
      { body: t.Object({ username: t.String() }) },
    )
    .delete("/:id/members/:userId", async ({ viewer, params, set }) => {
      await deps.conversations.removeMember(viewer, params.id, params.userId);
      set.status = 204;
    });

const memberBody = (m: Member) => ({ id: m.user_id, username: m.username, joined_at: timeBody(m.joined_at) });
