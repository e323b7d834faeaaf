import type { Store, Tables } from "../store/index.ts";
import type { MessageRow } from "../store/messages.ts";
import type { Bell } from "./bell.ts";
import { pageLimit, type Conversations, type Page } from "./conversations.ts";
import { DuetError, invalidField } from "./errors.ts";
import { isId, newId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { noteChange } from "./live.ts";
import { readText } from "./text.ts";
import type { Throttle } from "./throttle.ts";
import { indexedWords } from "./words.ts";

export type Message = MessageRow;
export type Messages = ReturnType<typeof createMessages>;

type Author = { userId: string; username: string };

const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Messages of a conversation, in the order in which they were posted. */
export function createMessages(deps: {
  store: Store;
  conversations: Conversations;
  throttle: Throttle;
  bell: Bell;
  clock: () => number;
}) {
  const { store, conversations, throttle, bell, clock } = deps;

  /** One of the viewer's own messages, changed by `work` in the transaction that tells of it. */
  async function change(
    viewer: Author,
    conversationId: string,
    id: string,
    work: (tables: Tables, now: number) => Promise<boolean>,
  ): Promise<Message> {
    await conversations.get(viewer, conversationId);
    await throttle.take(["message_account", viewer.userId]);
    const now = clock();
    let concerned: string[] = [];
    await store.tx(async (tables) => {
      if (!(await work(tables, now))) throw new DuetError("not_found");
      const change = { conversation_id: conversationId, message_id: id, created_at: now };
      concerned = await noteChange(tables, { ...change, kind: "message" });
    });
    bell.ring(concerned);
    return (await store.messages.find(conversationId, id))!;
  }

  /** Error code: `not_found`. */
  async function get(viewer: Author, conversationId: string, id: string): Promise<Message> {
    await conversations.get(viewer, conversationId);
    const message = isId(id) ? await store.messages.find(conversationId, id) : null;
    if (!message) throw new DuetError("not_found");
    return message;
  }

  return {
    get,

    /** One that the viewer may change. Error code: `not_found`. */
    async getOwn(viewer: Author, conversationId: string, id: string): Promise<Message> {
      const message = await get(viewer, conversationId, id);
      if (message.author_id !== viewer.userId || message.removed_at !== null)
        throw new DuetError("not_found");
      return message;
    },

    /**
     * Posts a message. With an idempotency key the same post answers the same message again, for a day, so that a
     * client whose answer was lost may repeat itself. Error codes: `not_found`, `validation_failed`,
     * `idempotency_key_reused` (the key came with another text or conversation), `rate_limited`. Effects: the
     * message, the conversation's time, the key: all or none; then the event streams of its members.
     */
    async post(
      viewer: Author,
      conversationId: string,
      input: { body: string; idempotencyKey?: string | undefined },
    ): Promise<Message> {
      const body = readText("body", input.body, LIMITS.messageCharsMax);
      const key = readIdempotencyKey(input.idempotencyKey);
      const fingerprint = fingerprintOf(conversationId, body);
      await throttle.take(["message_account", viewer.userId]);
      const now = clock();
      let concerned: string[] = [];

      const posted = await store.tx(async (tables) => {
        const conversation = await tables.conversations.find(conversationId, viewer.userId);
        if (!conversation) throw new DuetError("not_found");
        if (key) {
          await tables.idempotency.removeBefore(now - LIMITS.idempotencyKeepMs);
          const earlier = await tables.idempotency.find(viewer.userId, key);
          if (earlier) {
            const message = await tables.messages.find(conversation.id, earlier.resource_id);
            if (earlier.fingerprint !== fingerprint || !message)
              throw new DuetError("idempotency_key_reused");
            return message;
          }
        }
        const message = {
          id: newId(now),
          conversation_id: conversation.id,
          author_id: viewer.userId,
          body,
          created_at: now,
        };
        await tables.messages.insert(message, indexedWords(body));
        await tables.conversations.touch(conversation.id, now);
        if (key)
          await tables.idempotency.insert(viewer.userId, key, { fingerprint, resource_id: message.id }, now);
        const change = { conversation_id: conversation.id, message_id: message.id, created_at: now };
        concerned = await noteChange(tables, { ...change, kind: "message" });
        return { ...message, author_username: viewer.username, edited_at: null, removed_at: null };
      });
      bell.ring(concerned);
      return posted;
    },

    /**
     * Changes the text of one of the viewer's own messages. Error codes: `not_found`, `validation_failed`,
     * `rate_limited`. Effects: the message and its words; then the event streams.
     */
    async edit(
      viewer: Author,
      conversationId: string,
      id: string,
      input: { body: string },
    ): Promise<Message> {
      const body = readText("body", input.body, LIMITS.messageCharsMax);
      return change(viewer, conversationId, id, (tables, now) =>
        tables.messages.edit(conversationId, id, viewer.userId, body, indexedWords(body), now),
      );
    },

    /**
     * Takes one of the viewer's own messages back: its text is gone, its place stays. Error codes: `not_found`,
     * `rate_limited`. Effects: the message and its words; then the event streams.
     */
    takeBack: (viewer: Author, conversationId: string, id: string): Promise<Message> =>
      change(viewer, conversationId, id, (tables, now) =>
        tables.messages.takeBack(conversationId, id, viewer.userId, now),
      ),

    /**
     * Notes that the viewer has read up to a message, or to the newest. Error code: `not_found`. Effects: the
     * viewer's membership; then their own event streams, so that their other tabs and devices know.
     */
    async markRead(viewer: Author, conversationId: string, id?: string): Promise<void> {
      const { unread } = await conversations.get(viewer, conversationId);
      const [newest] =
        id === undefined ? await store.messages.listBefore(conversationId, LAST_ID, 1) : [{ id }];
      if (!newest || !isId(newest.id)) return;
      const marked = await store.tx(async (tables) => {
        const count = await tables.members.markRead(conversationId, viewer.userId, newest.id);
        const change = { conversation_id: conversationId, user_id: viewer.userId, created_at: clock() };
        if (count > 0 && unread > 0) await noteChange(tables, { ...change, kind: "read" });
        return count > 0 && unread > 0;
      });
      if (marked) bell.ring([viewer.userId]);
    },

    /**
     * Messages, oldest first within the page: the newest ones, those just before `before`, those up to `through`,
     * or those just after `after` (message ids). `next` is the id to go on from in the same direction. Error codes: `not_found`,
     * `validation_failed`.
     */
    async list(
      viewer: { userId: string },
      conversationId: string,
      page: {
        limit?: number | undefined;
        before?: string | undefined;
        after?: string | undefined;
        through?: string | undefined;
      } = {},
    ): Promise<Page<Message>> {
      const conversation = await conversations.get(viewer, conversationId);
      const limit = pageLimit(page.limit);
      for (const [field, id] of Object.entries({ before: page.before, after: page.after, at: page.through }))
        if (id !== undefined && !isId(id)) throw invalidField(field, "invalid");
      if (page.before !== undefined && page.after !== undefined) throw invalidField("after", "invalid");

      const { after } = page;
      // No id lies between one and the same with something behind it.
      const before = page.before ?? (page.through && `${page.through}~`) ?? LAST_ID;
      const rows = after
        ? await store.messages.listAfter(conversation.id, after, limit + 1)
        : await store.messages.listBefore(conversation.id, before, limit + 1);
      const items = rows.slice(0, limit);
      const next = rows.length > limit ? items.at(-1)!.id : null;
      return { items: after ? items : items.reverse(), next };
    },
  };
}

function readIdempotencyKey(key: string | undefined): string | undefined {
  if (key === undefined || key === "") return undefined;
  if (!/^[\x21-\x7e]+$/.test(key)) throw invalidField("idempotency_key", "invalid");
  if (key.length > LIMITS.idempotencyKeyCharsMax)
    throw invalidField("idempotency_key", "too_long", LIMITS.idempotencyKeyCharsMax);
  return key;
}

const fingerprintOf = (conversationId: string, body: string) =>
  new Bun.CryptoHasher("sha256").update(`${conversationId}\n${body}`).digest("base64url");
