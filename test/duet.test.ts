import { expect, test } from "bun:test";
import { Elysia } from "elysia";
import { createRoutes } from "../src/app.ts";
import { issuerOf, readConfig } from "../src/config.ts";
import { openData } from "../src/data.ts";
import { createDuet } from "../src/duet.ts";
import { temporaryFolder } from "./support/app.ts";
import { PASSWORDS } from "./support/people.ts";
import { shownFrom } from "./support/shown.ts";

async function openDuet() {
  const config = readConfig({ DUET_DATA: temporaryFolder() });
  const issuer = issuerOf(config);
  const data = await openData(config, issuer);
  return createDuet({ ...data, settings: { ...config, issuer }, clock: Date.now, log: () => {} });
}

const LAPTOP = { userAgent: "curl/8.5.0", ip: "192.0.2.7" };
const ALICE = { username: "alice", password: PASSWORDS["alice"]! };

test("every service is there without HTTP: a session starts, is carried on and ends", async () => {
  const { users, sessions, shownTokens } = await openDuet();
  const { issued } = await users.register(ALICE, { kind: "program", key: null }, LAPTOP);
  const viewer = await sessions.authenticate(issued.accessToken, shownFrom(LAPTOP));
  const next = await sessions.refresh(issued.refreshToken, shownFrom(LAPTOP));
  expect(next).toMatchObject({ sessionId: viewer.sessionId, generation: 2 });
  await shownTokens.logout([next.refreshToken], shownFrom(LAPTOP));
  const refusal = { code: "session_ended", details: { end: { reason: "logout", ...LAPTOP } } };
  await expect(sessions.authenticate(next.accessToken, shownFrom(LAPTOP))).rejects.toMatchObject(refusal);
});

test("another Elysia program mounts the routes beside its own, and they know who is calling", async () => {
  const program = new Elysia()
    .get("/mine", () => "mine")
    .use(createRoutes(await openDuet()))
    .listen({ port: 0, hostname: "127.0.0.1" });
  const ask = (path: string, init?: RequestInit) => fetch(new URL(path, program.server!.url), init);
  const headers = { "content-type": "application/json", "user-agent": LAPTOP.userAgent };
  const registered = await ask("/api/auth/register", {
    method: "POST",
    headers,
    body: JSON.stringify(ALICE),
  });
  const authorization = `Bearer ${((await registered.json()) as { access_token: string }).access_token}`;
  const sessions = await ask("/api/auth/sessions", { headers: { authorization } });
  expect(await sessions.json()).toMatchObject({ items: [{ device: "curl", ip: "127.0.0.1" }] });
  expect(await (await ask("/mine")).text()).toBe("mine");
  expect((await ask("/api/auth/me")).status).toBe(401);
  await program.stop(true);
});
