import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { bearer, makeConversation, signUp, streamsOf } from "./checks.ts";
import { UNANSWERED, type Client } from "./client.ts";
import type { Kind, Proxied } from "./proxy.ts";

/**
 * Connections that Duet closed meanwhile cost no request; what comes while it starts waits for it, or fails as `whileAway` says.
 */
export async function checkRestart(t: Proxied, { ask, name }: Client, kind: Kind): Promise<void> {
  const eve = await signUp(ask, `eve${name.at(-1)}`);
  const get = async () => (await ask("/api/auth/me", { headers: bearer(eve) })).status;
  const post = async () => (await makeConversation(ask, bearer(eve))).status;
  // Some are open to Duet.
  expect(await Promise.all([get(), post(), get(), post()])).toEqual([200, 201, 200, 201]);
  let isOver = false;
  const load = async (send: () => Promise<number>) => {
    const seen = new Set<number>();
    for (let left = 500; left > 0 && !isOver; left--) {
      seen.add(await send().catch(() => UNANSWERED));
      await Bun.sleep(5);
    }
    return seen;
  };
  const loads = Promise.all([load(get), load(post)]);
  await t.restartDuet().finally(() => (isOver = true));
  // Of a proxy that looks once a second for who is back.
  while (kind.isBackLater && (await get()) !== 200) await Bun.sleep(100);
  expect([await get(), await post()]).toEqual([200, 201]);
  const [gets, posts] = await loads;
  expect(kind.whileAway.GET).toEqual(expect.arrayContaining([...gets].filter((status) => status !== 200)));
  expect(kind.whileAway.POST).toEqual(expect.arrayContaining([...posts].filter((status) => status !== 201)));
}

/** What Duet had and did not answer: a GET is asked again where the proxy can, a POST, which may have been done, never. */
export async function checkKill(t: Proxied, { ask, name }: Client, { whileAway }: Kind): Promise<void> {
  const judy = await signUp(ask, `judy${name.at(-1)}`);
  await connectionsTo(t.duetPort, 0);
  t.pauseDuet();
  const answers = [ask("/api/auth/me", { headers: bearer(judy) }), makeConversation(ask, bearer(judy))];
  const statuses = Promise.all(
    answers.map((each) => each.then(({ status }) => status).catch(() => UNANSWERED)),
  );
  await connectionsTo(t.duetPort, answers.length);
  await t.killDuet();
  await t.startDuet();
  const [get, post] = await statuses;
  expect(whileAway.GET.length === 0 ? [200] : whileAway.GET).toContain(get!);
  expect(whileAway.POST).toContain(post!);
}

/** An answer that Duet could not end does not look like a whole one. */
export async function checkCut(t: Proxied, { ask, name }: Client): Promise<void> {
  const { access_token } = await signUp(ask, `karl${name.at(-1)}`);
  const [stream] = await streamsOf(ask, access_token);
  expect(await stream.next()).toMatchObject({ event: "ready" });
  const end = stream.next().then(
    () => "whole",
    () => "cut",
  );
  await t.killDuet();
  expect(await end).toBe("cut");
  await t.startDuet();
}

/** Duet can see that pages are opened at another address than it knows, and says so in its log. */
export async function checkHost(t: Proxied, { ask }: Client): Promise<void> {
  await t.restartDuet();
  await ask("/login", { method: "POST", headers: { host: "duet.example", origin: "https://duet.example" } });
  while (!t.errors().includes("public_url_differs")) await Bun.sleep(20);
}

/** Waits until so many connections to it are open on this machine. */
export async function connectionsTo(port: number, count: number): Promise<void> {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const now = () =>
    readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , remote, state]) => remote?.endsWith(end) && state === ESTABLISHED).length;
  while (now() !== count) await Bun.sleep(20);
}

const ESTABLISHED = "01";
