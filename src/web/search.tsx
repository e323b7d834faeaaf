import { Elysia, t } from "elysia";
import { cookieViewer } from "../http/auth.ts";
import { ConversationsPage } from "./conversations.view.tsx";
import { emptyForm } from "./form.view.tsx";
import { isHtmx, pages, type Web } from "./page.ts";
import { FoundItems } from "./search.view.tsx";

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
        const found = <FoundItems page={page} found={await search.find(viewer, query.q)} query={query.q} />;
        if (isHtmx(request)) return found;
        const place = await live.place();
        const list = await conversations.list(viewer);
        const view = { page, list, place, found, query: query.q, form: emptyForm };
        return <ConversationsPage {...view} title={page.t.search.label} />;
      },
      { query: t.Object({ q: t.String() }) },
    );
