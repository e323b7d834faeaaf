import { Elysia } from "elysia";
import type { LiveEvent } from "../core/chat/live.ts";
import type { Duet } from "../duet.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { eventStream, streamEvent, type SseEvent } from "../http/sse.ts";
import { about, says } from "../http/reference.ts";
import { conversationBody, messageBody } from "./shapes.ts";

/** One event stream for everything that the viewer may see; `Last-Event-ID` goes on from where one was cut. */
export const liveRoutes = ({ live, ...guard }: Pick<Duet, "live"> & Guard) =>
  new Elysia({ name: "api/live", ...about("live", "token") })
    .use(bearerViewer(guard))
    .get(
      "/api/events",
      async ({ viewer, headers }) =>
        eventStream(await live.open(viewer, headers["last-event-id"]), eventBody),
      says("streamEvents", { 200: "text/event-stream" }, ["rate_limited"], ["Last-Event-ID"]),
    );

function eventBody(event: LiveEvent): SseEvent {
  switch (event.kind) {
    case "message":
      return { event: event.kind, id: event.id, data: messageBody(event.message) };
    case "conversation":
    case "members":
    case "read":
      return { event: event.kind, id: event.id, data: conversationBody(event.conversation) };
    case "conversation_removed":
      return { event: event.kind, id: event.id, data: { id: event.conversationId } };
    default:
      return streamEvent(event);
  }
}
