import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { ConversationRow } from "../../store/conversations.ts";
import type { Store, Tables } from "../../store/index.ts";
import type { Throttle } from "../auth/throttle.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import { isId, newId, timeIn } from "../ids.ts";
import { everyRow, pageLimit, pageOf, readCursor, writeCursor, type Page, type Place } from "../page.ts";
import type { ViewerId } from "../viewer.ts";
import { noteChange } from "./changes.ts";
import { writeNote } from "./notes.ts";
import { indexedTerms, titleMark } from "./terms.ts";
import { readText } from "./text.ts";

/** A conversation as one of its members sees it. It is only ever loaded with a member's id, so holding one proves membership. */
export type Conversation = ConversationRow;

export type RemovedConversation = { id: string; title: string; removed_at: number };

export type Conversations = ReturnType<typeof createConversations>;

/** What those services are made of that act within a conversation. */
export type WithinConversations = {
  store: Store;
  commit: Commit;
  conversations: Conversations;
  throttle: Throttle;
  clock: Clock;
};

/**
 * Conversations. Everything is loaded through the viewer: what is not theirs is `not_found`, as if it were not there.
 * Every change reaches the event streams of those who may see it.
 */
export function createConversations(deps: {
  store: Store;
  commit: Commit;
  throttle: Throttle;
  clock: Clock;
}) {
  const { store, commit, throttle, clock } = deps;

  /** `tables` of a transaction that has taken its turn, for what is to be true while it goes on. Error code: `not_found`. */
  async function get(viewer: ViewerId, id: string, tables: Tables = store): Promise<Conversation> {
    const conversation = isId(id) ? await tables.conversations.find(id, viewer.userId) : null;
    if (!conversation) throw new DuetError("not_found");
    return conversation;
  }

  /** For an owner's act, which to any other member is not there. Error code: `not_found`. */
  async function getOwned(viewer: ViewerId, id: string, tables: Tables = store): Promise<Conversation> {
    const conversation = await get(viewer, id, tables);
    if (conversation.owner_id !== viewer.userId) throw new DuetError("not_found");
    return conversation;
  }

  /** One that the viewer has removed and may still have back. Error code: `not_found`. */
  async function getRemoved(viewer: ViewerId, id: string, tables: Tables = store): Promise<Conversation> {
    const conversation = isId(id) ? await tables.conversations.findRemoved(id, viewer.userId) : null;
    if (!conversation) throw new DuetError("not_found");
    return conversation;
  }

  return {
    get,
    getOwned,
    getRemoved,

    /** A new conversation with the viewer as owner and only member. Error codes: `validation_failed`, `rate_limited`. */
    async create(viewer: ViewerId, input: { title: string }): Promise<Conversation> {
      const title = readText("title", input.title.trim(), LIMITS.titleCharsMax);
      await throttle.take(["conversation_account", viewer.userId]);
      const now = clock();
      const id = newId(now);
      const conversation = { id, owner_id: viewer.userId, title, created_at: now, updated_at: timeIn(id) };
      await commit(async (tx) => {
        const number = await tx.conversations.insert(conversation);
        await tx.terms.setTitle(number, indexedTerms(titleMark(number), title));
        await tx.members.add(id, viewer.userId, now);
        await noteChange(tx, { conversation_id: id, kind: "conversation", created_at: now });
      });
      return { ...conversation, removed_at: null, read_id: "", unread: 0, ...NOTHING_SAID };
    },

    /** The viewer's conversations, newest activity first; `next` is the cursor of the page after. Error code: `validation_failed`. */
    async list(
      viewer: ViewerId,
      page: { limit?: number | undefined; cursor?: string | undefined } = {},
    ): Promise<Page<Conversation>> {
      const limit = pageLimit(page.limit);
      const before = readCursor(page.cursor);
      const rows = await store.conversations.listByActivity(viewer.userId, before, limit + 1);
      return pageOf(rows, limit, (last) => writeCursor(placeOf(last)));
    },

    /** Those that the viewer has removed and may still have back, what went last first. Error code: `validation_failed`. */
    async listRemoved(viewer: ViewerId, cursor?: string): Promise<Page<RemovedConversation>> {
      const limit = pageLimit(undefined);
      const rows = await store.conversations.listRemoved(viewer.userId, readCursor(cursor), limit + 1);
      const removed = rows.map(({ id, title, removed_at }) => ({ id, title, removed_at: removed_at! }));
      return pageOf(removed, limit, ({ removed_at: time, id }) => writeCursor({ time, id }));
    },

    /** Error codes: `not_found`, `validation_failed`, `rate_limited`. */
    async rename(viewer: ViewerId, id: string, input: { title: string }): Promise<Conversation> {
      const conversation = await getOwned(viewer, id);
      const title = readText("title", input.title.trim(), LIMITS.titleCharsMax);
      await throttle.take(["conversation_account", viewer.userId]);
      await commit(async (tx) => {
        await tx.conversations.takeTurn(id);
        await getOwned(viewer, id, tx);
        const number = await tx.conversations.rename(id, title);
        if (number === null) throw new DuetError("not_found");
        await tx.terms.setTitle(number, indexedTerms(titleMark(number), title));
        const change = { conversation_id: id, created_at: clock() };
        if (title !== conversation.title)
          await writeNote(tx, { ...change, kind: "renamed", actor_id: viewer.userId, title });
        await noteChange(tx, { ...change, kind: "conversation" });
      });
      return { ...conversation, title };
    },

    /**
     * Takes the conversation out of everybody's sight; for 30 days its owner can have it back, after that it is
     * gone with all its messages. Error code: `not_found`.
     */
    async remove(viewer: ViewerId, id: string): Promise<void> {
      await getOwned(viewer, id);
      await commit(async (tx) => {
        await tx.conversations.takeTurn(id);
        await getOwned(viewer, id, tx);
        const now = clock();
        if (!(await tx.conversations.setRemoved(id, now))) throw new DuetError("not_found");
        for (const user_id of await tx.members.idsOf(id))
          await noteChange(tx, {
            conversation_id: id,
            kind: "conversation_removed",
            user_id,
            created_at: now,
          });
      });
    },

    /** Brings back what the viewer removed, for everybody who was in it. Error codes: `not_found`, `rate_limited`. */
    async restore(viewer: ViewerId, id: string): Promise<Conversation> {
      const conversation = await getRemoved(viewer, id);
      await throttle.take(["conversation_account", viewer.userId]);
      await commit(async (tx) => {
        await tx.conversations.takeTurn(id);
        await getRemoved(viewer, id, tx);
        if (!(await tx.conversations.setRemoved(id, null))) throw new DuetError("not_found");
        await noteChange(tx, { conversation_id: id, kind: "conversation", created_at: clock() });
      });
      return { ...conversation, removed_at: null };
    },
  };
}

const NOTHING_SAID = {
  last_id: null,
  last_body: null,
  last_author_id: null,
  last_username: null,
  last_removed_at: null,
};

const placeOf = ({ updated_at: time, id }: Conversation): Place => ({ time, id });

/** All that somebody is in, in the order in which they were made. */
export const everyTitle = (store: Store, viewerId: string) =>
  everyRow<Awaited<ReturnType<Store["conversations"]["listTitles"]>>[number]>((last, limit) =>
    store.conversations.listTitles(viewerId, last?.id ?? "", limit),
  );
