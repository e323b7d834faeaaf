import { html } from "@elysiajs/html";
import { Elysia } from "elysia";
import { Markup } from "#html";
import type { Viewer } from "../core/sessions.ts";
import { assetUrls } from "../http/assets.ts";
import type { Cookies } from "../http/cookies.ts";
import { languageOf } from "../http/language.ts";
import { LOCALES } from "../locales/index.ts";
import type { PageContext } from "./layout.view.tsx";
import { refererOf } from "./next.ts";

export type MakePage = (request: Request, viewer: Pick<Viewer, "userId" | "username"> | null) => PageContext;

export const createMakePage =
  (cookies: Cookies): MakePage =>
  (request, viewer) => {
    const language = languageOf(request);
    return {
      t: LOCALES[language],
      language,
      path: pathOf(request),
      viewer: viewer && { userId: viewer.userId, username: viewer.username },
      ...assetUrls,
      generationCookie: cookies.names.generation,
    };
  };

/** Where a page is to be found again: a form that is shown again, on the page that it was on. */
function pathOf(request: Request): string {
  const { pathname, search } = new URL(request.url);
  return request.method === "GET" ? pathname + search : refererOf(request);
}

/** Lets a handler answer with markup. Strings stay text: only what our JSX made becomes a page. */
export const pages = new Elysia({ name: "pages" })
  .use(html({ autoDetect: false, contentType: "text/html; charset=utf-8" }))
  .mapResponse({ as: "global" }, ({ responseValue, html: answer }) =>
    responseValue instanceof Markup ? (answer(responseValue.html) as Response) : undefined,
  );

export const isHtmx = (request: Request): boolean => request.headers.get("hx-request") === "true";
