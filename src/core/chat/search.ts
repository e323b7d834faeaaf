import type { Store } from "../../store/index.ts";
import type { Conversation } from "./conversations.ts";
import { LIMITS } from "../../limits.ts";
import type { Message } from "./messages.ts";
import { highlight, matchOf, termsOf, type Segment } from "./terms.ts";

export type Found = {
  conversations: { conversation: Conversation; title: Segment[] }[];
  messages: { message: Message; title: string; excerpt: Segment[] }[];
  /** There may be older ones. */
  isCut: boolean;
};

export type Search = ReturnType<typeof createSearch>;

/** Looking for words in the viewer's own conversations: their titles and what was said in them. */
export function createSearch({ store }: { store: Store }) {
  return {
    /**
     * What holds all words of the query, the beginning of a word being enough, newest first; where they are is
     * marked. A query without a word finds nothing.
     */
    async find(viewer: { userId: string }, query: string): Promise<Found> {
      const terms = termsOf(query.slice(0, LIMITS.queryCharsMax));
      if (terms.length === 0) return { conversations: [], messages: [], isCut: false };
      const [all, messages] = await Promise.all([
        store.conversations.listByActivity(viewer.userId, null, LIMITS.titlesSearchedMax),
        store.messages.search(viewer.userId, matchOf(terms), LIMITS.searchItemsMax),
      ]);
      const conversations = all.filter(({ title }) => {
        const folded = title.normalize("NFKC").toLowerCase();
        return terms.every((term) => folded.includes(term));
      });
      return {
        conversations: conversations.slice(0, LIMITS.searchItemsMax).map((conversation) => ({
          conversation,
          title: highlight(conversation.title, terms),
        })),
        messages: messages.map(({ title, ...message }) => ({
          message,
          title,
          excerpt: highlight(message.body, terms),
        })),
        isCut: Math.max(conversations.length, messages.length) >= LIMITS.searchItemsMax,
      };
    },
  };
}
