import { Elysia, t } from "elysia";
import type { Conversations } from "../core/conversations.ts";
import type { Live } from "../core/live.ts";
import type { Search } from "../core/search.ts";
import type { Sessions } from "../core/sessions.ts";
import { cookieViewer } from "../http/auth.ts";
import type { Cookies } from "../http/cookies.ts";
import { ConversationsPage } from "./conversations.view.tsx";
import { emptyForm } from "./form.view.tsx";
import { isHtmx, pages, type MakePage } from "./page.ts";
import { FoundItems } from "./search.view.tsx";

type Deps = {
  conversations: Conversations;
  search: Search;
  live: Live;
  sessions: Sessions;
  cookies: Cookies;
  makePage: MakePage;
};

/** What was said where: above the list, or on a page of its own where there is no script. */
export const searchPages = ({ conversations, search, live, sessions, cookies, makePage }: Deps) =>
  new Elysia({ name: "web/search" })
    .use(pages)
    .use(cookieViewer(sessions, cookies))
    .get(
      "/search",
      async ({ request, viewer, query }) => {
        const page = makePage(request, viewer);
        const found = <FoundItems page={page} found={await search.find(viewer, query.q)} query={query.q} />;
        if (isHtmx(request)) return found;
        const place = await live.place();
        const list = await conversations.list(viewer);
        const view = { page, list, place, found, query: query.q, form: emptyForm };
        return <ConversationsPage {...view} title={page.t.search.label} />;
      },
      { query: t.Object({ q: t.String() }) },
    );
