import { Elysia, t } from "elysia";
import { unsure } from "./sure.tsx";
import { nameDevice } from "../core/auth/devices.ts";
import { whereOf } from "../core/auth/security.ts";
import type { Viewer } from "../core/viewer.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import { jsonDownload } from "../http/download.ts";
import { AccountPage } from "./account.view.tsx";
import { offerBinding } from "./dbsc.ts";
import { failedForm } from "./form.ts";
import { emptyForm, type FormState } from "./form.view.tsx";
import { goOn, pages, type Web } from "./page.ts";
import { Strength } from "./passwords.view.tsx";

type Deps = Pick<
  Web,
  | "bindings"
  | "account"
  | "operator"
  | "ownFactors"
  | "emails"
  | "security"
  | "live"
  | "sessions"
  | "ownSessions"
  | "cookies"
  | "showingOf"
  | "deviceOf"
  | "pageContext"
>;

const EVENTS_SHOWN = 20;

/** The viewer's account: what it is, where it is signed in, what happened to it, and its end. */
export function accountPages(deps: Deps) {
  const {
    account,
    operator,
    ownFactors,
    emails,
    bindings,
    security,
    live,
    sessions,
    ownSessions,
    cookies,
    showingOf,
    deviceOf,
    pageContext,
  } = deps;

  async function show(
    request: Request,
    viewer: Viewer,
    forms: { profile?: FormState; password?: FormState; removal?: FormState } = {},
    query: { done?: string | undefined; devices?: string | undefined; events?: string | undefined } = {},
  ) {
    const [user, held, email, devices, events] = await Promise.all([
      operator.findById(viewer.userId),
      ownFactors.list(viewer),
      emails.stateOf(viewer),
      ownSessions.list(viewer, { cursor: query.devices }),
      security.list(viewer, { limit: EVENTS_SHOWN, before: query.events }),
    ]);
    const page = pageContext(request, viewer);
    return (
      <AccountPage
        page={page}
        email={viewer.email}
        pending={email.pending}
        held={held}
        isOperator={user.operator_since !== null}
        sessions={devices.items.map((session) => ({
          ...session,
          device: nameDevice(session.user_agent, page.t.onDevice),
          isCurrent: session.id === viewer.sessionId,
          isBound: session.key_thumbprint !== null,
        }))}
        events={events.items.map((event) => {
          const { userAgent, ip } = whereOf(event);
          return {
            ...event,
            where: ip === undefined ? null : { device: nameDevice(userAgent ?? "", page.t.onDevice), ip },
          };
        })}
        profile={forms.profile ?? emptyForm}
        password={forms.password ?? emptyForm}
        removal={forms.removal ?? emptyForm}
        moreSessions={devices.next}
        moreEvents={events.next}
        done={(
          ["profile", "password", "session", "added", "removed", "email", "letter", "proved"] as const
        ).find((each) => each === query.done)}
        place={await live.place()}
      />
    );
  }

  return new Elysia({ name: "web/account", prefix: "/account" })
    .use(pages)
    .use(formBodies)
    .use(cookieViewer({ sessions, cookies, showingOf }))
    .get("", ({ request, viewer, query }) => show(request, viewer, {}, query), {
      query: t.Object({
        done: t.Optional(t.String()),
        devices: t.Optional(t.String()),
        events: t.Optional(t.String()),
      }),
    })
    .post(
      "/profile",
      async ({ request, server, viewer, body, set }) => {
        try {
          const { email } = await account.updateProfile(viewer, body, deviceOf({ request, server }));
          const isWaiting = (email ?? "") !== body.email.trim();
          return goOn(request, set, `/account?done=${isWaiting ? "letter" : "profile"}`);
        } catch (error) {
          const profile = failedForm(error, pageContext(request, viewer).language, body, set);
          return show(request, viewer, { profile });
        }
      },
      { body: t.Object({ username: t.String(), email: t.String() }) },
    )
    .post(
      "/password",
      async ({ request, server, viewer, body, set }) => {
        const input = { currentPassword: body.current_password, newPassword: body.new_password };
        try {
          const issued = await account.changePassword(viewer, input, deviceOf({ request, server }));
          cookies.setTokens(set, issued);
          offerBinding(bindings, set, issued);
          return goOn(request, set, "/account?done=password");
        } catch (error) {
          const password = failedForm(error, pageContext(request, viewer).language, {}, set);
          return show(request, viewer, { password });
        }
      },
      { body: t.Object({ current_password: t.Optional(t.String()), new_password: t.String() }) },
    )
    .post(
      "/strength",
      async ({ request, server, viewer, body }) => {
        const password = body.new_password;
        const rated = await account.ratePassword(viewer, password, deviceOf({ request, server }));
        return <Strength page={pageContext(request, viewer)} password={password} {...rated} />;
      },
      { body: t.Object({ new_password: t.String() }) },
    )
    .post(
      "/sessions/:id/name",
      async ({ viewer, params, body, redirect }) => {
        await ownSessions.rename(viewer, params.id, body.name);
        return redirect("/account#devices", 303);
      },
      { body: t.Object({ name: t.String() }) },
    )
    .post("/sessions/:id/end", async ({ request, server, viewer, params, redirect }) => {
      await ownSessions.revoke(viewer, params.id, deviceOf({ request, server }));
      return redirect("/account?done=session", 303);
    })
    .post("/logout-all", async ({ request, server, viewer, body, set, redirect }) => {
      const page = pageContext(request, viewer);
      const { confirmEverywhere, signOutEverywhere } = page.t.account;
      const asked = unsure(request, body, page, confirmEverywhere, signOutEverywhere);
      if (asked) return asked;
      await account.logoutAll(viewer, deviceOf({ request, server }));
      cookies.signOut(set, cookies.accessToken(request));
      return redirect("/login", 303);
    })
    .get("/export", async ({ request, server, viewer }) =>
      jsonDownload("duet.json", await account.exportAll(viewer, deviceOf({ request, server }))),
    )
    .post(
      "/delete",
      async ({ request, server, viewer, body, set, redirect }) => {
        try {
          await account.remove(viewer, body, deviceOf({ request, server }));
          cookies.signOut(set, cookies.accessToken(request));
          return redirect("/login", 303);
        } catch (error) {
          const removal = failedForm(error, pageContext(request, viewer).language, {}, set);
          return show(request, viewer, { removal });
        }
      },
      { body: t.Object({ password: t.Optional(t.String()) }) },
    );
}
