import { DuetError } from "../errors.ts";
import { requestIdOf } from "../http/connection.ts";
import { isSkipped } from "../http/dbsc.ts";
import { languageOf } from "../http/language.ts";
import { challenge, headersOf, renderProblem, type RenderPage } from "../http/problem.ts";
import { describe } from "../locales/index.ts";
import { emptyForm } from "./form.view.tsx";
import { refererOf, safeNext } from "./next.ts";
import { hold } from "./proof.tsx";
import { ProofPage } from "./proof.view.tsx";
import { ErrorNotice, ErrorPage } from "./problem.view.tsx";
import { isHtmx, type Web } from "./page.ts";

/**
 * Errors as people meet them. A refused token on a navigation goes to the refresh and comes back (303; 307 keeps
 * a form's method and body); to a script it is a 401, by which the script refreshes and asks again.
 */
export const createPageErrors =
  ({ viewerIfAny, cookies, pageContext }: Pick<Web, "viewerIfAny" | "cookies" | "pageContext">): RenderPage =>
  async (error, request, body) => {
    if (isForPrograms(request)) return null;
    // A browser that holds a key and cannot get a new cookie just now has not lost its session.
    const isWaiting =
      error.status === 401 && !error.details.end && isSkipped(request) && cookies.hasSession(request);
    if (isWaiting) error = new DuetError("unavailable", { cause: error, retryAfterSeconds: 2 });
    const { asked } = error.details;
    if (asked && isNavigation(request)) {
      // What was being done is held until they have proved who they are.
      const path = pathOf(request);
      const isRead = request.method === "GET";
      const viewer = await viewerIfAny({ request, server: null });
      const view = { page: pageContext(request, viewer), asked, form: emptyForm };
      const held = isRead ? null : hold(pathnameOf(request), body);
      const from = safeNext(refererOf(request), "/account");
      // What cannot be held is typed again, and that is said.
      const next = isRead ? path : held === null && /^\/account\b/.test(from) ? "/account?done=proved" : from;
      return respond(<ProofPage {...view} next={next} held={held} />, error);
    }
    const isTokenError = error.status === 401 && !asked && error.code !== "invalid_credentials";
    if (isTokenError) return isNavigation(request) ? sendToRefresh(request) : askForRefresh(error, request);

    const form =
      isNavigation(request) && error.code === "method_not_allowed" && FORM.exec(pathnameOf(request));
    if (form) return new Response(null, { status: 303, headers: { location: form[1]! } });

    const { title, detail } = describe(languageOf(request), error);
    const requestId = error.status >= 500 ? requestIdOf(request) : null;
    if (isHtmx(request)) {
      // Beside the content, not over it: what was typed stays.
      const headers = { "hx-retarget": "#notice", "hx-reswap": "innerHTML", "hx-reselect": "p" };
      return respond(
        <ErrorNotice page={pageContext(request, null)} detail={detail} requestId={requestId} />,
        error,
        headers,
      );
    }
    // A person who is signed in stays so on an error page, as far as it can be known.
    const viewer = await viewerIfAny({ request, server: null }).catch(() => null);
    const page = pageContext(request, viewer);
    const view = { page, status: error.status, title, detail, requestId };
    return respond(<ErrorPage {...view} />, error);
  };

/** The address of a form, opened as a page: the page that it is on. */
const FORM = /^(\/account|\/admin\/people\/[^/]+|\/admin|\/conversations\/[^/]+)\//;

const pathOf = (request: Request) => {
  const { pathname, search } = new URL(request.url);
  return pathname + search;
};

const pathnameOf = (request: Request) => new URL(request.url).pathname;

const isForPrograms = (request: Request) =>
  /^\/(?:api|oauth|\.well-known|auth\/dbsc|auth\/verify|assets|healthz|readyz)(?:\/|$)/.test(
    pathnameOf(request),
  ) || !(isHtmx(request) || isNavigation(request) || request.headers.has("sec-fetch-mode"));

const isNavigation = (request: Request) => {
  const mode = request.headers.get("sec-fetch-mode");
  return mode === null
    ? !isHtmx(request) && !!request.headers.get("accept")?.includes("text/html")
    : mode === "navigate";
};

function sendToRefresh(request: Request): Response {
  const { pathname, search } = new URL(request.url);
  const status = request.method === "GET" || request.method === "HEAD" ? 303 : 307;
  return new Response(null, {
    status,
    headers: { location: `/auth/refresh?next=${encodeURIComponent(pathname + search)}` },
  });
}

/** An expired cookie is one the browser no longer sends: to the page's script that is an invalid token all the same. */
function askForRefresh(error: DuetError, request: Request): Response {
  const response = renderProblem(error, request);
  const code = error.code === "token_missing" ? "token_expired" : error.code;
  response.headers.set("www-authenticate", challenge(new DuetError(code)));
  response.headers.set("hx-reswap", "none");
  return response;
}

function respond(markup: { html: string }, error: DuetError, headers: Record<string, string> = {}): Response {
  return new Response(markup.html, {
    status: error.status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      ...headersOf(error),
      ...headers,
    },
  });
}
