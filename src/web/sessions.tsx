import { Elysia, t } from "elysia";
import { nameDevice, type Device } from "../core/auth/devices.ts";
import { DuetError, type SessionEnd } from "../errors.ts";
import { formBodies } from "../http/body.ts";
import { failedForm } from "./form.ts";
import { emptyForm } from "./form.view.tsx";
import { refererOf, safeNext } from "./next.ts";
import { isHtmx, pages, type Web } from "./page.ts";
import { SignInDialogForm, SignInPage } from "./sessions.view.tsx";

type Deps = Pick<Web, "users" | "sessions" | "endings" | "cookies" | "deviceOf" | "pageContext">;

/** Sign-in, sign-out, and the refresh that a browser goes through without noticing. */
export function sessionPages({ users, sessions, endings, cookies, deviceOf, pageContext }: Deps) {
  /**
   * Refreshes by cookie: new cookies, or the refusal. Only a session that has ended loses its cookies; a late,
   * malformed or losing refresh leaves them, and what cannot be checked (503) is thrown on. Where another tab has
   * refreshed since, the browser has sent a good access token and nothing is rotated: of two rotations in a row a
   * late answer to the first would set the cookies back by two, and look like a thief.
   */
  async function refreshCookies(
    request: Request,
    device: Device,
    set: { headers: Record<string, unknown> },
  ): Promise<DuetError | null> {
    try {
      if (await hasGoodAccess(request)) return null;
      cookies.grant(set, await sessions.refresh(cookies.read(request).refreshToken, device));
      return null;
    } catch (error) {
      if (!(error instanceof DuetError) || error.status !== 401) throw error;
      if (error.code === "session_ended" || error.code === "user_not_found")
        cookies.clear(set, error.details.end?.sessionId);
      return error;
    }
  }

  async function hasGoodAccess(request: Request): Promise<boolean> {
    try {
      await sessions.authenticate(cookies.read(request).accessToken);
      return true;
    } catch (error) {
      if (error instanceof DuetError && error.status === 401) return false;
      throw error;
    }
  }

  return (
    new Elysia({ name: "web/sessions" })
      .use(pages)
      .use(formBodies)
      .get(
        "/login",
        async ({ request, query }) => {
          const ended = cookies.endedSession(request);
          const end = ended && (await endings.find(ended));
          const next = safeNext(query.next);
          const page = pageContext(request, null);
          return (
            <SignInPage page={page} form={emptyForm} next={next} end={end ? shownEnd(end) : undefined} />
          );
        },
        { query: t.Object({ next: t.Optional(t.String()) }) },
      )
      .post(
        "/login",
        async ({ request, server, body, set, redirect }) => {
          try {
            const { user, grant } = await users.login(body, deviceOf({ request, server }));
            cookies.grant(set, grant, { forgetEnd: true });
            if (!body.dialog) return redirect(safeNext(body.next), 303);
            set.headers["hx-trigger"] = JSON.stringify({ "duet:signed-in": { userId: user.id } });
            set.status = 204;
            return;
          } catch (error) {
            const page = pageContext(request, null);
            const form = failedForm(error, page.language, { identifier: body.identifier }, set);
            if (body.dialog && isHtmx(request)) return <SignInDialogForm page={page} form={form} />;
            return <SignInPage page={page} form={form} next={safeNext(body.next)} />;
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
      /** On a navigation whose access token was refused. Only there: a foreign `<img>` carries the cookie too. */
      .get(
        "/auth/refresh",
        async ({ request, server, query, set, redirect }) => {
          const mode = request.headers.get("sec-fetch-mode");
          if (mode !== null && mode !== "navigate") throw new DuetError("cross_origin_refused");
          const next = safeNext(query.next);
          const refused = await refreshCookies(request, deviceOf({ request, server }), set);
          return redirect(refused ? signInUrl(next) : next, 303);
        },
        { query: t.Object({ next: t.Optional(t.String()) }) },
      )
      /** With `next` a form on its way there, whose method and body 307 keeps; without, the page's script. */
      .post(
        "/auth/refresh",
        async ({ request, server, query, set, redirect }) => {
          const refused = await refreshCookies(request, deviceOf({ request, server }), set);
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
        const presented = cookies.read(request);
        const hasToken = presented.accessToken || presented.refreshToken;
        cookies.signOut(
          set,
          hasToken ? await sessions.logout(presented, deviceOf({ request, server })) : undefined,
        );
        return redirect(signInUrl("/conversations"), 303);
      })
  );
}

const signInUrl = (next: string) => `/login?${new URLSearchParams({ next })}`;

const shownEnd = ({ reason, at, userAgent, ip }: SessionEnd) => ({
  reason,
  at,
  where: ip && [nameDevice(userAgent ?? ""), ip].filter(Boolean).join(", "),
});
