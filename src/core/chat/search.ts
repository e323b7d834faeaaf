import type { Store } from "../../store/index.ts";
import type { Throttle } from "../auth/throttle.ts";
import type { Conversation } from "./conversations.ts";
import { LIMITS } from "../../limits.ts";
import { invalidField } from "../../errors.ts";
import { isId } from "../ids.ts";
import type { Message } from "./messages.ts";
import { highlight, marksAtOnce, matchOf, messageMark, termsOf, titleMark, type Segment } from "./terms.ts";

export type Found = {
  conversations: { conversation: Conversation; title: Segment[] }[];
  messages: { message: Message; title: string; excerpt: Segment[] }[];
  /** There are older ones. */
  isCut: boolean;
};

const CONVERSATIONS_PER_STEP = 100;

export type Search = ReturnType<typeof createSearch>;

/** Looking for words in the viewer's own conversations: their titles and what was said in them. */
export function createSearch({ store, throttle }: { store: Store; throttle: Throttle }) {
  return {
    /**
     * Without `before`, which is one of the messages that were found, also the titles; with it only older messages.
     *
     * What holds all words of the query, the beginning of a word being enough, newest first, from the conversations with
     * the latest activity; where they are is marked. A query without a word finds nothing. Error codes: `rate_limited`,
     * `validation_failed` of `before`.
     */
    async find(viewer: { userId: string }, query: string, before?: string): Promise<Found> {
      const terms = termsOf(query.slice(0, LIMITS.queryCharsMax));
      if (terms.length === 0) return { conversations: [], messages: [], isCut: false };
      await throttle.take(["search_account", viewer.userId]);
      const first = before === undefined ? null : await numberOf(viewer.userId, before);
      const max = LIMITS.searchItemsMax + 1;
      const conversations: Conversation[] = [];
      const messages: Awaited<ReturnType<Store["terms"]["findMessages"]>> = [];
      for await (const some of numbersOf(viewer.userId)) {
        for (const marks of partsOf(some, marksAtOnce(terms))) {
          if (messages.length >= max) break;
          messages.push(
            ...(await store.terms.findMessages(matchOf(marks, terms), first ?? Number.MAX_SAFE_INTEGER, max)),
          );
          await othersHaveTheirTurn();
        }
        if (first === null && conversations.length < max)
          conversations.push(...(await titlesIn(viewer.userId, some, terms)));
        if (messages.length >= max && (first !== null || conversations.length >= max)) break;
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

  /** Error code: `validation_failed` for what is no message that the viewer may read. */
  async function numberOf(viewerId: string, id: string): Promise<number> {
    const number = isId(id) ? await store.messages.numberOf(id, viewerId) : null;
    if (number === null) throw invalidField("before", "invalid");
    return number;
  }

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

  async function titlesIn(viewerId: string, some: Numbered[], terms: string[]): Promise<Conversation[]> {
    const found = new Set<number>();
    const atOnce = marksAtOnce(terms);
    for (let i = 0; i < some.length; i += atOnce) {
      const marks = some.slice(i, i + atOnce).map(({ number }) => titleMark(number));
      for (const number of await store.terms.findTitles(matchOf(marks, terms))) found.add(number);
      await othersHaveTheirTurn();
    }
    const ids = some.filter(({ number }) => found.has(number)).slice(0, LIMITS.searchItemsMax + 1);
    const conversations = await Promise.all(ids.map(({ id }) => store.conversations.find(id, viewerId)));
    return conversations.filter((each) => each !== null);
  }
}

const othersHaveTheirTurn = () => new Promise((resolve) => setImmediate(resolve));

type Numbered = { id: string; number: number; said: number; time: number };

/** The parts of some conversations, the newest of each first, in groups of which each is looked through at once. */
function* partsOf(some: Numbered[], atOnce: number): Generator<string[]> {
  let marks: string[] = [];
  let messages = 0;
  for (const { number, said } of some)
    for (let part = Math.ceil(said / LIMITS.messagesPerPart) - 1; part >= 0; part--) {
      marks.push(messageMark(number, part));
      messages += Math.min(said, LIMITS.messagesPerPart);
      if (messages < LIMITS.messagesPerPart && marks.length < atOnce) continue;
      yield marks;
      marks = [];
      messages = 0;
    }
  if (marks.length > 0) yield marks;
}
