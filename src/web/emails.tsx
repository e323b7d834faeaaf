import { Elysia, t } from "elysia";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import { ConfirmEmailPage, ForgotPage, UndoEmailPage } from "./emails.view.tsx";
import { failedForm } from "./form.ts";
import { emptyForm } from "./form.view.tsx";
import { goOn, pages, type Web } from "./page.ts";

type Deps = Pick<
  Web,
  "emails" | "viewerIfAny" | "sessions" | "cookies" | "showingOf" | "deviceOf" | "pageContext"
>;

/** Where the links of letters lead, and asking for one. Without a mail server none of these pages is there (404). */
export const emailPages = ({
  emails,
  viewerIfAny,
  sessions,
  cookies,
  showingOf,
  deviceOf,
  pageContext,
}: Deps) =>
  new Elysia({ name: "web/emails" })
    .use(pages)
    .use(formBodies)
    .get(
      "/forgot",
      async ({ request, server, query }) => {
        emails.assertOn();
        const page = pageContext(request, await viewerIfAny({ request, server }));
        return <ForgotPage page={page} form={emptyForm} isSent={query.done === "sent"} />;
      },
      { query: t.Object({ done: t.Optional(t.String()) }) },
    )
    .post(
      "/forgot",
      async ({ request, server, body, set }) => {
        try {
          await emails.forgot(body.identifier, deviceOf({ request, server }));
          return goOn(request, set, "/forgot?done=sent");
        } catch (error) {
          const page = pageContext(request, null);
          const form = failedForm(error, page.language, { identifier: body.identifier }, set);
          return <ForgotPage page={page} form={form} isSent={false} />;
        }
      },
      { body: t.Object({ identifier: t.String() }) },
    )
    .get(
      "/email/undo",
      async ({ request, server, query: { token } }) => {
        const { email } = await emails.find("undo", token);
        const page = pageContext(request, await viewerIfAny({ request, server }));
        return <UndoEmailPage page={page} token={token} email={email} />;
      },
      { query: t.Object({ token: t.String() }) },
    )
    .post(
      "/email/undo",
      async ({ request, server, body, redirect }) => {
        const token = await emails.undo(body.token, deviceOf({ request, server }));
        const query = new URLSearchParams({ ...(token !== null && { token }), done: "undone" });
        return redirect(`${token === null ? "/login" : "/reset"}?${query}`, 303);
      },
      { body: t.Object({ token: t.String() }) },
    )
    .use(cookieViewer({ sessions, cookies, showingOf }))
    .get(
      "/account/email",
      async ({ request, viewer, query: { token } }) => {
        const { email } = await emails.find("verify", token, viewer);
        return <ConfirmEmailPage page={pageContext(request, viewer)} token={token} email={email} />;
      },
      { query: t.Object({ token: t.String() }) },
    )
    .post(
      "/account/email",
      async ({ request, server, viewer, body, redirect }) => {
        await emails.confirm(viewer, body.token, deviceOf({ request, server }));
        return redirect("/account?done=email", 303);
      },
      { body: t.Object({ token: t.String() }) },
    )
    .post("/account/email/send", async ({ viewer, redirect }) => {
      await emails.sendAgain(viewer);
      return redirect("/account?done=letter", 303);
    });
