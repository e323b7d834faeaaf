import { Elysia } from "elysia";
import { accountPages } from "./account.tsx";
import { conversationPages } from "./conversations.tsx";
import { labPages } from "./lab.tsx";
import { livePages } from "./live.tsx";
import { messagePages } from "./messages.tsx";
import { homePages } from "./home.tsx";
import type { Web } from "./page.ts";
import { searchPages } from "./search.tsx";
import { sessionPages } from "./sessions.tsx";
import { userPages } from "./users.tsx";

/** Everything for people. */
export const webPages = (web: Web) =>
  new Elysia({ name: "web" })
    .use(homePages(web))
    .use(userPages(web))
    .use(sessionPages(web))
    .use(conversationPages(web))
    .use(messagePages(web))
    .use(searchPages(web))
    .use(livePages(web))
    .use(accountPages(web))
    .use(labPages(web));
