import { Elysia, t, type AnyElysia } from "elysia";
import { PUBLIC_DOCUMENT } from "../http/headers.ts";
import { about, says } from "../http/reference.ts";

/** The reference for machines: the same document for everybody, in English, so that what is made from it does not depend on who asked. */
export function openapiRoutes({ root, issuer }: { root: () => AnyElysia; issuer: string }) {
  let made: Promise<string> | undefined;
  // What makes it is loaded when it is asked for.
  const make = async () => {
    const { documentOf } = await import("../http/openapi.ts");
    return JSON.stringify(documentOf(root(), issuer));
  };
  return new Elysia({ name: "api/openapi", ...about("server") }).get(
    "/openapi.json",
    async () =>
      // What failed is tried again by the next one.
      new Response(
        await (made ??= make().catch((cause: unknown) => {
          made = undefined;
          throw cause;
        })),
        {
          headers: { ...PUBLIC_DOCUMENT, "content-type": "application/json" },
        },
      ),
    says("openapi", { 200: t.Object({ openapi: t.String() }, { additionalProperties: true }) }),
  );
}
