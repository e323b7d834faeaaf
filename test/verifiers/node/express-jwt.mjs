import express from "express";
import { expressjwt } from "express-jwt";
import { expressJwtSecret } from "jwks-rsa";
import { ALG, AUDIENCE, HOST, ISSUER, JWKS, PORT } from "./service.mjs";

const secret = expressJwtSecret({ jwksUri: JWKS, cache: true, rateLimit: true });
express()
  .use(expressjwt({ secret, issuer: ISSUER, audience: AUDIENCE, algorithms: [ALG] }))
  .get("/", (request, response) => response.send(request.auth.username))
  .use((error, _request, response, _next) => response.status(error.status ?? 500).send(String(error)))
  .listen(PORT, HOST);
