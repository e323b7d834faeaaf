import jwt from "@fastify/jwt";
import fastify from "fastify";
import buildGetJwks from "get-jwks";
import { ALG, AUDIENCE, HOST, ISSUER, PORT } from "./service.mjs";

const keys = buildGetJwks({ issuersWhitelist: [ISSUER] });
const app = fastify();
app.register(jwt, {
  decode: { complete: true },
  secret: (_request, { header: { kid, alg } }) => keys.getPublicKey({ kid, alg, domain: ISSUER }),
  verify: { algorithms: [ALG], allowedIss: ISSUER, allowedAud: AUDIENCE, checkTyp: "at+jwt" },
});
app.get("/", async (request) => (await request.jwtVerify()).username);
await app.listen({ port: PORT, host: HOST });
