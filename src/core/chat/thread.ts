import type { Page } from "../page.ts";
import type { ViewerId } from "../viewer.ts";
import type { Conversation, Conversations } from "./conversations.ts";
import type { Live } from "./live.ts";
import type { Member, Members } from "./members.ts";
import type { Message, Messages } from "./messages.ts";

/** How many messages are shown after the one that was looked for. */
const LATER = 25;

/** What a page of one conversation shows, loaded through one of its members. */
export type Thread = {
  conversation: Conversation;
  /** All of the viewer's conversations, the first page of them. */
  list: Page<Conversation>;
  members: Member[];
  messages: Page<Message>;
  /** It ends before the latest messages. */
  isOlder: boolean;
  /** From where an event stream must go on so that nothing is missed. */
  place: string;
};

export type OpenThread = ReturnType<typeof createOpenThread>;

/** Makes the one function that loads a thread. */
export const createOpenThread =
  (deps: { conversations: Conversations; members: Members; messages: Messages; live: Live }) =>
  /** With its latest messages, those `before` a message, or those around the one `at`. Error codes: `not_found`, `validation_failed`. */
  async (
    viewer: ViewerId,
    id: string,
    { before, at }: { before?: string | undefined; at?: string | undefined } = {},
  ): Promise<Thread> => {
    const { conversations, members, messages, live } = deps;
    const conversation = await conversations.get(viewer, id);
    // Before the rest is read: what comes in between is told twice, never not at all.
    const place = await live.place();
    const [list, people, thread, later] = await Promise.all([
      conversations.list(viewer),
      members.listIn(conversation),
      messages.listIn(conversation, { before, through: at }),
      at ? messages.listIn(conversation, { after: at, limit: LATER }) : null,
    ]);
    const items = [...thread.items, ...(later?.items ?? [])];
    const isOlder = before !== undefined || !!later?.next;
    return { conversation, list, members: people, messages: { ...thread, items }, isOlder, place };
  };
