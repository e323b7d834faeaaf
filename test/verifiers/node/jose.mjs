import { createRemoteJWKSet, jwtVerify } from "jose";
import { ALG, AUDIENCE, ISSUER, JWKS, serve } from "./service.mjs";

const keys = createRemoteJWKSet(new URL(JWKS));
const options = { issuer: ISSUER, audience: AUDIENCE, algorithms: [ALG], typ: "at+jwt" };
serve(async (token) => (await jwtVerify(token, keys, options)).payload);
