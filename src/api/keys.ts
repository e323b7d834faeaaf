import { Elysia, t } from "elysia";
import type { Duet } from "../duet.ts";
import { PUBLIC_DOCUMENT } from "../http/headers.ts";
import { about, named, says } from "../http/reference.ts";

/** RFC 7517: the public keys, for anybody on any origin, so that any JWT verifier works with Duet as it is. */
export const keyRoutes = ({ keys }: Pick<Duet, "keys">) =>
  new Elysia({ name: "api/keys", ...about("oauth") }).get(
    "/.well-known/jwks.json",
    () =>
      Response.json(
        { keys: keys.publicKeys() },
        {
          headers: { ...PUBLIC_DOCUMENT, "content-type": "application/jwk-set+json" },
        },
      ),
    says("publicKeys", { 200: KeySet }),
  );

const KeySet = named(
  "KeySet",
  t.Object({ keys: t.Array(t.Record(t.String(), t.String())) }, { contentType: "application/jwk-set+json" }),
);
