import { Elysia, t, type Static } from "elysia";
import type { Member } from "../core/chat/members.ts";
import type { Duet } from "../duet.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import { about, named, says } from "../http/reference.ts";
import {
  ConversationBody,
  conversationBody,
  Id,
  limitOf,
  Page,
  pageQuery,
  Time,
  timeBody,
} from "./shapes.ts";

const title = t.Object({ title: t.String() });

const MemberBody = named("Member", t.Object({ id: Id, username: t.String(), joined_at: Time }));

export const conversationRoutes = ({
  conversations,
  members,
  messages,
  ...guard
}: Pick<Duet, "conversations" | "members" | "messages"> & Guard) =>
  new Elysia({
    name: "api/conversations",
    prefix: "/api/conversations",
    ...about("conversations", "token"),
  })
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
      {
        query: t.Object({ ...pageQuery, cursor: t.Optional(t.String()) }),
        ...says("listConversations", { 200: Page(ConversationBody) }),
      },
    )
    .post(
      "",
      async ({ viewer, body, set }) => {
        const conversation = await conversations.create(viewer, body);
        set.status = 201;
        set.headers["location"] = `/api/conversations/${conversation.id}`;
        return conversationBody(conversation);
      },
      { body: title, ...says("createConversation", { 201: ConversationBody }, ["rate_limited"]) },
    )
    .get(
      "/:id",
      async ({ viewer, params }) => conversationBody(await conversations.get(viewer, params.id)),
      says("getConversation", { 200: ConversationBody }),
    )
    .patch(
      "/:id",
      async ({ viewer, params, body }) =>
        conversationBody(await conversations.rename(viewer, params.id, body)),
      { body: title, ...says("renameConversation", { 200: ConversationBody }, ["rate_limited"]) },
    )
    .delete(
      "/:id",
      async ({ viewer, params, set }) => {
        await conversations.remove(viewer, params.id);
        set.status = 204;
      },
      says("deleteConversation", { 204: null }),
    )
    .post(
      "/:id/restore",
      async ({ viewer, params }) => conversationBody(await conversations.restore(viewer, params.id)),
      says("restoreConversation", { 200: ConversationBody }),
    )
    .post(
      "/:id/read",
      async ({ viewer, params, body, set }) => {
        await messages.markRead(viewer, params.id, body.message_id);
        set.status = 204;
      },
      { body: t.Object({ message_id: t.Optional(t.String()) }), ...says("markRead", { 204: null }) },
    )
    .get(
      "/:id/members",
      async ({ viewer, params }) => ({
        items: (await members.list(viewer, params.id)).map(memberBody),
        next: null,
      }),
      says("listMembers", { 200: Page(MemberBody) }),
    )
    .post(
      "/:id/members",
      async ({ viewer, params, body, set }) => {
        const { member, isNew } = await members.add(viewer, params.id, body);
        set.status = isNew ? 201 : 200;
        return memberBody(member);
      },
      {
        body: t.Object({ username: t.String() }),
        ...says("addMember", { 200: MemberBody, 201: MemberBody }, ["rate_limited"]),
      },
    )
    .delete(
      "/:id/members/:userId",
      async ({ viewer, params, set }) => {
        await members.remove(viewer, params.id, params.userId);
        set.status = 204;
      },
      says("removeMember", { 204: null }, ["owner_cannot_leave"]),
    );

const memberBody = (m: Member): Static<typeof MemberBody> => ({
  id: m.user_id,
  username: m.username,
  joined_at: timeBody(m.joined_at),
});
