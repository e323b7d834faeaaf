import { Elysia } from "elysia";
import { accountPages } from "./account.tsx";
import { conversationPages } from "./conversations.tsx";
import { labPages } from "./lab.tsx";
import { livePages } from "./live.tsx";
import { messagePages } from "./messages.tsx";
import { homePages } from "./home.tsx";
import { searchPages } from "./search.tsx";
import { sessionPages } from "./sessions.tsx";
import { userPages } from "./users.tsx";

type Parts = Parameters<typeof homePages>[0] &
  Parameters<typeof userPages>[0] &
  Parameters<typeof sessionPages>[0] &
  Parameters<typeof conversationPages>[0] &
  Parameters<typeof messagePages>[0] &
  Parameters<typeof searchPages>[0] &
  Parameters<typeof livePages>[0] &
  Parameters<typeof accountPages>[0] &
  Parameters<typeof labPages>[0];

/** Everything for people. */
export const webPages = (parts: Parts) =>
  new Elysia({ name: "web" })
    .use(homePages(parts))
    .use(userPages(parts))
    .use(sessionPages(parts))
    .use(conversationPages(parts))
    .use(messagePages(parts))
    .use(searchPages(parts))
    .use(livePages(parts))
    .use(accountPages(parts))
    .use(labPages(parts));
