import { Elysia, type AnyElysia } from "elysia";
import type { Markup } from "#html";
import type { Language } from "../locales/index.ts";
import { Reference } from "./docs.view.tsx";
import { Layout } from "./layout.view.tsx";
import { pages, type Web } from "./page.ts";

/** The reference for people: the document of `/openapi.json` drawn, in their language, with nothing from elsewhere. */
export function docsPages({ root, viewerIfAny, pageContext, settings }: Web & { root: () => AnyElysia }) {
  const drawn = new Map<Language, Promise<Markup>>();
  const draw = async (language: Language) => {
    const { documentOf } = await import("../http/openapi.ts");
    return <Reference document={documentOf(root(), settings.issuer, language)} language={language} />;
  };
  return new Elysia({ name: "web/docs" }).use(pages).get("/docs", async ({ request, server }) => {
    const page = pageContext(request, await viewerIfAny({ request, server }));
    const { language, t } = page;
    if (!drawn.has(language)) {
      const made = draw(language);
      drawn.set(language, made);
      // What failed is tried again by the next one.
      made.catch(() => drawn.delete(language));
    }
    return (
      <Layout page={page} title={t.api.docs.title} className="docs">
        {await drawn.get(language)}
      </Layout>
    );
  });
}
