import type { Store } from "../../store/index.ts";
import type { Endings } from "../auth/endings.ts";
import type { RememberedSessions } from "../auth/remembered.ts";
import type { Throttle } from "../auth/throttle.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import type { Notifier } from "../notifier.ts";
import { createConversations } from "./conversations.ts";
import { createInvites } from "./invites.ts";
import { createLive } from "./live.ts";
import { createMembers } from "./members.ts";
import { createMessages } from "./messages.ts";
import { createNotes } from "./notes.ts";
import { createSearch } from "./search.ts";
import type { Tail } from "./tail.ts";
import { createOpenThread } from "./thread.ts";

/** Everything that people say to each other, by the names that routes ask for. */
export function createChat(deps: {
  store: Store;
  commit: Commit;
  throttle: Throttle;
  clock: Clock;
  endings: Endings;
  remembered: RememberedSessions;
  tail: Tail;
  notifier: Notifier;
  heartbeatMs: number;
}) {
  const conversations = createConversations(deps);
  const members = createMembers({ ...deps, conversations });
  const invites = createInvites({ ...deps, conversations });
  const messages = createMessages({ ...deps, conversations });
  const notes = createNotes(deps);
  const search = createSearch(deps);
  const live = createLive(deps);
  const openThread = createOpenThread({ conversations, members, messages, notes, invites, live });
  return { conversations, members, invites, messages, notes, search, live, openThread };
}
