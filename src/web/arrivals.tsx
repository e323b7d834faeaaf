import { Elysia, t } from "elysia";
import type { IssuedTokens } from "../core/auth/sessions.ts";
import { formWithoutCookies } from "./form.ts";
import { safeNext } from "./next.ts";
import { isHtmx, pages, type Web } from "./page.ts";
import { SignInPage } from "./sessions.view.tsx";

const CODES_MAX = 1000;

export type Arrivals = ReturnType<typeof createArrivals>;

/**
 * Whether the cookies of a sign-in were kept: a browser that has sent none before goes by `/auth/arrived`, with a code for
 * the session that is to end if it comes without them. The codes are this process's own; one that another process made
 * ends nothing.
 */
export function createArrivals() {
  const sessions = new Map<string, string>();
  return {
    /** Where to go on to after a sign-in. */
    nextOf(request: Request, { sessionId }: IssuedTokens, next: string): string {
      const isBrowser = isHtmx(request) || request.headers.get("sec-fetch-mode") === "navigate";
      if (request.headers.has("cookie") || !isBrowser) return next;
      const code = crypto.randomUUID();
      sessions.set(code, sessionId);
      if (sessions.size > CODES_MAX) sessions.delete(sessions.keys().next().value!);
      return `/auth/arrived?${new URLSearchParams({ code, next })}`;
    },

    /** The session of a code, once. */
    take(code: string | undefined): string | undefined {
      const sessionId = sessions.get(code ?? "");
      sessions.delete(code ?? "");
      return sessionId;
    },
  };
}

type Deps = Pick<Web, "endings" | "deviceOf" | "pageContext"> & { arrivals: Arrivals };

export const arrivalPages = ({ arrivals, endings, deviceOf, pageContext }: Deps) =>
  new Elysia({ name: "web/arrivals" }).use(pages).get(
    "/auth/arrived",
    async ({ request, server, query, set, redirect }) => {
      const next = safeNext(query.next);
      const sessionId = arrivals.take(query.code);
      // It had none before the sign-in: whatever it sends now is what it was given.
      if (request.headers.has("cookie")) return redirect(next, 303);
      if (sessionId) await endings.end(sessionId, "logout", deviceOf({ request, server }));
      const page = pageContext(request, null);
      return <SignInPage page={page} form={formWithoutCookies(page.language, set)} next={next} />;
    },
    { query: t.Object({ next: t.Optional(t.String()), code: t.Optional(t.String()) }) },
  );
