import type { ChangeKind } from "../store/changes.ts";
import type { ConversationRow } from "../store/conversations.ts";
import type { Store, Tables } from "../store/index.ts";
import type { MemberRow } from "../store/members.ts";
import type { Bell } from "./bell.ts";
import { DuetError, invalidField } from "./errors.ts";
import { isId, newId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { noteChange } from "./live.ts";
import { readText } from "./text.ts";
import type { Throttle } from "./throttle.ts";
import { usernameKey } from "./usernames.ts";

/** Whoever is looking. Everything here is loaded through them: what is not theirs is `not_found`, as if it were not there. */
type ViewerId = { userId: string };

export type Conversation = ConversationRow;
export type Member = MemberRow;
export type Page<T> = { items: T[]; next: string | null };
export type Conversations = ReturnType<typeof createConversations>;

/** Conversations and who is in them. Every change reaches the event streams of those who may see it. */
export function createConversations(deps: {
  store: Store;
  throttle: Throttle;
  bell: Bell;
  clock: () => number;
}) {
  const { store, throttle, bell, clock } = deps;

  /**
   * Does `work` and notes the change in one transaction, then rings for everybody who is in it, and for `goneFor`,
   * to whom it is there no more.
   */
  async function changing<T>(
    id: string,
    kind: ChangeKind | null,
    work: (tables: Tables) => Promise<T>,
    goneFor: string[] = [],
  ): Promise<T> {
    const concerned = new Set<string>(goneFor);
    const done = await store.tx(async (tables) => {
      const result = await work(tables);
      const change = { conversation_id: id, created_at: clock() };
      for (const userId of goneFor)
        await noteChange(tables, { ...change, kind: "conversation_removed", user_id: userId });
      if (kind) for (const userId of await noteChange(tables, { ...change, kind })) concerned.add(userId);
      return result;
    });
    bell.ring(concerned);
    return done;
  }

  /** Error code: `not_found`. */
  async function get(viewer: ViewerId, id: string): Promise<Conversation> {
    const conversation = isId(id) ? await store.conversations.find(id, viewer.userId) : null;
    if (!conversation) throw new DuetError("not_found");
    return conversation;
  }

  /** To a member who is not the owner, an owner's act is not there. */
  async function getOwned(viewer: ViewerId, id: string): Promise<Conversation> {
    const conversation = await get(viewer, id);
    if (conversation.owner_id !== viewer.userId) throw new DuetError("not_found");
    return conversation;
  }

  /** One that the viewer has removed and may still have back. Error code: `not_found`. */
  async function getRemoved(viewer: ViewerId, id: string): Promise<Conversation> {
    const conversation = isId(id) ? await store.conversations.findRemoved(id, viewer.userId) : null;
    if (!conversation) throw new DuetError("not_found");
    return conversation;
  }

  return {
    get,

    /** A new conversation with the viewer as owner and only member. Error codes: `validation_failed`, `rate_limited`. */
    async create(viewer: ViewerId, input: { title: string }): Promise<Conversation> {
      const title = readText("title", input.title.trim(), LIMITS.titleCharsMax);
      await throttle.take(["conversation_account", viewer.userId]);
      const now = clock();
      const conversation = {
        id: newId(now),
        owner_id: viewer.userId,
        title,
        created_at: now,
        updated_at: now,
      };
      await changing(conversation.id, "conversation", async (tables) => {
        await tables.conversations.insert(conversation);
        await tables.members.add(conversation.id, viewer.userId, now);
      });
      return { ...conversation, removed_at: null, unread: 0 };
    },

    /** The viewer's conversations, newest activity first; `next` is the cursor of the page after. Error code: `validation_failed`. */
    async list(
      viewer: ViewerId,
      page: { limit?: number | undefined; cursor?: string | undefined } = {},
    ): Promise<Page<Conversation>> {
      const limit = pageLimit(page.limit);
      const before = page.cursor === undefined ? null : readCursor(page.cursor);
      const rows = await store.conversations.listByActivity(viewer.userId, before, limit + 1);
      const items = rows.slice(0, limit);
      return { items, next: rows.length > limit ? writeCursor(items.at(-1)!) : null };
    },

    /** Error codes: `not_found`, `validation_failed`, `rate_limited`. */
    async rename(viewer: ViewerId, id: string, input: { title: string }): Promise<Conversation> {
      const conversation = await getOwned(viewer, id);
      const title = readText("title", input.title.trim(), LIMITS.titleCharsMax);
      await throttle.take(["conversation_account", viewer.userId]);
      await changing(conversation.id, "conversation", async ({ conversations }) => {
        if ((await conversations.rename(conversation.id, title)) === 0) throw new DuetError("not_found");
      });
      return { ...conversation, title };
    },

    /**
     * Takes the conversation out of everybody's sight; for 30 days its owner can have it back, after that it is
     * gone with all its messages. Error code: `not_found`.
     */
    async remove(viewer: ViewerId, id: string): Promise<void> {
      const conversation = await getOwned(viewer, id);
      const members = (await store.members.list(id)).map((member) => member.user_id);
      const remove = async ({ conversations }: Tables) => {
        if ((await conversations.setRemoved(conversation.id, clock())) === 0)
          throw new DuetError("not_found");
      };
      await changing(id, null, remove, members);
    },

    /** Brings back what the viewer removed, for everybody who was in it. Error codes: `not_found`, `rate_limited`. */
    async restore(viewer: ViewerId, id: string): Promise<Conversation> {
      const conversation = await getRemoved(viewer, id);
      await throttle.take(["conversation_account", viewer.userId]);
      await changing(id, "conversation", async ({ conversations }) => {
        if ((await conversations.setRemoved(id, null)) === 0) throw new DuetError("not_found");
      });
      return { ...conversation, removed_at: null };
    },

    getRemoved,

    /** Error code: `not_found`. */
    async listMembers(viewer: ViewerId, id: string): Promise<Member[]> {
      return store.members.list((await get(viewer, id)).id);
    },

    /** The owner lets someone in; who is in already stays in. Error codes: `not_found`, `validation_failed`, `rate_limited`. */
    async addMember(
      viewer: ViewerId,
      id: string,
      input: { username: string },
    ): Promise<{ member: Member; isNew: boolean }> {
      const conversation = await getOwned(viewer, id);
      const name = input.username;
      if (name.trim() === "") throw invalidField("username", "required");
      // It tells which names are taken.
      await throttle.take(["conversation_account", viewer.userId]);
      const user =
        name.isWellFormed() && [...name].length <= LIMITS.usernameCharsMax
          ? await store.users.findByUsername(usernameKey(name.trim()))
          : null;
      if (!user) throw invalidField("username", "no_such_user");
      const now = clock();
      return changing(id, "members", async ({ members }) => {
        const added = await members.add(conversation.id, user.id, now);
        const all = await members.list(conversation.id);
        if (all.length > LIMITS.membersPerConversationMax)
          throw invalidField("username", "too_many", LIMITS.membersPerConversationMax);
        return { member: all.find((member) => member.user_id === user.id)!, isNew: added > 0 };
      });
    },

    /** The owner removes anyone else; anyone else leaves. Error codes: `not_found`, `owner_cannot_leave`. */
    async removeMember(viewer: ViewerId, id: string, userId: string): Promise<void> {
      const conversation = await get(viewer, id);
      const mayRemove = userId === viewer.userId || conversation.owner_id === viewer.userId;
      if (!mayRemove) throw new DuetError("not_found");
      if (userId === conversation.owner_id) throw new DuetError("owner_cannot_leave");
      const remove = async ({ members }: Tables) => {
        if ((await members.remove(id, userId)) === 0) throw new DuetError("not_found");
      };
      await changing(id, "members", remove, [userId]);
    },
  };
}

/** How many to show: from 1 to the most there is on a page. Error code: `validation_failed`. */
export function pageLimit(asked: number | undefined): number {
  if (asked === undefined) return LIMITS.pageItemsDefault;
  if (!Number.isInteger(asked) || asked < 1) throw invalidField("limit", "invalid");
  return Math.min(asked, LIMITS.pageItemsMax);
}

const writeCursor = (c: Conversation) => Buffer.from(`${c.updated_at}.${c.id}`).toString("base64url");

function readCursor(cursor: string): { updatedAt: number; id: string } {
  const [, time, id] = /^(\d{1,15})\.(.+)$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (!time || !id || !isId(id)) throw invalidField("cursor", "invalid");
  return { updatedAt: Number(time), id };
}
