import jwt from "jsonwebtoken";
import { JwksClient } from "jwks-rsa";
import { ALG, AUDIENCE, ISSUER, JWKS, serve } from "./service.mjs";

const keys = new JwksClient({ jwksUri: JWKS, cache: true, rateLimit: true });
const options = { issuer: ISSUER, audience: AUDIENCE, algorithms: [ALG] };
serve(async (token) => {
  const key = await keys.getSigningKey(jwt.decode(token, { complete: true })?.header.kid);
  return jwt.verify(token, key.getPublicKey(), options);
});
