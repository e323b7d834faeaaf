import type { ChangeRow } from "../../store/changes.ts";
import type { Transaction } from "../commit.ts";

/**
 * Notes a change in the transaction that makes it, for the event streams of all members of its conversation, or of
 * `user_id` alone. Effects: one row in `changes`; those streams are woken after the commit.
 */
export async function noteChange(
  tx: Transaction,
  change: Pick<ChangeRow, "conversation_id" | "kind" | "created_at"> & Partial<ChangeRow>,
): Promise<void> {
  const row = await tx.changes.insert({ user_id: null, message_id: null, ...change });
  tx.notify(row.user_id ? [row.user_id] : await tx.members.idsOf(row.conversation_id), row);
}
