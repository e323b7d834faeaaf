import { Elysia, t } from "elysia";
import { DuetError } from "../errors.ts";
import type { Incoming } from "../http/connection.ts";
import { isSkipped } from "../http/dbsc.ts";
import { formBodies } from "../http/body.ts";
import { shownEnd } from "./ended.ts";
import { failedForm } from "./form.ts";
import { emptyForm } from "./form.view.tsx";
import { inviteIn, refererOf, safeNext, signInUrl } from "./next.ts";
import { isHtmx, pages, type Web } from "./page.ts";
import { SecondStepForm, SecondStepPage } from "./second-step.view.tsx";
import { SignInDialogForm, SignInPage } from "./sessions.view.tsx";
import type { Welcome } from "./welcome.ts";

type Deps = Pick<
  Web,
  | "users"
  | "invites"
  | "sessions"
  | "shownTokens"
  | "settings"
  | "viewerIfAny"
  | "cookies"
  | "deviceOf"
  | "showingOf"
  | "pageContext"
> & { welcome: Welcome };

/** Sign-in, sign-out, and the refresh that a browser goes through without noticing. */
export function sessionPages({
  users,
  invites,
  sessions,
  shownTokens,
  settings,
  viewerIfAny,
  welcome,
  cookies,
  deviceOf,
  showingOf,
  pageContext,
}: Deps) {
  const isClosed = settings.registration === "closed";

  /**
   * Refreshes by cookie: sets new cookies and returns null, or returns the 401; any other error is thrown on.
   *
   * If the access cookie is still good (another tab has refreshed) nothing is rotated: of two rotations whose answers
   * arrive in the wrong order the browser would keep a token two generations old, which is a reuse.
   */
  async function refreshCookies(
    incoming: Incoming,
    set: { headers: Record<string, unknown> },
  ): Promise<DuetError | null> {
    const { request } = incoming;
    const held = await shownTokens.ourRefreshToken(cookies.refreshTokens(request));
    try {
      if (await viewerIfAny(incoming)) return null;
      // The browser itself fetches another one, with its key, once it has none.
      if (held && (await shownTokens.isLeftOver(cookies.accessToken(request), held))) {
        cookies.expireAccess(set);
        return null;
      }
      cookies.setTokens(set, await sessions.refresh(held, showingOf(incoming)));
      cookies.clearPlanted(set, request);
      return null;
    } catch (error) {
      if (!(error instanceof DuetError) || error.status !== 401) throw error;
      if (held && isSkipped(request) && !error.details.end)
        throw new DuetError("unavailable", { cause: error, retryAfterSeconds: 2 });
      if (held) cookies.refused(set, error, held);
      return error;
    }
  }

  return (
    new Elysia({ name: "web/sessions" })
      .use(pages)
      .use(formBodies)
      .get(
        "/login",
        async ({ request, server, query, redirect }) => {
          if (await viewerIfAny({ request, server })) return redirect(safeNext(query.next), 303);
          const end = await shownTokens.recordedEnd(cookies.endedToken(request));
          const next = safeNext(query.next);
          const page = pageContext(request, null);
          return (
            <SignInPage
              page={page}
              form={emptyForm}
              next={next}
              end={end ? shownEnd(page.t, end) : undefined}
              done={(["reset", "undone"] as const).find((each) => each === query.done)}
              isClosed={isClosed}
              invited={await invites.describe(inviteIn(next))}
            />
          );
        },
        { query: t.Object({ next: t.Optional(t.String()), done: t.Optional(t.String()) }) },
      )
      .post(
        "/login",
        async ({ request, server, body, set }) => {
          try {
            const start = { kind: "browser" as const, key: null };
            const { signedIn, asked } = await users.login(body, start, deviceOf({ request, server }));
            if (signedIn) return welcome(request, set, signedIn, body);
            const step = { page: pageContext(request, null), asked, form: emptyForm };
            if (body.dialog && isHtmx(request)) return <SecondStepForm {...step} />;
            return <SecondStepPage {...step} next={safeNext(body.next)} />;
          } catch (error) {
            const page = pageContext(request, null);
            const form = failedForm(error, page.language, { identifier: body.identifier }, set);
            if (body.dialog && isHtmx(request)) return <SignInDialogForm page={page} form={form} />;
            return <SignInPage page={page} form={form} next={safeNext(body.next)} isClosed={isClosed} />;
          }
        },
        {
          body: t.Object({
            identifier: t.String(),
            password: t.String(),
            next: t.Optional(t.String()),
            dialog: t.Optional(t.String()),
          }),
        },
      )
      /**
       * On a navigation whose access token was refused. Only there: an image on a sibling subdomain would carry the
       * cookie too. Browsers without fetch metadata are let through.
       */
      .get(
        "/auth/refresh",
        async ({ request, server, query, set, redirect }) => {
          const mode = request.headers.get("sec-fetch-mode");
          if (mode !== null && mode !== "navigate") throw new DuetError("cross_origin_refused");
          const next = safeNext(query.next);
          const refused = await refreshCookies({ request, server }, set);
          return redirect(refused ? signInUrl(next, !refused.details.end) : next, 303);
        },
        { query: t.Object({ next: t.Optional(t.String()) }) },
      )
      /**
       * With `next`: a form that was sent here, which 307 sends on with its body; if refused it goes to the sign-in and
       * then to the page that the form was on. Without: the page's script.
       */
      .post(
        "/auth/refresh",
        async ({ request, server, query, set, redirect }) => {
          const refused = await refreshCookies({ request, server }, set);
          if (query.next !== undefined)
            return refused
              ? redirect(signInUrl(refererOf(request)), 303)
              : redirect(safeNext(query.next), 307);
          if (refused) throw refused;
          set.status = 204;
          return;
        },
        { query: t.Object({ next: t.Optional(t.String()) }) },
      )
      .post("/auth/logout", async ({ request, server, set, redirect }) => {
        const accessToken = cookies.accessToken(request);
        const allRefreshTokens = cookies.allRefreshTokens(request);
        // The access token first: where a device holds the session, it is what shows that this is that device.
        const presented = [...(accessToken ? [accessToken] : []), ...allRefreshTokens];
        try {
          await shownTokens.logout(presented, showingOf({ request, server }));
        } catch (error) {
          // A copy signs out of nothing but the browser that it was copied to.
          if (!(error instanceof DuetError && error.status < 500)) throw error;
          if (isSkipped(request)) throw new DuetError("unavailable", { cause: error, retryAfterSeconds: 2 });
        }
        cookies.signOut(set, accessToken ?? (await shownTokens.ourRefreshToken(allRefreshTokens)));
        cookies.clearPlanted(set, request);
        return redirect(signInUrl("/conversations"), 303);
      })
  );
}
