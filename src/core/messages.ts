import type { Store } from "../store/index.ts";
import type { MessageRow } from "../store/messages.ts";
import type { Bell } from "./bell.ts";
import { pageLimit, type Conversations, type Page } from "./conversations.ts";
import { DuetError, invalidField } from "./errors.ts";
import { isId, newId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { noteChange } from "./live.ts";
import { readText } from "./text.ts";
import type { Throttle } from "./throttle.ts";

export type Message = MessageRow;
export type Messages = ReturnType<typeof createMessages>;

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

  return {
    /**
     * Posts a message. With an idempotency key the same post answers the same message again, for a day, so that a
     * client whose answer was lost may repeat itself. Error codes: `not_found`, `validation_failed`,
     * `idempotency_key_reused` (the key came with another text or conversation), `rate_limited`. Effects: the
     * message, the conversation's time, the key: all or none; then the event streams of its members.
     */
    async post(
      viewer: { userId: string; username: string },
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
        await tables.messages.insert(message);
        await tables.conversations.touch(conversation.id, now);
        if (key)
          await tables.idempotency.insert(viewer.userId, key, { fingerprint, resource_id: message.id }, now);
        const change = { conversation_id: conversation.id, message_id: message.id, created_at: now };
        concerned = await noteChange(tables, { ...change, kind: "message" });
        return { ...message, author_username: viewer.username };
      });
      bell.ring(concerned);
      return posted;
    },

    /**
     * Messages, oldest first within the page: the newest ones, those just before `before`, or those just after
     * `after` (message ids). `next` is the id to go on from in the same direction. Error codes: `not_found`,
     * `validation_failed`.
     */
    async list(
      viewer: { userId: string },
      conversationId: string,
      page: { limit?: number | undefined; before?: string | undefined; after?: string | undefined } = {},
    ): Promise<Page<Message>> {
      const conversation = await conversations.get(viewer, conversationId);
      const limit = pageLimit(page.limit);
      for (const [field, id] of Object.entries({ before: page.before, after: page.after }))
        if (id !== undefined && !isId(id)) throw invalidField(field, "invalid");
      if (page.before !== undefined && page.after !== undefined) throw invalidField("after", "invalid");

      const { before = LAST_ID, after } = page;
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
