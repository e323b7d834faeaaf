import type { Db, Queryable } from "../db/index.ts";
import { challengeStore } from "./challenges.ts";
import { changeStore } from "./changes.ts";
import { conversationStore } from "./conversations.ts";
import { deviceStore } from "./devices.ts";
import { deviceNameStore } from "./device-names.ts";
import { eraStore } from "./eras.ts";
import { factorStore } from "./factors.ts";
import { securityStore } from "./security.ts";
import { formStore } from "./forms.ts";
import { guestStore } from "./guests.ts";
import { idempotencyStore } from "./idempotency.ts";
import { letterStore } from "./letters.ts";
import { linkStore } from "./links.ts";
import { inviteStore } from "./invites.ts";
import { keyStore } from "./keys.ts";
import { memberStore } from "./members.ts";
import { messageStore } from "./messages.ts";
import { noteStore } from "./notes.ts";
import { proofStore } from "./proofs.ts";
import { sessionStore } from "./sessions.ts";
import { termStore } from "./terms.ts";
import { throttleStore } from "./throttles.ts";
import { transferStore } from "./transfer.ts";
import { userStore } from "./users.ts";

const bind = (q: Queryable, isTransaction = false) => ({
  users: userStore(q),
  sessions: sessionStore(q),
  eras: eraStore(q),
  devices: deviceStore(q),
  deviceNames: deviceNameStore(q),
  security: securityStore(q),
  throttles: throttleStore(q),
  proofs: proofStore(q),
  keys: keyStore(q),
  links: linkStore(q),
  letters: letterStore(q),
  factors: factorStore(q),
  challenges: challengeStore(q),
  guests: guestStore(q),
  conversations: conversationStore(q),
  members: memberStore(q),
  messages: messageStore(q),
  notes: noteStore(q),
  invites: inviteStore(q),
  terms: termStore(q),
  idempotency: idempotencyStore(q),
  forms: formStore(q),
  changes: changeStore(q, isTransaction),
  transfer: transferStore(q),
});

export type Tables = ReturnType<typeof bind>;

/** Every table whose ids say an order. */
const NEWEST_ID = `SELECT max(id) AS id FROM (
    SELECT max(id) AS id FROM messages UNION ALL SELECT max(id) FROM conversations
    UNION ALL SELECT max(id) FROM notes
    UNION ALL SELECT max(id) FROM sessions UNION ALL SELECT max(id) FROM auth_events) AS newest`;

/** Every table, and `tx` for writes in several of them that must all happen or none. */
export type Store = Tables &
  Omit<Db, keyof Queryable | "tx" | "snapshot" | "close"> & {
    tx<T>(work: (tables: Tables) => Promise<T>): Promise<T>;
    snapshot<T>(work: (tables: Tables) => Promise<T>): Promise<T>;
    /** The last id that was made, by whichever process; null in an empty database. */
    newestId(): Promise<string | null>;
  };

export const createStore = (db: Db): Store => ({
  ...bind(db),
  onTouched: db.onTouched,
  isCurrent: db.isCurrent,
  hasOneWriter: db.hasOneWriter,
  settled: db.settled,
  tell: db.tell,
  onTold: db.onTold,
  alone: db.alone,
  now: db.now,
  trouble: db.trouble,
  others: db.others,
  commits: db.commits,
  tx: (work) => db.tx((q) => work(bind(q, true))),
  snapshot: (work) => db.snapshot((q) => work(bind(q))),
  newestId: async () => (await db.one<{ id: string | null }>(NEWEST_ID))?.id ?? null,
});
