// What the verifiers on Node.js have in common: a service that answers whose token came.
import { createServer } from "node:http";

export const { ISSUER, AUDIENCE, JWKS, ALG } = process.env;
export const PORT = Number(process.env.PORT);
export const HOST = "127.0.0.1";

export function serve(claimsOf) {
  createServer(async (request, response) => {
    const token = (request.headers.authorization ?? "").slice("Bearer ".length);
    try {
      const { username } = await claimsOf(token);
      response.writeHead(200).end(username);
    } catch (error) {
      response.writeHead(401).end(String(error));
    }
  }).listen(PORT, HOST);
}
