import { Elysia, t } from "elysia";
import { DuetError } from "../errors.ts";
import type { LiveEvents } from "../client/wire.ts";
import type { LiveEvent } from "../core/chat/live.ts";
import { cookieViewer } from "../http/auth.ts";
import { eventStream, streamEvent, type SseEvent } from "../http/sse.ts";
import { ConversationItem } from "./conversation-items.view.tsx";
import type { PageContext } from "./layout.view.tsx";
import { MessageItem } from "./messages.view.tsx";
import type { Web } from "./page.ts";

/** The event stream of pages: the fragments that a page shows first are the ones that are pushed. */
export const livePages = ({
  live,
  sessions,
  showingOf,
  cookies,
  pageContext,
}: Pick<Web, "live" | "sessions" | "cookies" | "showingOf" | "pageContext">) =>
  new Elysia({ name: "web/live" }).use(cookieViewer({ sessions, cookies, showingOf })).get(
    "/live",
    async ({ request, viewer, query, headers }) => {
      // An EventSource sends no headers of its own.
      if (query.viewer !== undefined && query.viewer !== viewer.userId) throw new DuetError("viewer_changed");
      const page = pageContext(request, viewer);
      // A reader that comes back by itself names its place; one that is new was given it with its page.
      const place = headers["last-event-id"] ?? query.after;
      return eventStream(await live.open(viewer, place), (event) => shown(page, event));
    },
    { query: t.Object({ after: t.Optional(t.String()), viewer: t.Optional(t.String()) }) },
  );

/** An event as client/live.ts reads it. */
const told = <K extends keyof LiveEvents>(event: K, id: string, data: LiveEvents[K]): SseEvent => ({
  event,
  id,
  data,
});

function shown(page: PageContext, event: LiveEvent): SseEvent {
  switch (event.kind) {
    case "message": {
      const { conversation, message, id } = event;
      return told("message", id, {
        conversation: conversation.id,
        message: message.id,
        isNew: message.edited_at === null && message.removed_at === null,
        html: (<MessageItem page={page} message={message} />).html,
        item: (<ConversationItem page={page} conversation={conversation} />).html,
      });
    }
    case "conversation":
    case "members":
    case "read": {
      const { conversation, id, kind } = event;
      const item = (<ConversationItem page={page} conversation={conversation} />).html;
      return told(kind, id, { conversation: conversation.id, title: conversation.title, item });
    }
    case "conversation_removed":
      return told("conversation_removed", event.id, { conversation: event.conversationId });
    default:
      return streamEvent(event, page.language);
  }
}
