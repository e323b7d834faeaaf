import { Elysia } from "elysia";
import type { KeyRing } from "../core/keys.ts";

/** How long verifiers may keep the set; the next key is in it long before it signs. */
const MAX_AGE_SECONDS = 300;

/** RFC 7517: the public keys, for anybody on any origin, so that any JWT verifier works with Duet as it is. */
export const keyRoutes = ({ keys }: { keys: Pick<KeyRing, "publicKeys"> }) =>
  new Elysia({ name: "api/keys" }).get("/.well-known/jwks.json", () =>
    Response.json(
      { keys: keys.publicKeys() },
      {
        headers: {
          "content-type": "application/jwk-set+json",
          "cache-control": `public, max-age=${MAX_AGE_SECONDS}`,
          "access-control-allow-origin": "*",
        },
      },
    ),
  );
