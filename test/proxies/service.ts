import { expect, test } from "bun:test";
import { PASSWORDS } from "../support/people.ts";
import { bearer, NAVIGATION, signUp } from "./checks.ts";
import type { Client } from "./client.ts";
import type { Started } from "./every.ts";
import type { Proxied } from "./proxy.ts";

const LIES = {
  "duet-user-id": "somebody else",
  duet_user_id: "somebody else",
  "duet_user-id": "somebody else",
  "Duet-User_Id": "somebody else",
  "duet-username": "admin",
  duet_username: "admin",
};

/** Who is signed in reaches the service, which is told who it is and nothing that opens Duet. */
export async function checkService(t: Proxied, { ask, name }: Client): Promise<void> {
  const username = `frank${name.at(-1)}`;
  const frank = await signUp(ask, username);
  const cookie = `__Host-duet_access=${frank.access_token}; theirs=1`;
  const seen = await ask("/app/page?a=1&b=%20", { headers: { ...LIES, cookie } });
  expect([seen.status, await seen.text()]).toEqual([200, `hello ${username}`]);
  const form = { method: "POST", headers: { cookie, "sec-fetch-site": "same-origin" }, body: "x=1" };
  expect((await ask("/app/form", form)).status).toBe(200);
  const program = { method: "DELETE", headers: { ...LIES, ...bearer(frank) } };
  expect((await ask("/app/x", program)).status).toBe(200);
  const heard = t.heard.splice(0);
  expect(heard.map(({ method, path, body }) => [method, path, body])).toEqual([
    ["GET", "/app/page?a=1&b=%20", ""],
    ["POST", "/app/form", "x=1"],
    ["DELETE", "/app/x", ""],
  ]);
  for (const { headers } of heard) {
    expect(headers).toMatchObject({ "duet-user-id": frank.user.id, "duet-username": username });
    expect(headers).not.toContainAnyKeys(["cookie", "authorization"]);
    expect(JSON.stringify(headers)).not.toMatch(/somebody|admin|eyJ/);
  }
}

/** Nobody else does: not a form from elsewhere, whatever method it says it has, nor a token that has gone. */
export async function checkStrangers(t: Proxied, { ask, name }: Client): Promise<void> {
  const grace = await signUp(ask, `grace${name.at(-1)}`);
  const cookie = `__Host-duet_access=${grace.access_token}`;
  const told = { "x-forwarded-method": "GET", "x-forwarded-uri": "/somewhere/else" };
  expect((await ask("/app/x")).status).toBe(401);
  expect((await ask("/app/x", { headers: LIES })).status).toBe(401);
  const forms = { cookie, "sec-fetch-site": "cross-site", ...told };
  expect((await ask("/app/x", { method: "POST", headers: forms, body: "x=1" })).status).toBe(403);
  const sent = await ask("/app/page?a=1&b=2", { headers: { ...NAVIGATION, ...told } });
  const next = encodeURIComponent("/app/page?a=1&b=2");
  expect([sent.status, sent.headers.get("location")]).toEqual([302, `${t.url}/auth/refresh?next=${next}`]);
  await ask("/api/auth/logout", { method: "POST", headers: bearer(grace) });
  expect((await ask("/app/x", { headers: { cookie } })).status).toBe(401);
  expect(t.heard).toEqual([]);
}

/** A browser comes back from the refresh to the page of the service that it wanted. */
export async function checkReturn({ url }: Proxied, { ask, name }: Client): Promise<void> {
  const fields = { username: `heidi${name.at(-1)}`, password: PASSWORDS["bob"]! };
  const registered = await ask("/register", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
    body: new URLSearchParams(fields).toString(),
  });
  const cookies = registered.headers.getSetCookie().map((line) => line.split(";")[0]!);
  const kept = cookies.filter((each) => /_refresh=|_sid=/.test(each)).join("; ");
  const sent = await ask("/app/page?a=1&b=2", { headers: NAVIGATION });
  const refresh = sent.headers.get("location")!.slice(url.length);
  const back = await ask(refresh, { headers: { ...NAVIGATION, cookie: kept } });
  expect([back.status, back.headers.get("location")]).toEqual([303, "/app/page?a=1&b=2"]);
}

/** Of a proxy that can ask Duet before it lets a request through. */
export function testService(started: () => Started): void {
  const each = async (check: (t: Proxied, client: Client) => Promise<void>) => {
    const { t, clients } = started();
    for (const client of clients) await check(t, client);
  };
  test("lets those through who are signed in, says who they are, and hands on nothing that opens Duet", () =>
    each(checkService));
  test("lets nobody else through", () => each(checkStrangers));
  test("sends a browser to where it gets a new token and comes back from", () => each(checkReturn));
}
