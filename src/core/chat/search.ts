import type { Store } from "../../store/index.ts";
import type { Throttle } from "../auth/throttle.ts";
import { everyTitle, type Conversation } from "./conversations.ts";
import { LIMITS } from "../../limits.ts";
import type { Message } from "./messages.ts";
import { highlight, holds, matchOf, termsOf, type Segment } from "./terms.ts";

export type Found = {
  conversations: { conversation: Conversation; title: Segment[] }[];
  messages: { message: Message; title: string; excerpt: Segment[] }[];
  /** There are older ones. */
  isCut: boolean;
};

export type Search = ReturnType<typeof createSearch>;

/** Looking for words in the viewer's own conversations: their titles and what was said in them. */
export function createSearch({ store, throttle }: { store: Store; throttle: Throttle }) {
  return {
    /**
     * What holds all words of the query, the beginning of a word being enough, newest first; where they are is
     * marked. A query without a word finds nothing. Error code: `rate_limited`.
     */
    async find(viewer: { userId: string }, query: string): Promise<Found> {
      const terms = termsOf(query.slice(0, LIMITS.queryCharsMax));
      if (terms.length === 0) return { conversations: [], messages: [], isCut: false };
      await throttle.take(["search_account", viewer.userId]);
      const [conversations, messages] = await Promise.all([
        findTitles(viewer.userId, terms, LIMITS.searchItemsMax + 1),
        store.messages.search(viewer.userId, matchOf(terms), LIMITS.searchItemsMax + 1),
      ]);
      return {
        conversations: conversations.slice(0, LIMITS.searchItemsMax).map((conversation) => ({
          conversation,
          title: highlight(conversation.title, terms),
        })),
        messages: messages.slice(0, LIMITS.searchItemsMax).map(({ title, ...message }) => ({
          message,
          title,
          excerpt: highlight(message.body, terms),
        })),
        isCut: Math.max(conversations.length, messages.length) > LIMITS.searchItemsMax,
      };
    },
  };

  /** The newest `limit` of the viewer's conversations whose titles hold all terms. */
  async function findTitles(viewerId: string, terms: string[], limit: number): Promise<Conversation[]> {
    const found: { id: string; updated_at: number }[] = [];
    for await (const each of everyTitle(store, viewerId)) if (holds(each.title, terms)) found.push(each);
    const newest = found
      .toSorted((a, b) => b.updated_at - a.updated_at || (a.id < b.id ? 1 : -1))
      .slice(0, limit);
    const conversations = await Promise.all(newest.map(({ id }) => store.conversations.find(id, viewerId)));
    return conversations.filter((each) => each !== null);
  }
}
