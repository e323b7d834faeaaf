import type { Entry, Generation, LabAct } from "../core/auth/diary.ts";
import type { RotationDecision } from "../core/auth/rotation.ts";
import type { EndReason } from "../errors.ts";

// What the server and the script of its pages tell each other. Types only: web/ writes them, client/ reads them.

/** How a session ended, as in the body of a refusal (`session_ended`) and in the last event of a stream. */
export type EndedSession = {
  reason?: EndReason;
  reason_detail?: string;
  /** RFC 3339 */
  ended_at?: string;
  ended_by?: { device: string | null; ip: string } | null;
};

/** A conversation that has changed, with the item of the list that shows it. */
type ChangedConversation = { conversation: string; item: string };

/** The events of `/live`, by name, with their data; fragments of pages are HTML of our own views. */
export type LiveEvents = {
  /** `isNew`: said just now, and not one that was changed or taken back. */
  message: ChangedConversation & { message: string; html: string; isNew: boolean };
  conversation: ChangedConversation & { title: string };
  members: ChangedConversation & { title: string };
  read: ChangedConversation & { title: string };
  conversation_removed: { conversation: string };
  /** Nothing new; it keeps the place current. */
  heartbeat: object;
  /** What came since is not kept any more: load afresh. */
  reset: object;
};

/** What the lab knows of a session; times are epoch milliseconds of the server's clock. */
export type LabState = {
  entries: Entry[];
  generations: Generation[];
  /** The rows of the rule that decided last. */
  decided: RotationDecision["kind"][];
  /** What the tour asks for. */
  next: LabAct | null;
  now: number;
  endedAt?: number;
};
