import type { Page } from "../page.ts";
import type { ViewerId } from "../viewer.ts";
import type { Conversation, Conversations } from "./conversations.ts";
import type { Invite, Invites } from "./invites.ts";
import type { Live } from "./live.ts";
import type { Member, Members } from "./members.ts";
import type { Message, Messages } from "./messages.ts";
import type { Note, Notes } from "./notes.ts";

/** How many messages are shown after the one that was looked for. */
const LATER = 25;

/** What a page of one conversation shows, loaded through one of its members. */
export type Thread = {
  conversation: Conversation;
  /** All of the viewer's conversations, the first page of them. */
  list: Page<Conversation>;
  members: Member[];
  /** Links by which it is joined, for its owner. */
  invites: Invite[];
  messages: Page<Message>;
  /** What happened between them. */
  notes: Note[];
  /** It ends before the latest messages. */
  isOlder: boolean;
  /** From where an event stream must go on so that nothing is missed. */
  place: string;
};

export type OpenThread = ReturnType<typeof createOpenThread>;

/** Makes the one function that loads a thread. */
export const createOpenThread =
  (deps: {
    conversations: Conversations;
    members: Members;
    messages: Messages;
    notes: Notes;
    invites: Invites;
    live: Live;
  }) =>
  /**
   * With its latest messages, those `before` a message, or those around the one `at`; without either, where the viewer has stopped
   * reading, if that is further back than the latest, unless `isLatest`. Error codes: `not_found`, `validation_failed`.
   */
  async (
    viewer: ViewerId,
    id: string,
    {
      before,
      at,
      isLatest,
    }: { before?: string | undefined; at?: string | undefined; isLatest?: boolean | undefined } = {},
  ): Promise<Thread> => {
    const { conversations, members, messages, notes, live } = deps;
    const conversation = await conversations.get(viewer, id);
    // Before the rest is read: what comes in between is told twice, never not at all.
    const place = await live.place();
    const [list, people, invites, thread] = await Promise.all([
      conversations.list(viewer),
      members.listIn(conversation),
      deps.invites.listIn(viewer, conversation),
      messages.listIn(conversation, { before, through: at }),
    ]);
    const { read_id, unread } = conversation;
    const oldest = thread.items[0];
    const isFurtherBack = unread > 0 && read_id !== "" && thread.next !== null && oldest!.id > read_id;
    const around = at ?? (before === undefined && isFurtherBack && !isLatest ? read_id : undefined);
    const from = around && around !== at ? await messages.listIn(conversation, { through: around }) : thread;
    const later = around ? await messages.listIn(conversation, { after: around, limit: LATER }) : null;
    const shown = { ...from, items: [...from.items, ...(later?.items ?? [])] };
    const isOlder = before !== undefined || !!later?.next;
    const end = isOlder ? (before ?? shown.items.at(-1)?.id) : undefined;
    const between = await notes.listAmong(conversation, shown, end);
    return {
      conversation,
      list,
      members: people,
      invites,
      messages: shown,
      notes: between,
      isOlder,
      place,
    };
  };
