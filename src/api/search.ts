import { Elysia, t } from "elysia";
import type { Duet } from "../duet.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { about, named, says } from "../http/reference.ts";
import { ConversationBody, conversationBody, FoundMessage, messageBody, orNull } from "./shapes.ts";

/** The viewer's own conversations and messages by their words. */
export const searchRoutes = ({ search, ...guard }: Pick<Duet, "search"> & Guard) =>
  new Elysia({ name: "api/search", ...about("conversations", "token") }).use(bearerViewer(guard)).get(
    "/api/search",
    async ({ viewer, query }) => {
      const { conversations, messages, isCut, next } = await search.find(viewer, query.q, query.before);
      return {
        conversations: conversations.map(({ conversation }) => conversationBody(conversation)),
        messages: messages.map(({ message, title }) => ({
          ...messageBody(message),
          conversation_title: title,
        })),
        is_cut: isCut,
        next,
      };
    },
    {
      query: t.Object({ q: t.String(), before: t.Optional(t.String()) }),
      ...says("search", { 200: Found }, ["rate_limited"]),
    },
  );

const Found = named(
  "SearchResult",
  t.Object({
    conversations: t.Array(ConversationBody),
    messages: t.Array(FoundMessage),
    is_cut: t.Boolean(),
    next: orNull(t.String()),
  }),
);
