import { Elysia, t } from "elysia";
import { formBodies } from "../http/body.ts";
import { failedForm } from "./form.ts";
import { emptyForm } from "./form.view.tsx";
import { goOn, pages, type Web } from "./page.ts";
import { Strength } from "./passwords.view.tsx";
import { ResetPage } from "./reset.view.tsx";

type Deps = Pick<Web, "account" | "links" | "settings" | "deviceOf" | "pageContext">;

/** Where an operator's link leads: a new password for whoever has forgotten theirs. Looking at it does not use it up. */
export const resetPages = ({ account, links, settings, deviceOf, pageContext }: Deps) =>
  new Elysia({ name: "web/reset" })
    .use(pages)
    .use(formBodies)
    .get(
      "/reset",
      async ({ request, query }) => {
        const { username, withoutFactors } = await links.userOfReset(query.token);
        const page = pageContext(request, null);
        const { token } = query;
        return (
          <ResetPage
            {...{ page, username, withoutFactors, token }}
            isUndone={query.done === "undone"}
            form={emptyForm}
            passwordMin={settings.passwordMin}
          />
        );
      },
      { query: t.Object({ token: t.String(), done: t.Optional(t.String()) }) },
    )
    .post(
      "/reset",
      async ({ request, server, body, set }) => {
        const { token, new_password: newPassword } = body;
        try {
          await links.reset({ token, newPassword }, deviceOf({ request, server }));
          return goOn(request, set, "/login?done=reset");
        } catch (error) {
          const page = pageContext(request, null);
          const form = failedForm(error, page.language, {}, set);
          const owner = await links.userOfReset(token).catch(() => null);
          if (!owner) throw error;
          const { username, withoutFactors } = owner;
          return (
            <ResetPage
              {...{ page, username, withoutFactors, token, form }}
              passwordMin={settings.passwordMin}
            />
          );
        }
      },
      { body: t.Object({ token: t.String(), new_password: t.String() }) },
    )
    .post(
      "/reset/strength",
      async ({ request, server, body }) => {
        const { token, new_password: password } = body;
        const owner = await links.userOfReset(token);
        const rated = await account.ratePassword(owner, password, deviceOf({ request, server }));
        return <Strength page={pageContext(request, null)} password={password} {...rated} />;
      },
      { body: t.Object({ token: t.String(), new_password: t.String() }) },
    );
