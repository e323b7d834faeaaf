import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { jwk } from "hono/jwk";
import { ALG, AUDIENCE, HOST, ISSUER, JWKS, PORT } from "./service.mjs";

const app = new Hono();
app.use(jwk({ jwks_uri: JWKS, alg: [ALG], verification: { iss: ISSUER, aud: AUDIENCE, typ: "at+jwt" } }));
app.get("/", (c) => c.text(c.get("jwtPayload").username));
serve({ fetch: app.fetch, port: PORT, hostname: HOST });
