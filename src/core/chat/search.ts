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
  /** There is more than this. */
  isCut: boolean;
  /** From where on there are more messages; null where there are none. */
  next: string | null;
};

const CONVERSATIONS_PER_STEP = 100;

export type Search = ReturnType<typeof createSearch>;

/** Looking for words in the viewer's own conversations: their titles and what was said in them. */
export function createSearch({ store, throttle }: { store: Store; throttle: Throttle }) {
  return {
    /**
     * What holds all words of the query, the beginning of a word being enough, newest first, from the conversations with
     * the latest activity; where they are is marked. A query without a word finds nothing. `before`, which is `next` of the page
     * before, goes on from there, with messages alone. Error codes: `rate_limited`, `validation_failed` of `before`.
     */
    async find(viewer: { userId: string }, query: string, before?: string): Promise<Found> {
      const terms = termsOf(query.slice(0, LIMITS.queryCharsMax));
      if (terms.length === 0) return { conversations: [], messages: [], isCut: false, next: null };
      await throttle.take(["search_account", viewer.userId]);
      const from = before === undefined ? null : await placeFor(viewer.userId, before);
      // As they are gone through: those of one step, then those of the next.
      let isReached = from === null;
      const max = LIMITS.searchItemsMax + 1;
      const conversations: Conversation[] = [];
      const messages: Awaited<ReturnType<Store["terms"]["findMessages"]>> = [];
      for await (const some of numbersOf(viewer.userId)) {
        for (const marks of partsOf(some, marksAtOnce(terms))) {
          if (messages.length >= max) break;
          const isHere = !isReached && marks.includes(from!.mark);
          if (!isReached && !isHere) continue;
          isReached = true;
          const upTo = isHere ? from!.number : Number.MAX_SAFE_INTEGER;
          messages.push(...(await store.terms.findMessages(matchOf(marks, terms), upTo, max)));
          await othersHaveTheirTurn();
        }
        if (!from && conversations.length < max)
          conversations.push(...(await titlesIn(viewer.userId, some, terms)));
        if (messages.length >= max && (from || conversations.length >= max)) break;
      }
      const next = messages.length >= max ? messages[LIMITS.searchItemsMax - 1]!.id : null;
      const page = messages.slice(0, LIMITS.searchItemsMax).toSorted((a, b) => (a.id < b.id ? 1 : -1));
      return {
        conversations: conversations.slice(0, LIMITS.searchItemsMax).map((conversation) => ({
          conversation,
          title: highlight(conversation.title, terms),
        })),
        messages: page.map(({ title, ...message }) => ({
          message,
          title,
          excerpt: highlight(message.body, terms),
        })),
        isCut: Math.max(conversations.length, messages.length) > LIMITS.searchItemsMax,
        next,
      };
    },
  };

  /** Error code: `validation_failed` for what is no message that the viewer may read. */
  async function placeFor(viewerId: string, id: string): Promise<{ number: number; mark: string }> {
    const place = isId(id) ? await store.messages.placeFor(id, viewerId) : null;
    if (!place) throw invalidField("before", "invalid");
    return { number: place.number, mark: messageMark(place.conversation, place.part) };
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
