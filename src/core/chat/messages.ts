import { DuetError, invalidField } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { MessageRow } from "../../store/messages.ts";
import type { Transaction } from "../commit.ts";
import { isId, newIdAfter, timeIn } from "../ids.ts";
import { pageLimit, pageOf, type Page } from "../page.ts";
import type { Viewer, ViewerId } from "../viewer.ts";
import { noteChange } from "./changes.ts";
import type { Conversation, WithinConversations } from "./conversations.ts";
import { indexedTerms, messageMark } from "./terms.ts";
import { readText } from "./text.ts";

export type Message = MessageRow;
export type Messages = ReturnType<typeof createMessages>;

/** Which messages: the newest ones, those just before `before`, up to `through`, or just after `after` (ids). */
export type MessagePage = {
  limit?: number | undefined;
  before?: string | undefined;
  after?: string | undefined;
  through?: string | undefined;
};

type Author = Pick<Viewer, "userId" | "username">;

const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Messages of a conversation, in the order in which they were posted. */
export function createMessages({ store, commit, conversations, throttle, clock }: WithinConversations) {
  /** One of the viewer's own messages, changed by `work` in the transaction that tells of it. */
  async function change(
    viewer: ViewerId,
    conversationId: string,
    id: string,
    work: (tx: Transaction, now: number) => Promise<boolean>,
  ): Promise<Message> {
    await conversations.get(viewer, conversationId);
    await throttle.take(["message_account", viewer.userId]);
    return commit(async (tx) => {
      await tx.conversations.takeTurn(conversationId);
      await conversations.get(viewer, conversationId, tx);
      const now = clock();
      if (!(await work(tx, now))) throw new DuetError("not_found");
      const change = { conversation_id: conversationId, message_id: id, created_at: now };
      await noteChange(tx, { ...change, kind: "message" });
      return (await tx.messages.find(conversationId, id))!;
    });
  }

  /** Error code: `not_found`. */
  async function get(viewer: ViewerId, conversationId: string, id: string): Promise<Message> {
    await conversations.get(viewer, conversationId);
    const message = isId(id) ? await store.messages.find(conversationId, id) : null;
    if (!message) throw new DuetError("not_found");
    return message;
  }

  /**
   * Messages of a conversation that was loaded through one of its members, oldest first within the page. `next` is
   * the id to go on from in the same direction. Error code: `validation_failed`.
   */
  async function listIn({ id }: Conversation, page: MessagePage = {}): Promise<Page<Message>> {
    const limit = pageLimit(page.limit);
    for (const [field, id] of Object.entries({ before: page.before, after: page.after, at: page.through }))
      if (id !== undefined && !isId(id)) throw invalidField(field, "invalid");
    if (page.before !== undefined && page.after !== undefined) throw invalidField("after", "invalid");

    const idOf = (message: Message) => message.id;
    if (page.after) return pageOf(await store.messages.listAfter(id, page.after, limit + 1), limit, idOf);
    // `id~` sorts just after `id`, so that the exclusive bound includes that message.
    const before = page.before ?? (page.through && `${page.through}~`) ?? LAST_ID;
    const { items, next } = pageOf(await store.messages.listBefore(id, before, limit + 1), limit, idOf);
    return { items: items.reverse(), next };
  }

  /**
   * Notes that a member has read a conversation, as they loaded it, up to a message. Effects: their membership, if
   * that is news; then their own event streams, so that their other tabs and devices know.
   */
  async function markReadIn(viewer: ViewerId, conversation: Conversation, messageId: string): Promise<void> {
    if (messageId > conversation.read_id)
      await commit(async (tx) => {
        await tx.conversations.takeTurn(conversation.id);
        await markReadTo(tx, viewer, conversation, messageId);
      });
  }

  async function markReadTo(
    tx: Transaction,
    { userId }: ViewerId,
    { id, unread }: Conversation,
    messageId: string,
  ) {
    const marked = await tx.members.markRead(id, userId, messageId);
    const change = { conversation_id: id, user_id: userId, created_at: clock() };
    if (marked > 0 && unread > 0) await noteChange(tx, { ...change, kind: "read" });
  }

  return {
    get,
    listIn,

    /** The same by the conversation's id. Error codes: `not_found`, `validation_failed`. */
    list: async (viewer: ViewerId, conversationId: string, page?: MessagePage): Promise<Page<Message>> =>
      listIn(await conversations.get(viewer, conversationId), page),

    /** One that the viewer may change. Error code: `not_found`. */
    async getOwn(viewer: ViewerId, conversationId: string, id: string): Promise<Message> {
      const message = await get(viewer, conversationId, id);
      if (message.author_id !== viewer.userId || message.removed_at !== null)
        throw new DuetError("not_found");
      return message;
    },

    /**
     * Posts a message. With an idempotency key the same post returns the same message again, for a week, so that a
     * client whose answer was lost may repeat itself. Error codes: `not_found`, `validation_failed`,
     * `idempotency_key_reused` (the key came with another text or conversation), `rate_limited`. Effects: the
     * message, the conversation's time, the viewer's own mark, the key: all or none; then the event streams of its members.
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
      return commit(async (tx) => {
        await tx.conversations.takeTurn(conversationId);
        const now = clock();
        const conversation = await tx.conversations.find(conversationId, viewer.userId);
        if (!conversation) throw new DuetError("not_found");
        const id = newIdAfter(await tx.messages.newestIn(conversation.id), now);
        if (key) {
          // At least as many as come, so that no more than a week of them is ever kept.
          await tx.idempotency.removeBefore(now - LIMITS.idempotencyKeepMs, 2);
          const earlier = await tx.idempotency.claim(
            viewer.userId,
            key,
            { fingerprint, resource_id: id },
            now,
          );
          if (earlier) {
            const message = await tx.messages.find(conversation.id, earlier.resource_id);
            if (earlier.fingerprint !== fingerprint || !message)
              throw new DuetError("idempotency_key_reused");
            return message;
          }
        }
        const message = {
          id,
          conversation_id: conversation.id,
          author_id: viewer.userId,
          body,
          created_at: now,
        };
        const { number, said } = await tx.conversations.countMessage(conversation.id, timeIn(message.id));
        const part = Math.floor((said - 1) / LIMITS.messagesPerPart);
        await tx.messages.insert({ ...message, part });
        await tx.terms.setMessage(message.id, indexedTerms(messageMark(number, part), body));
        const change = { conversation_id: conversation.id, message_id: message.id, created_at: now };
        await noteChange(tx, { ...change, kind: "message" });
        // Whoever speaks has read what is above.
        await markReadTo(tx, viewer, conversation, message.id);
        return { ...message, author_username: viewer.username, edited_at: null, removed_at: null };
      });
    },

    /**
     * Changes the text of one of the viewer's own messages. Error codes: `not_found`, `validation_failed`,
     * `rate_limited`. Effects: the message and its words; then the event streams.
     */
    async edit(
      viewer: ViewerId,
      conversationId: string,
      id: string,
      input: { body: string },
    ): Promise<Message> {
      const body = readText("body", input.body, LIMITS.messageCharsMax);
      return change(viewer, conversationId, id, async (tx, now) => {
        const changed = await tx.messages.edit(conversationId, id, viewer.userId, body, now);
        const place = changed > 0 ? await tx.messages.placeOf(id) : null;
        if (place)
          await tx.terms.setMessage(id, indexedTerms(messageMark(place.conversation, place.part), body));
        return place !== null;
      });
    },

    /**
     * Takes one of the viewer's own messages back: its text is gone, its place stays. Error codes: `not_found`,
     * `rate_limited`. Effects: the message and its words; then the event streams.
     */
    takeBack: (viewer: ViewerId, conversationId: string, id: string): Promise<Message> =>
      change(viewer, conversationId, id, async (tx, now) => {
        const changed = await tx.messages.takeBack(conversationId, id, viewer.userId, now);
        if (changed > 0) await tx.terms.removeMessage(id);
        return changed > 0;
      }),

    /**
     * Notes that the viewer has read up to a message of the conversation, or to the newest. Error codes: `not_found`,
     * also of the message; `validation_failed`. Effects: as `markReadIn`.
     */
    async markRead(viewer: ViewerId, conversationId: string, messageId?: string): Promise<void> {
      if (messageId !== undefined && !isId(messageId)) throw invalidField("message_id", "invalid");
      const conversation = await conversations.get(viewer, conversationId);
      if (messageId === undefined) {
        const [newest] = await store.messages.listBefore(conversationId, LAST_ID, 1);
        return newest && markReadIn(viewer, conversation, newest.id);
      }
      if (!(await store.messages.find(conversationId, messageId))) throw new DuetError("not_found");
      await markReadIn(viewer, conversation, messageId);
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
