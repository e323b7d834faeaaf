import { Elysia, t } from "elysia";
import type { Duet } from "../duet.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { conversationBody, messageBody } from "./shapes.ts";

/** The viewer's own conversations and messages by their words. */
export const searchRoutes = ({ search, ...guard }: Pick<Duet, "search"> & Guard) =>
  new Elysia({ name: "api/search" }).use(bearerViewer(guard)).get(
    "/api/search",
    async ({ viewer, query }) => {
      const { conversations, messages, isCut } = await search.find(viewer, query.q);
      return {
        conversations: conversations.map(({ conversation }) => conversationBody(conversation)),
        messages: messages.map(({ message, title }) => ({
          ...messageBody(message),
          conversation_title: title,
        })),
        is_cut: isCut,
      };
    },
    { query: t.Object({ q: t.String() }) },
  );
