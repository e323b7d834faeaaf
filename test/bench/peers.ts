import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bareEnvironment, run, type Running } from "../support/process.ts";
import { machine, measure, post, print, startDuet, type Side } from "./kit.ts";

// `GET /me` of others as their own documents have it, each with a token that it verifies itself, beside Duet's. They come from
// npm into a folder of their own. A side counts when it answers 200 to its token and 401 to a changed one.

const SECRET = "a secret of more than thirty-two characters";
const START = "console.log(`Duet is ready at http://127.0.0.1:${port}`);";

const PEERS: Record<string, { packages: string[]; source: string }> = {
  "Hono + hono/jwt + a row of bun:sqlite": {
    packages: ["hono@4"],
    source: `
      import { Database } from "bun:sqlite";
      import { Hono } from "hono";
      import { jwt, sign } from "hono/jwt";
      const db = new Database(":memory:");
      db.run("CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id TEXT, ended_at INTEGER)");
      db.run("INSERT INTO sessions VALUES ('s', 'alice', NULL)");
      const find = db.prepare("SELECT * FROM sessions WHERE id = ?");
      const app = new Hono();
      app.use("/me", jwt({ secret: "${SECRET}", alg: "HS256" }));
      app.get("/me", (c) => {
        const row = find.get(c.get("jwtPayload").sid);
        return row && !row.ended_at ? c.json({ id: row.user_id, username: "alice", email: null }) : c.text("", 401);
      });
      app.get("/token", async (c) =>
        c.text(await sign({ sid: "s", exp: Math.floor(Date.now() / 1000) + 3600 }, "${SECRET}", "HS256")));
      const { port } = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
      ${START}`,
  },
  "Fastify + @fastify/jwt, no session": {
    packages: ["fastify@5", "@fastify/jwt@10"],
    source: `
      import Fastify from "fastify";
      import jwt from "@fastify/jwt";
      const app = Fastify();
      app.register(jwt, { secret: "${SECRET}" });
      app.get("/me", async (request) => {
        await request.jwtVerify();
        return { id: request.user.sub, username: "alice", email: null };
      });
      app.get("/token", async () => app.jwt.sign({ sub: "alice" }, { expiresIn: "1h" }));
      await app.listen({ port: 0, host: "127.0.0.1" });
      const { port } = app.server.address();
      ${START}`,
  },
  "Better Auth, get-session": {
    packages: ["better-auth@1"],
    source: `
      import { Database } from "bun:sqlite";
      import { betterAuth } from "better-auth";
      import { getMigrations } from "better-auth/db/migration";
      import { bearer } from "better-auth/plugins";
      const auth = betterAuth({
        baseURL: "http://localhost",
        secret: "${SECRET}",
        database: new Database("better.db"),
        emailAndPassword: { enabled: true },
        plugins: [bearer()],
        rateLimit: { enabled: false },
        telemetry: { enabled: false },
      });
      await (await getMigrations(auth.options)).runMigrations();
      const body = { email: "alice@example.com", password: "a kettle for the lighthouse", name: "alice" };
      const signedUp = await auth.api.signUpEmail({ body, asResponse: true });
      const token = signedUp.headers.get("set-auth-token");
      const { port } = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        async fetch(request) {
          if (new URL(request.url).pathname === "/token") return new Response(token);
          const session = await auth.api.getSession({ headers: request.headers });
          if (!session) return new Response(null, { status: 401 });
          return Response.json({ id: session.user.id, username: session.user.name, email: session.user.email });
        },
      });
      ${START}`,
  },
  "Express + passport-jwt, no session": {
    packages: ["express@5", "passport@0.7", "passport-jwt@4", "jsonwebtoken@9"],
    source: `
      import express from "express";
      import passport from "passport";
      import { ExtractJwt, Strategy } from "passport-jwt";
      import jsonwebtoken from "jsonwebtoken";
      passport.use(new Strategy(
        { jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: "${SECRET}" },
        (payload, done) => done(null, { id: payload.sub, username: "alice", email: null })));
      const app = express();
      app.get("/me", passport.authenticate("jwt", { session: false }), (request, response) => response.json(request.user));
      app.get("/token", (_, response) => response.send(jsonwebtoken.sign({ sub: "alice" }, "${SECRET}", { expiresIn: "1h" })));
      const server = app.listen(0, "127.0.0.1", () => {
        const { port } = server.address();
        ${START}
      });`,
  },
};

console.log(machine());
const folder = mkdtempSync(join(tmpdir(), "duet-peers-"));
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
const packages = Object.values(PEERS).flatMap((peer) => peer.packages);
const added = Bun.spawnSync(["bun", "add", ...packages], { cwd: folder });
if (added.exitCode !== 0) throw new Error(added.stderr.toString());

await using duet = await startDuet();
const registered = await post(duet.url, "/api/auth/register", {
  username: "alice",
  password: "a kettle for the lighthouse",
});
const sideOf = (name: string, server: Running, path: string, token: string): Side => ({
  name,
  server,
  url: server.url + path,
  headers: { authorization: `Bearer ${token}` },
});
const sides = [sideOf("Duet", duet, "/api/auth/me", registered.access_token)];
const servers: Running[] = [];
for (const [i, [name, { source }]] of Object.entries(PEERS).entries()) {
  const file = join(folder, `peer${i}.ts`);
  writeFileSync(file, source);
  const server = await run(["bun", file], { cwd: folder, env: { ...bareEnvironment(), HOME: folder } });
  servers.push(server);
  const token = await (await fetch(`${server.url}/token`)).text();
  const status = async (authorization: string) =>
    (await fetch(`${server.url}/me`, { headers: { authorization } })).status;
  const answers = [await status(`Bearer ${token}`), await status(`Bearer ${token.slice(0, -3)}abc`)];
  if (answers.join() !== "200,401") throw new Error(`${name} answers ${answers.join()}`);
  sides.push(sideOf(name, server, "/me", token));
}
const figures = await measure(sides, { rounds: 3 });
print("who is calling", figures, figures[0]!);
for (const server of servers) await server[Symbol.asyncDispose]();
