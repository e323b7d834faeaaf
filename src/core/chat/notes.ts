import { LIMITS } from "../../limits.ts";
import type { ConversationRow } from "../../store/conversations.ts";
import type { Store } from "../../store/index.ts";
import type { MessageRow } from "../../store/messages.ts";
import type { NoteRow } from "../../store/notes.ts";
import type { Transaction } from "../commit.ts";
import { newIdAfter } from "../ids.ts";
import type { Page } from "../page.ts";

export type Note = NoteRow;
export type Notes = ReturnType<typeof createNotes>;

const LAST_ID = "~";

/**
 * Writes down what happened to a conversation, after all that was said in it, in the transaction that does it. Effect: one row in
 * `notes`.
 */
export async function writeNote(
  tx: Transaction,
  note: Pick<NoteRow, "conversation_id" | "kind" | "actor_id" | "created_at"> &
    Partial<Pick<NoteRow, "subject_id" | "title">>,
): Promise<void> {
  const { conversation_id: id, created_at: now } = note;
  const [message, before] = [await tx.messages.newestIn(id), await tx.notes.newestIn(id)];
  const own = newIdAfter(message > before ? message : before, now);
  await tx.notes.insert({ subject_id: null, title: null, ...note, id: own });
}

/** What happened to a conversation, to be shown between its messages: who was added, who left, what it is called. */
export function createNotes({ store }: { store: Store }) {
  const listBetween = async ({ id }: ConversationRow, after: string, before: string): Promise<Note[]> =>
    (await store.notes.listBetween(id, after, before, LIMITS.notesShown)).reverse();

  return {
    /** Those after a message or note of a conversation, which was loaded through one of its members. */
    listAfter: (conversation: ConversationRow, after: string): Promise<Note[]> =>
      listBetween(conversation, after, LAST_ID),

    /** Those that belong to a page of its messages, which reaches `before` a message, or to the present. */
    listAmong: (
      conversation: ConversationRow,
      messages: Page<MessageRow>,
      before = LAST_ID,
    ): Promise<Note[]> =>
      listBetween(conversation, messages.next === null ? "" : (messages.items[0]?.id ?? ""), before),
  };
}
