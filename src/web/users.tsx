import { Elysia, t } from "elysia";
import { DuetError } from "../errors.ts";
import { formBodies } from "../http/body.ts";
import { failedForm } from "./form.ts";
import { emptyForm } from "./form.view.tsx";
import { inviteIn, safeNext } from "./next.ts";
import { pages, type Web } from "./page.ts";
import { Strength } from "./passwords.view.tsx";
import { RegisterPage } from "./users.view.tsx";
import type { Welcome } from "./welcome.ts";

type Deps = Pick<
  Web,
  "account" | "invites" | "links" | "users" | "viewerIfAny" | "settings" | "deviceOf" | "pageContext"
> & { welcome: Welcome };

export const userPages = ({
  account,
  users,
  viewerIfAny,
  welcome,
  settings,
  links,
  invites,
  deviceOf,
  pageContext,
}: Deps) =>
  new Elysia({ name: "web/users" })
    .use(pages)
    .use(formBodies)
    .get(
      "/register",
      async ({ request, server, query, redirect }) => {
        const next = safeNext(query.next);
        if (await viewerIfAny({ request, server })) return redirect(next, 303);
        const { invitation } = query;
        // Told before anything is typed.
        if (settings.registration === "closed") {
          if (invitation === undefined) throw new DuetError("registration_closed");
          await links.find("invitation", invitation);
        }
        const page = pageContext(request, null);
        return (
          <RegisterPage
            {...{ page, next, invitation }}
            form={emptyForm}
            passwordMin={settings.passwordMin}
            invited={await invites.describe(inviteIn(next))}
          />
        );
      },
      { query: t.Object({ next: t.Optional(t.String()), invitation: t.Optional(t.String()) }) },
    )
    .post(
      "/register",
      async ({ request, server, body, set }) => {
        const next = safeNext(body.next);
        try {
          const start = { kind: "browser" as const, key: null };
          const signedIn = await users.register(body, start, deviceOf({ request, server }));
          return welcome(request, set, signedIn, body);
        } catch (error) {
          const page = pageContext(request, null);
          const form = failedForm(error, page.language, { username: body.username, email: body.email }, set);
          const { invitation } = body;
          return (
            <RegisterPage
              {...{ page, next, form, invitation }}
              passwordMin={settings.passwordMin}
              invited={await invites.describe(inviteIn(next))}
            />
          );
        }
      },
      {
        body: t.Object({
          username: t.String(),
          password: t.String(),
          email: t.Optional(t.String()),
          next: t.Optional(t.String()),
          invitation: t.Optional(t.String()),
        }),
      },
    )
    .post(
      "/register/strength",
      async ({ request, server, body }) => {
        const rated = await account.ratePassword(body, body.password, deviceOf({ request, server }));
        return <Strength page={pageContext(request, null)} password={body.password} {...rated} />;
      },
      { body: t.Object({ username: t.String(), email: t.Optional(t.String()), password: t.String() }) },
    );
