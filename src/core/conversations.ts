import type { ConversationRow } from "../store/conversations.ts";
import type { Store } from "../store/index.ts";
import type { MemberRow } from "../store/members.ts";
import { DuetError, invalidField } from "./errors.ts";
import { isId, newId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { readText } from "./text.ts";
import { usernameKey } from "./usernames.ts";

/** Whoever is looking. Everything here is loaded through them: what is not theirs is `not_found`, as if it were not there. */
type ViewerId = { userId: string };

export type Conversation = ConversationRow;
export type Member = MemberRow;
export type Page<T> = { items: T[]; next: string | null };
export type Conversations = ReturnType<typeof createConversations>;

/** Conversations and who is in them. */
export function createConversations(deps: { store: Store; clock: () => number }) {
  const { store, clock } = deps;

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

  return {
    get,

    /** A new conversation with the viewer as owner and only member. Error code: `validation_failed`. */
    async create(viewer: ViewerId, input: { title: string }): Promise<Conversation> {
      const title = readText("title", input.title.trim(), LIMITS.titleCharsMax);
      const now = clock();
      const conversation = {
        id: newId(now),
        owner_id: viewer.userId,
        title,
        created_at: now,
        updated_at: now,
      };
      await store.tx(async (tables) => {
        await tables.conversations.insert(conversation);
        await tables.members.add(conversation.id, viewer.userId, now);
      });
      return conversation;
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

    /** Error codes: `not_found`, `validation_failed`. */
    async rename(viewer: ViewerId, id: string, input: { title: string }): Promise<Conversation> {
      const conversation = await getOwned(viewer, id);
      const title = readText("title", input.title.trim(), LIMITS.titleCharsMax);
      if ((await store.conversations.rename(conversation.id, title)) === 0) throw new DuetError("not_found");
      return { ...conversation, title };
    },

    /** Removes the conversation with all its messages. Error code: `not_found`. */
    async remove(viewer: ViewerId, id: string): Promise<void> {
      await store.conversations.remove((await getOwned(viewer, id)).id);
    },

    /** Error code: `not_found`. */
    async listMembers(viewer: ViewerId, id: string): Promise<Member[]> {
      return store.members.list((await get(viewer, id)).id);
    },

    /** The owner lets someone in; who is in already stays in. Error codes: `not_found`, `validation_failed`. */
    async addMember(viewer: ViewerId, id: string, input: { username: string }): Promise<Member> {
      const conversation = await getOwned(viewer, id);
      const name = input.username;
      if (name.trim() === "") throw invalidField("username", "required");
      const user =
        name.isWellFormed() && [...name].length <= LIMITS.usernameCharsMax
          ? await store.users.findByUsername(usernameKey(name.trim()))
          : null;
      if (!user) throw invalidField("username", "no_such_user");
      const now = clock();
      return store.tx(async ({ members }) => {
        await members.add(conversation.id, user.id, now);
        const all = await members.list(conversation.id);
        if (all.length > LIMITS.membersPerConversationMax)
          throw invalidField("username", "too_many", LIMITS.membersPerConversationMax);
        return all.find((member) => member.user_id === user.id)!;
      });
    },

    /** The owner removes anyone else; anyone else leaves. Error codes: `not_found`, `owner_cannot_leave`. */
    async removeMember(viewer: ViewerId, id: string, userId: string): Promise<void> {
      const conversation = await get(viewer, id);
      const mayRemove = userId === viewer.userId || conversation.owner_id === viewer.userId;
      if (!mayRemove) throw new DuetError("not_found");
      if (userId === conversation.owner_id) throw new DuetError("owner_cannot_leave");
      if ((await store.members.remove(conversation.id, userId)) === 0) throw new DuetError("not_found");
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
