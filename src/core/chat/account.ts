import { LIMITS } from "../../limits.ts";
import type { Store } from "../../store/index.ts";
import type { MessageRow } from "../../store/messages.ts";
import type { AccountPart } from "../auth/departures.ts";
import type { Clock } from "../clock.ts";
import type { Transaction } from "../commit.ts";
import { everyRow } from "../page.ts";
import { noteChange } from "./changes.ts";
import { everyTitle } from "./conversations.ts";

/**
 * What conversations are to an account. Those that a user shares pass on to whoever has been in them longest, and
 * their messages stay without their name; what is theirs alone goes with them.
 */
export const createChatAccount = ({ store, clock }: { store: Store; clock: Clock }): AccountPart => ({
  async clearSome(tx, userId) {
    const ids = await tx.conversations.idsOf(userId, LIMITS.conversationsLeftAtOnce);
    for (const id of ids) if (!(await leave(tx, id, userId, clock()))) return true;
    if (ids.length > 0 || (await tx.messages.forgetAuthor(userId, LIMITS.rowsClearedAtOnce)) > 0) return true;
    if ((await tx.invites.removeOf(userId, LIMITS.rowsClearedAtOnce)) > 0) return true;
    return (await tx.notes.forget(userId, LIMITS.rowsClearedAtOnce)) > 0;
  },

  exportOf: (userId) => ({
    conversations: conversationsOf(store, userId),
    messages: messagesOf(store, userId),
    conversation_events: notesOf(store, userId),
  }),
});

/** False if it was theirs alone and some of it is still there. */
async function leave(tx: Transaction, id: string, userId: string, now: number): Promise<boolean> {
  await tx.conversations.takeTurn(id);
  const heir = await tx.members.heirOf(id, userId);
  if (!heir) {
    await tx.conversations.remove(id, LIMITS.rowsClearedAtOnce);
    return false;
  }
  await tx.conversations.passOn(id, userId, heir.user_id);
  await tx.members.remove(id, userId);
  await noteChange(tx, { conversation_id: id, kind: "members", created_at: now });
  return true;
}

const time = (ms: number) => new Date(ms).toISOString();

async function* conversationsOf(store: Store, userId: string) {
  for await (const c of everyTitle(store, userId))
    yield { id: c.id, title: c.title, is_owner: c.owner_id === userId, created_at: time(c.created_at) };
}

async function* messagesOf(store: Store, userId: string) {
  const messages = everyRow<MessageRow>((last, limit) =>
    store.messages.listByAuthor(userId, last?.id ?? "", limit),
  );
  for await (const m of messages)
    yield {
      id: m.id,
      conversation_id: m.conversation_id,
      body: m.body,
      created_at: time(m.created_at),
      edited_at: m.edited_at === null ? null : time(m.edited_at),
    };
}

async function* notesOf(store: Store, userId: string) {
  type Own = Awaited<ReturnType<Store["notes"]["listByActor"]>>[number];
  const notes = everyRow<Own>((last, limit) => store.notes.listByActor(userId, last?.id ?? "", limit));
  for await (const { conversation_id, kind, title, created_at } of notes)
    yield { conversation_id, kind, title, created_at: time(created_at) };
}
