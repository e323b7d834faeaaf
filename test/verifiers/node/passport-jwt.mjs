import express from "express";
import { passportJwtSecret } from "jwks-rsa";
import passport from "passport";
import { ExtractJwt, Strategy } from "passport-jwt";
import { ALG, AUDIENCE, HOST, ISSUER, JWKS, PORT } from "./service.mjs";

const options = {
  jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
  secretOrKeyProvider: passportJwtSecret({ jwksUri: JWKS, cache: true, rateLimit: true }),
  issuer: ISSUER,
  audience: AUDIENCE,
  algorithms: [ALG],
};
passport.use(new Strategy(options, (claims, done) => done(null, claims)));
express()
  .get("/", passport.authenticate("jwt", { session: false }), (request, response) =>
    response.send(request.user.username),
  )
  .listen(PORT, HOST);
