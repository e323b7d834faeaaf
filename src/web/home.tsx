import { Elysia, t } from "elysia";
import { formBodies } from "../http/body.ts";
import { DuetError, invalidField } from "../errors.ts";
import { about, says } from "../http/reference.ts";
import { isLanguage } from "../locales/index.ts";
import { HomePage } from "./home.view.tsx";
import { safeNext } from "./next.ts";
import { pages, type Web } from "./page.ts";
import { storyOf } from "./story.ts";

/** Half a year; it should be less than one. */
const SECURITY_TEXT_MS = 180 * 24 * 60 * 60 * 1000;

const OPEN = ["/$", "/lab", "/docs", "/login", "/register", "/assets/"];
const ROBOTS = ["User-agent: *", ...OPEN.map((path) => `Allow: ${path}`), "Disallow: /", ""].join("\n");

/** The front page, for anybody, and the language switch. */
export const homePages = ({
  viewerIfAny,
  cookies,
  pageContext,
  settings,
  lab,
}: Pick<Web, "viewerIfAny" | "cookies" | "pageContext" | "settings" | "lab">) => {
  const story = storyOf(lab);
  return (
    new Elysia({ name: "web/home", ...about("server") })
      .use(pages)
      .use(formBodies)
      // Without a good token one is a visitor here.
      .get("/", async ({ request, server }) => {
        const viewer = await viewerIfAny({ request, server });
        return <HomePage page={pageContext(request, viewer)} story={story} />;
      })
      /** Password managers look there (W3C, a well-known URL for changing passwords). */
      .get(
        "/.well-known/change-password",
        ({ redirect }) => redirect("/account#change-password", 302),
        says("changePasswordPage", { 302: null }),
      )
      /** Whom to tell of a weakness (RFC 9116), where the operator has said so. */
      .get(
        "/.well-known/security.txt",
        () => {
          if (settings.securityContact === undefined) throw new DuetError("not_found");
          const lines = {
            Contact: settings.securityContact,
            Expires: new Date(Date.now() + SECURITY_TEXT_MS).toISOString(),
            "Preferred-Languages": "en, zh",
            Canonical: `${settings.issuer}/.well-known/security.txt`,
          };
          const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\n`);
          return new Response(text.join(""), { headers: { "content-type": "text/plain; charset=utf-8" } });
        },
        says("securityText", { 200: "text/plain" }, ["not_found"]),
      )
      /** What is for everybody may be found by searching, and shown in previews; nothing else (RFC 9309). */
      .get(
        "/robots.txt",
        () =>
          new Response(ROBOTS, {
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
      )
      .post(
        "/scheme",
        ({ body, set, redirect }) => {
          cookies.setScheme(set, body.scheme);
          return redirect(safeNext(body.next, "/"), 303);
        },
        {
          body: t.Object({ scheme: t.UnionEnum(["light", "dark", "system"]), next: t.Optional(t.String()) }),
        },
      )
  );
};
