import { Elysia, t } from "elysia";
import { formBodies } from "../http/body.ts";
import { invalidField } from "../errors.ts";
import { about, says } from "../http/reference.ts";
import { isLanguage } from "../locales/index.ts";
import { HomePage } from "./home.view.tsx";
import { safeNext } from "./next.ts";
import { pages, type Web } from "./page.ts";

/** The front page, for anybody, and the language switch. */
export const homePages = ({
  viewerIfAny,
  cookies,
  pageContext,
}: Pick<Web, "viewerIfAny" | "cookies" | "pageContext">) =>
  new Elysia({ name: "web/home", ...about("server") })
    .use(pages)
    .use(formBodies)
    // Without a good token one is a visitor here.
    .get("/", async ({ request, server }) => {
      const viewer = await viewerIfAny({ request, server });
      return <HomePage page={pageContext(request, viewer)} />;
    })
    /** Password managers look there (W3C, a well-known URL for changing passwords). */
    .get(
      "/.well-known/change-password",
      ({ redirect }) => redirect("/account#password", 302),
      says("changePasswordPage", { 302: null }),
    )
    /** Nothing here is to be found by searching (RFC 9309). */
    .get(
      "/robots.txt",
      () =>
        new Response("User-agent: *\nDisallow: /\n", {
          headers: { "content-type": "text/plain; charset=utf-8" },
        }),
      says("robots", { 200: "text/plain" }),
    )
    .post(
      "/language",
      ({ body, set, redirect }) => {
        if (!isLanguage(body.language)) throw invalidField("language", "invalid");
        cookies.setLanguage(set, body.language);
        return redirect(safeNext(body.next, "/"), 303);
      },
      { body: t.Object({ language: t.String(), next: t.Optional(t.String()) }) },
    );
