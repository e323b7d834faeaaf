import { createPublicKey } from "node:crypto";
import { createVerifier } from "fast-jwt";
import { ALG, AUDIENCE, ISSUER, JWKS, serve } from "./service.mjs";

// The library has no key sets: this is what a service has to bring.
const known = new Map();
async function key({ header: { kid } }) {
  if (!known.has(kid))
    for (const jwk of (await (await fetch(JWKS)).json()).keys)
      known.set(
        jwk.kid,
        createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" }),
      );
  return known.get(kid);
}
const options = { algorithms: [ALG], allowedIss: ISSUER, allowedAud: AUDIENCE, checkTyp: "at+jwt" };
serve(createVerifier({ key, ...options }));
