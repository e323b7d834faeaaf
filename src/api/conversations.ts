import { Elysia, t } from "elysia";
import type { Member } from "../core/chat/members.ts";
import type { Duet } from "../duet.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import { conversationBody, limitOf, pageQuery, timeBody } from "./shapes.ts";

const title = t.Object({ title: t.String() });

export const conversationRoutes = ({
  conversations,
  members,
  messages,
  ...guard
}: Pick<Duet, "conversations" | "members" | "messages"> & Guard) =>
  new Elysia({ name: "api/conversations", prefix: "/api/conversations" })
    .use(jsonBodies)
    .use(bearerViewer(guard))
    .get(
      "",
      async ({ viewer, query }) => {
        const { items, next } = await conversations.list(viewer, {
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
        const conversation = await conversations.create(viewer, body);
        set.status = 201;
        set.headers["location"] = `/api/conversations/${conversation.id}`;
        return conversationBody(conversation);
      },
      { body: title },
    )
    .get("/:id", async ({ viewer, params }) => conversationBody(await conversations.get(viewer, params.id)))
    .patch(
      "/:id",
      async ({ viewer, params, body }) =>
        conversationBody(await conversations.rename(viewer, params.id, body)),
      { body: title },
    )
    .delete("/:id", async ({ viewer, params, set }) => {
      await conversations.remove(viewer, params.id);
      set.status = 204;
    })
    .post("/:id/restore", async ({ viewer, params }) =>
      conversationBody(await conversations.restore(viewer, params.id)),
    )
    .post(
      "/:id/read",
      async ({ viewer, params, body, set }) => {
        await messages.markRead(viewer, params.id, body.message_id);
        set.status = 204;
      },
      { body: t.Object({ message_id: t.Optional(t.String()) }) },
    )
    .get("/:id/members", async ({ viewer, params }) => ({
      items: (await members.list(viewer, params.id)).map(memberBody),
      next: null,
    }))
    .post(
      "/:id/members",
      async ({ viewer, params, body, set }) => {
        const { member, isNew } = await members.add(viewer, params.id, body);
        set.status = isNew ? 201 : 200;
        return memberBody(member);
      },
      { body: t.Object({ username: t.String() }) },
    )
    .delete("/:id/members/:userId", async ({ viewer, params, set }) => {
      await members.remove(viewer, params.id, params.userId);
      set.status = 204;
    });

const memberBody = (m: Member) => ({ id: m.user_id, username: m.username, joined_at: timeBody(m.joined_at) });
