import { Elysia, t } from "elysia";
import type { Account } from "../core/account.ts";
import { nameDevice } from "../core/devices.ts";
import type { Events } from "../core/events.ts";
import type { Live } from "../core/live.ts";
import type { Sessions, Viewer } from "../core/sessions.ts";
import type { Users } from "../core/users.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import type { Cookies } from "../http/cookies.ts";
import { deviceOf } from "../http/observe.ts";
import { AccountPage, type Done } from "./account.view.tsx";
import { failedForm } from "./form.ts";
import { emptyForm, type FormState } from "./form.view.tsx";
import { pages, type MakePage } from "./page.ts";
import { Strength } from "./passwords.view.tsx";

type Deps = {
  account: Account;
  users: Users;
  events: Events;
  live: Live;
  sessions: Sessions;
  cookies: Cookies;
  makePage: MakePage;
};

const EVENTS_SHOWN = 20;

/** The viewer's account: what it is, where it is signed in, what happened to it, and its end. */
export function accountPages({ account, users, events, live, sessions, cookies, makePage }: Deps) {
  async function show(
    request: Request,
    viewer: Viewer,
    forms: { profile?: FormState; password?: FormState; removal?: FormState } = {},
    done?: Done,
  ) {
    const [devices, security] = await Promise.all([
      sessions.list(viewer),
      events.list(viewer, { limit: EVENTS_SHOWN }),
    ]);
    return (
      <AccountPage
        page={makePage(request, viewer)}
        email={viewer.email}
        sessions={devices.map((session) => ({
          ...session,
          device: nameDevice(session.user_agent),
          isPhone: /iPhone|Android|Mobile/.test(session.user_agent),
          isCurrent: session.id === viewer.sessionId,
        }))}
        events={security.items.map((event) => ({ ...event, device: nameDevice(event.user_agent) }))}
        profile={forms.profile ?? emptyForm}
        password={forms.password ?? emptyForm}
        removal={forms.removal ?? emptyForm}
        done={done}
        place={await live.place()}
      />
    );
  }

  return new Elysia({ name: "web/account", prefix: "/account" })
    .use(pages)
    .use(formBodies)
    .use(cookieViewer(sessions, cookies))
    .get(
      "",
      ({ request, viewer, query }) =>
        show(
          request,
          viewer,
          {},
          (["profile", "password", "session"] as const).find((each) => each === query.done),
        ),
      { query: t.Object({ done: t.Optional(t.String()) }) },
    )
    .post(
      "/profile",
      async ({ request, viewer, body, set, redirect }) => {
        try {
          await users.updateProfile(viewer, body, deviceOf(request));
          return redirect("/account?done=profile", 303);
        } catch (error) {
          const profile = failedForm(error, makePage(request, viewer).language, body, set);
          return show(request, viewer, { profile });
        }
      },
      { body: t.Object({ username: t.String(), email: t.String() }) },
    )
    .post(
      "/password",
      async ({ request, viewer, body, set, redirect }) => {
        const input = { currentPassword: body.current_password, newPassword: body.new_password };
        try {
          cookies.grant(set, await users.changePassword(viewer, input, deviceOf(request)));
          return redirect("/account?done=password", 303);
        } catch (error) {
          const password = failedForm(error, makePage(request, viewer).language, {}, set);
          return show(request, viewer, { password });
        }
      },
      { body: t.Object({ current_password: t.String(), new_password: t.String() }) },
    )
    .post(
      "/strength",
      async ({ request, viewer, body }) => {
        const password = body.new_password;
        const rated = await account.ratePassword(viewer, password, deviceOf(request));
        return <Strength page={makePage(request, viewer)} password={password} {...rated} />;
      },
      { body: t.Object({ new_password: t.String() }) },
    )
    .post("/sessions/:id/end", async ({ request, viewer, params, redirect }) => {
      await sessions.revoke(viewer, params.id, deviceOf(request));
      return redirect("/account?done=session", 303);
    })
    .post("/logout-all", async ({ request, viewer, set, redirect }) => {
      await users.logoutAll(viewer, deviceOf(request));
      cookies.signOut(set, viewer.sessionId);
      return redirect("/login", 303);
    })
    .get("/export", async ({ viewer }) =>
      Response.json(await account.exportAll(viewer), {
        headers: { "content-disposition": 'attachment; filename="duet.json"' },
      }),
    )
    .post(
      "/delete",
      async ({ request, viewer, body, set, redirect }) => {
        try {
          await users.remove(viewer, body, deviceOf(request));
          cookies.signOut(set, viewer.sessionId);
          return redirect("/login", 303);
        } catch (error) {
          const removal = failedForm(error, makePage(request, viewer).language, {}, set);
          return show(request, viewer, { removal });
        }
      },
      { body: t.Object({ password: t.String() }) },
    );
}
