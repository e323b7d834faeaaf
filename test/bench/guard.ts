import { issuerOf, readConfig } from "../../src/config.ts";
import { openData } from "../../src/data.ts";
import { createDuet } from "../../src/duet.ts";
import { shownFrom } from "../support/shown.ts";
import { createCookies } from "../../src/http/cookies.ts";

// Duet's check and nothing else: a program of one's own that answers one body to whoever has a good access cookie.

const { body, headers } = JSON.parse(process.env["BENCH_ANSWER"]!) as {
  body: string;
  headers: Record<string, string>;
};
const config = readConfig({ DUET_DATA: process.env["BENCH_FOLDER"]! });
const issuer = issuerOf(config);
const data = await openData(config, issuer);
const duet = createDuet({ ...data, settings: { ...config, issuer }, clock: Date.now, log: () => {} });
const cookies = createCookies(issuer);
const { issued } = await duet.users.register(
  { username: "alice", password: "a kettle for the lighthouse" },
  { kind: "browser", key: null },
  { userAgent: "bench", ip: "127.0.0.1" },
);
const showing = shownFrom({ userAgent: "bench", ip: "127.0.0.1" });
const refused = () => new Response("", { status: 401 });
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  routes: { "/token": () => Response.json({ cookie: `${cookies.names.access}=${issued.accessToken}` }) },
  fetch(request) {
    const accessToken = cookies.accessToken(request);
    if (duet.sessions.recall(accessToken)) return new Response(body, { headers });
    return duet.sessions
      .authenticate(accessToken, showing)
      .then(() => new Response(body, { headers }), refused);
  },
});
console.log(`Duet is ready at http://127.0.0.1:${server.port}`);
