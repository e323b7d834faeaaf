import { Elysia, t } from "elysia";
import type { Account } from "../core/account.ts";
import type { Users } from "../core/users.ts";
import { formBodies } from "../http/body.ts";
import type { Cookies } from "../http/cookies.ts";
import { deviceOf } from "../http/observe.ts";
import { failedForm } from "./form.ts";
import { emptyForm } from "./form.view.tsx";
import { safeNext } from "./next.ts";
import { pages, type MakePage } from "./page.ts";
import { Strength } from "./passwords.view.tsx";
import { RegisterPage } from "./users.view.tsx";

type Deps = { account: Account; users: Users; cookies: Cookies; makePage: MakePage; passwordMin: number };

export const userPages = ({ account, users, cookies, makePage, passwordMin }: Deps) =>
  new Elysia({ name: "web/users" })
    .use(pages)
    .use(formBodies)
    .get(
      "/register",
      ({ request, query }) => (
        <RegisterPage
          page={makePage(request, null)}
          form={emptyForm}
          next={safeNext(query.next)}
          passwordMin={passwordMin}
        />
      ),
      { query: t.Object({ next: t.Optional(t.String()) }) },
    )
    .post(
      "/register",
      async ({ request, body, set, redirect }) => {
        const next = safeNext(body.next);
        try {
          const { grant } = await users.register(body, deviceOf(request));
          cookies.grant(set, grant, { forgetEnd: true });
          return redirect(next, 303);
        } catch (error) {
          const page = makePage(request, null);
          const form = failedForm(error, page.language, { username: body.username, email: body.email }, set);
          return <RegisterPage page={page} form={form} next={next} passwordMin={passwordMin} />;
        }
      },
      {
        body: t.Object({
          username: t.String(),
          password: t.String(),
          email: t.Optional(t.String()),
          next: t.Optional(t.String()),
        }),
      },
    )
    .post(
      "/register/strength",
      async ({ request, body }) => {
        const rated = await account.ratePassword(body, body.password, deviceOf(request));
        return <Strength page={makePage(request, null)} password={body.password} {...rated} />;
      },
      { body: t.Object({ username: t.String(), email: t.Optional(t.String()), password: t.String() }) },
    );
