import { Elysia, t } from "elysia";
import type { Duet } from "../duet.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import { about, says } from "../http/reference.ts";
import { limitOf, MessageBody, messageBody, Page, pageQuery } from "./shapes.ts";

export const messageRoutes = ({ messages, ...guard }: Pick<Duet, "messages"> & Guard) =>
  new Elysia({
    name: "api/messages",
    prefix: "/api/conversations/:id/messages",
    ...about("messages", "token"),
  })
    .use(jsonBodies)
    .use(bearerViewer(guard))
    .get(
      "",
      async ({ viewer, params, query }) => {
        const { items, next } = await messages.list(viewer, params.id, {
          ...query,
          limit: limitOf(query.limit),
        });
        return { items: items.map(messageBody), next };
      },
      {
        query: t.Object({ ...pageQuery, before: t.Optional(t.String()), after: t.Optional(t.String()) }),
        ...says("listMessages", { 200: Page(MessageBody) }),
      },
    )
    .post(
      "",
      async ({ viewer, params, body, headers, set }) => {
        const idempotencyKey = headers["idempotency-key"];
        const message = await messages.post(viewer, params.id, { ...body, idempotencyKey });
        set.status = 201;
        return messageBody(message);
      },
      {
        body: t.Object({ body: t.String() }),
        ...says(
          "postMessage",
          { 201: MessageBody },
          ["idempotency_key_reused", "rate_limited"],
          ["Idempotency-Key"],
        ),
      },
    )
    .patch(
      "/:messageId",
      async ({ viewer, params, body }) =>
        messageBody(await messages.edit(viewer, params.id, params.messageId, body)),
      {
        body: t.Object({ body: t.String() }),
        ...says("editMessage", { 200: MessageBody }, ["rate_limited"]),
      },
    )
    .delete(
      "/:messageId",
      async ({ viewer, params, set }) => {
        await messages.takeBack(viewer, params.id, params.messageId);
        set.status = 204;
      },
      says("removeMessage", { 204: null }, ["rate_limited"]),
    );
