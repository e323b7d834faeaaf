import { expect } from "bun:test";
import { PASSWORDS } from "../support/people.ts";
import { Stream } from "../support/stream.ts";
import { raw, UNANSWERED, type Ask, type Client } from "./client.ts";
import type { Kind, Proxied } from "./proxy.ts";

const JSON_TYPE = { "content-type": "application/json" };
const FORM = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
export const NAVIGATION = { "sec-fetch-mode": "navigate", accept: "text/html" };
const CLIENT = "::1";

type SignedIn = { access_token: string; user: { id: string } };

export async function signUp(ask: Ask, username: string, headers = {}): Promise<SignedIn> {
  const body = JSON.stringify({ username, password: PASSWORDS["alice"] });
  const init = { method: "POST", headers: { ...JSON_TYPE, ...headers }, body };
  const answer = await ask("/api/auth/register", init);
  expect(answer.status).toBe(201);
  return (await answer.json()) as SignedIn;
}

export const bearer = ({ access_token }: SignedIn) => ({ authorization: `Bearer ${access_token}` });

export const makeConversation = (ask: Ask, headers: Record<string, string>, title = "x") =>
  ask("/api/conversations", {
    method: "POST",
    headers: { ...JSON_TYPE, ...headers },
    body: JSON.stringify({ title }),
  });

/** The stream of programs and that of pages. */
export const streamsOf = (ask: Ask, token: string) =>
  Promise.all([
    Stream.open(() => ask("/api/events", { headers: { authorization: `Bearer ${token}` } }), token),
    Stream.open(() => ask("/live", { headers: { cookie: `__Host-duet_access=${token}` } }), token),
  ]);

/** An event comes while its stream is open. */
export async function checkStreams({ ask, name }: Client): Promise<void> {
  const alice = await signUp(ask, `alice${name.at(-1)}`);
  for (const stream of await streamsOf(ask, alice.access_token)) {
    expect(await stream.next()).toMatchObject({ event: "ready" });
    expect((await makeConversation(ask, bearer(alice))).status).toBe(201);
    expect(await stream.next()).toMatchObject({ event: "conversation" });
    await stream.close();
  }
}

const cookiesOf = (answer: Response) =>
  new Map(
    answer.headers.getSetCookie().map((line) => /^([^=]+)=([^;]*)/.exec(line)!.slice(1) as [string, string]),
  );

/** A form whose access token has expired, which a browser no longer sends, comes to where it was sent, with its body. */
export async function checkReplay({ ask, name }: Client): Promise<void> {
  const fields = { username: `bob${name.at(-1)}`, password: PASSWORDS["bob"]! };
  const post = (path: string, body: Record<string, string>, cookies = new Map<string, string>()) =>
    ask(path, {
      method: "POST",
      // HTTP/2 has each in a field of its own.
      headers: {
        ...FORM,
        ...NAVIGATION,
        cookie: name === "HTTP/2" ? pairs(cookies) : pairs(cookies).join("; "),
      },
      body: new URLSearchParams(body).toString(),
    });
  const pairs = (cookies: Map<string, string>) => [...cookies].map(([key, value]) => `${key}=${value}`);
  const jar = cookiesOf(await post("/register", fields));
  expect(jar.size).toBeGreaterThanOrEqual(4);
  jar.delete("__Host-duet_access");
  const title = "Kept through it — 茶";
  const sent = await post("/conversations", { title }, jar);
  expect([sent.status, sent.headers.get("location")]).toEqual([307, "/auth/refresh?next=%2Fconversations"]);
  const refreshed = await post(sent.headers.get("location")!, { title }, jar);
  expect([refreshed.status, refreshed.headers.get("location")]).toEqual([307, "/conversations"]);
  for (const [key, value] of cookiesOf(refreshed)) jar.set(key, value);
  const made = await post("/conversations", { title }, jar);
  expect([made.status, made.headers.get("location")]).toEqual([
    303,
    expect.stringMatching(/^\/conversations\//),
  ]);
  const page = await ask(made.headers.get("location")!, { headers: { cookie: pairs(jar).join("; ") } });
  expect(await page.text()).toContain(title);
}

/** How a body of so many bytes is refused, by whomever; the client goes on on the same connection. */
export async function sendLarge(ask: Ask, bytes: number, isStreamed = false): Promise<number> {
  const body = new Uint8Array(bytes).fill(120);
  const init = { method: "POST", headers: JSON_TYPE, body, isStreamed };
  const status = await ask("/api/auth/login", init)
    .then((answer) => answer.status)
    .catch(() => UNANSWERED);
  expect((await ask("/healthz")).status).toBe(200);
  return status;
}

/** It is called too large. */
export async function checkLargeBodies(
  { ask, name }: Client,
  { ofStreamedBodies = [] }: Kind,
): Promise<void> {
  for (const bytes of [131_073, 200_000, 5_000_000])
    expect([bytes, await sendLarge(ask, bytes)]).toEqual([bytes, 413]);
  // Browsers say how long a body is.
  if (name !== "HTTP/2") return;
  for (const bytes of [200_000, 5_000_000])
    expect([413, ...ofStreamedBodies]).toContain(await sendLarge(ask, bytes, true));
}

/** Whatever a client writes of its address, Duet knows the one that it has. */
export async function checkAddress({ ask, name }: Client): Promise<void> {
  const lie = "203.0.113.66";
  const lies: Record<string, string | string[]> = {
    "x-forwarded-for": [`${lie}, ${lie}`, lie],
    x_forwarded_for: lie,
    "x-real-ip": lie,
    "x-client-ip": lie,
    forwarded: `for=${lie}`,
    ...(name === "HTTP/1.1" && { "true-client-ip": lie }),
  };
  const carol = await signUp(ask, `carol${name.at(-1)}`, lies);
  for (const path of ["/api/auth/sessions", "/api/auth/events"]) {
    const answer = await ask(path, { headers: bearer(carol) });
    const { items } = (await answer.json()) as { items: { ip: string }[] };
    expect(items.map(({ ip }) => ip)).toEqual(items.map(() => CLIENT));
    expect(items).not.toEqual([]);
  }
}

/** The same of what no library would write: a field of the proxy's that the client says is for this connection alone. */
export async function checkAddressRaw({ url, ca }: Proxied): Promise<void> {
  const lie = "203.0.113.66";
  const body = JSON.stringify({ username: "dora", password: PASSWORDS["alice"] });
  const answer = await raw(
    url,
    ca,
    [
      "POST /api/auth/register HTTP/1.1",
      `Host: ${new URL(url).host}`,
      "Connection: close, X-Forwarded-For",
      `X-Forwarded-For: ${lie}`,
      `X-Forwarded-For: ${lie}, ${lie}`,
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
      `\r\n${body}`,
    ].join("\r\n"),
  );
  const token = /"access_token":"([^"]+)"/.exec(answer)![1]!;
  const listed = await raw(
    url,
    ca,
    `GET /api/auth/sessions HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  expect(/"ip":"([^"]*)"/.exec(listed)![1]).toBe(CLIENT);
}
