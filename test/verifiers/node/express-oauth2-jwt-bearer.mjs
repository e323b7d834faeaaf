import express from "express";
import { auth } from "express-oauth2-jwt-bearer";
import { ALG, AUDIENCE, HOST, ISSUER, JWKS, PORT } from "./service.mjs";

express()
  .use(auth({ issuer: ISSUER, audience: AUDIENCE, jwksUri: JWKS, tokenSigningAlg: ALG, strict: true }))
  .get("/", (request, response) => response.send(request.auth.payload.username))
  .use((error, _request, response, _next) => response.status(error.status ?? 500).send(String(error)))
  .listen(PORT, HOST);
