import { JwtVerifier } from "aws-jwt-verify";
import { SimpleJwksCache } from "aws-jwt-verify/jwk";
import { AUDIENCE, ISSUER, JWKS, serve } from "./service.mjs";

// Its own fetcher asks by https only.
const fetcher = { fetch: async (uri) => (await fetch(uri)).arrayBuffer() };
const verifier = JwtVerifier.create(
  { issuer: ISSUER, audience: AUDIENCE, jwksUri: JWKS },
  { jwksCache: new SimpleJwksCache({ fetcher }) },
);
serve((token) => verifier.verify(token));
