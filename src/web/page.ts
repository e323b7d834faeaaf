import { html } from "@elysiajs/html";
import { Elysia } from "elysia";
import { Markup } from "#html";
import type { Viewer } from "../core/viewer.ts";
import type { Duet } from "../duet.ts";
import { DuetError } from "../errors.ts";
import type { Incoming } from "../http/connection.ts";
import { chosenScheme } from "../http/cookies.ts";
import { assetUrls } from "../http/assets.ts";
import type { Edge } from "../http/edge.ts";
import { languageOf } from "../http/language.ts";
import { LOCALES } from "../locales/index.ts";
import type { PageContext } from "./layout.view.tsx";
import { refererOf } from "./next.ts";

/** What pages are made of: the services, what they need of HTTP, and what every view is given. */
export type Web = Duet &
  Edge & {
    /** By a good access cookie; null where there is none or it is refused, and throws where that cannot be checked. */
    viewerIfAny(incoming: Incoming): Promise<Viewer | null>;
    pageContext(request: Request, viewer: Pick<Viewer, "userId" | "username"> | null): PageContext;
  };

/** Made once, for all pages. */
export const createWeb = (duet: Duet, edge: Edge): Web => ({
  ...duet,
  ...edge,
  async viewerIfAny(incoming) {
    const token = edge.cookies.accessToken(incoming.request);
    try {
      return await duet.sessions.authenticate(token, edge.showingOf(incoming, "cookie"));
    } catch (error) {
      if (error instanceof DuetError && error.status < 500) return null;
      throw error;
    }
  },
  pageContext(request, viewer) {
    const language = languageOf(request);
    return {
      t: LOCALES[language],
      language,
      scheme: chosenScheme(request),
      path: pathOf(request),
      viewer: viewer && { userId: viewer.userId, username: viewer.username },
      ...assetUrls,
      origin: duet.settings.issuer,
      generationCookie: edge.cookies.names.generation,
      hasMail: duet.emails.isOn,
    };
  },
});

/** Where the language switch and the sign-in come back to; of a form that is shown again its page, since its own address cannot be opened. */
function pathOf(request: Request): string {
  const { pathname, search } = new URL(request.url);
  return request.method === "GET" ? pathname + search : refererOf(request);
}

/** Lets a handler answer with markup. Strings stay text: only what our JSX made becomes a page. */
export const pages = new Elysia({ name: "pages" })
  .use(html({ autoDetect: false, autoDoctype: false, contentType: "text/html; charset=utf-8" }))
  .mapResponse({ as: "global" }, ({ responseValue, html: answer }) =>
    responseValue instanceof Markup ? (answer(responseValue.html) as Response) : undefined,
  );

/** Where to go on to after a form; htmx would follow a redirect by itself and take its page for the answer. */
export function goOn(
  request: Request,
  set: { headers: Record<string, unknown>; status?: number | string },
  url: string,
) {
  set.status = isHtmx(request) ? 204 : 303;
  set.headers[isHtmx(request) ? "hx-redirect" : "location"] = url;
}

export const isHtmx = (request: Request): boolean => request.headers.get("hx-request") === "true";
