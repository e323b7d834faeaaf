import type { Store } from "../../store/index.ts";
import type { Throttle } from "../auth/throttle.ts";
import type { Conversation } from "./conversations.ts";
import { LIMITS } from "../../limits.ts";
import type { Message } from "./messages.ts";
import { highlight, matchOf, termsOf, type Segment } from "./terms.ts";

export type Found = {
  conversations: { conversation: Conversation; title: Segment[] }[];
  messages: { message: Message; title: string; excerpt: Segment[] }[];
  /** There are older ones. */
  isCut: boolean;
};

/** About 2 ms of looking, however many messages there are. */
const CONVERSATIONS_PER_STEP = 100;

export type Search = ReturnType<typeof createSearch>;

/** Looking for words in the viewer's own conversations: their titles and what was said in them. */
export function createSearch({ store, throttle }: { store: Store; throttle: Throttle }) {
  return {
    /**
     * What holds all words of the query, the beginning of a word being enough, newest first, from the conversations with
     * the latest activity; where they are is marked. A query without a word finds nothing. Error code: `rate_limited`.
     */
    async find(viewer: { userId: string }, query: string): Promise<Found> {
      const terms = termsOf(query.slice(0, LIMITS.queryCharsMax));
      if (terms.length === 0) return { conversations: [], messages: [], isCut: false };
      await throttle.take(["search_account", viewer.userId]);
      const max = LIMITS.searchItemsMax + 1;
      const conversations: Conversation[] = [];
      const messages: Awaited<ReturnType<Store["terms"]["findMessages"]>> = [];
      for await (const some of numbersOf(viewer.userId)) {
        if (messages.length < max)
          messages.push(...(await store.terms.findMessages(numbers(some), matchOf(terms), max)));
        await othersHaveTheirTurn();
        if (conversations.length < max)
          conversations.push(...(await titlesIn(viewer.userId, some, matchOf(terms))));
        if (Math.min(messages.length, conversations.length) >= max) break;
      }
      messages.sort((a, b) => (a.id < b.id ? 1 : -1));
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

  /**
   * The viewer's conversations, those with the latest activity first, some at a time: looking through those is one piece
   * of work, after which others have their turn.
   */
  async function* numbersOf(viewerId: string): AsyncGenerator<Numbered[]> {
    for (let before: Numbered | null = null; ;) {
      const some: Numbered[] = await store.conversations.listNumbers(
        viewerId,
        before,
        CONVERSATIONS_PER_STEP,
      );
      if (some.length > 0) yield some;
      if (some.length < CONVERSATIONS_PER_STEP) return;
      before = some.at(-1)!;
      await othersHaveTheirTurn();
    }
  }

  async function titlesIn(viewerId: string, some: Numbered[], match: string): Promise<Conversation[]> {
    const found = new Set(await store.terms.findTitles(numbers(some), match));
    const ids = some.filter(({ number }) => found.has(number)).slice(0, LIMITS.searchItemsMax + 1);
    const conversations = await Promise.all(ids.map(({ id }) => store.conversations.find(id, viewerId)));
    return conversations.filter((each) => each !== null);
  }
}

const othersHaveTheirTurn = () => new Promise((resolve) => setImmediate(resolve));

type Numbered = { id: string; number: number; time: number };

const numbers = (some: Numbered[]) => some.map(({ number }) => number);
