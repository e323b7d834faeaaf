import { Elysia, t } from "elysia";
import { cookieViewer } from "../http/auth.ts";
import { ConversationsPage } from "./conversations.view.tsx";
import { emptyForm } from "./form.view.tsx";
import { isHtmx, pages, type Web } from "./page.ts";
import { FoundItems, FoundMessages } from "./search.view.tsx";

type Deps = Pick<
  Web,
  "conversations" | "search" | "live" | "sessions" | "cookies" | "showingOf" | "pageContext"
>;

/** What was said where: above the list, or on a page of its own where there is no script. */
export const searchPages = ({
  conversations,
  search,
  live,
  sessions,
  cookies,
  showingOf,
  pageContext,
}: Deps) =>
  new Elysia({ name: "web/search" })
    .use(pages)
    .use(cookieViewer({ sessions, cookies, showingOf }))
    .get(
      "/search",
      async ({ request, viewer, query }) => {
        const page = pageContext(request, viewer);
        const { q, before } = query;
        const all = await search.find(viewer, q, before);
        if (isHtmx(request) && before) return <FoundMessages page={page} found={all} query={q} />;
        const found = <FoundItems page={page} found={all} query={q} isOlder={before !== undefined} />;
        if (isHtmx(request)) return found;
        const place = await live.place();
        const list = await conversations.list(viewer);
        const view = { page, list, place, found, query: q, form: emptyForm };
        return <ConversationsPage {...view} title={page.t.search.label} />;
      },
      { query: t.Object({ q: t.String(), before: t.Optional(t.String()) }) },
    );
