import { expect } from "bun:test";
import type { TestApp } from "./app.ts";
import { Authenticator, codeOf } from "./authenticator.ts";
import type { Person } from "./people.ts";

/** Takes the tokens of an answer for the person's own, as a client does. */
export function goOnWith(person: Person, body: any): void {
  person.accessToken = body.access_token;
  if (body.refresh_token) person.refreshToken = body.refresh_token;
}

/** Sets up an authenticator app; answers its secret and the recovery codes. */
export async function withAuthenticator(person: Person) {
  const { body } = await person.call("POST", "/api/auth/factors/totp", {});
  const confirmed = await person.call("POST", `/api/auth/factors/totp/${body.id}/confirm`, {
    code: codeOf(body.secret),
  });
  expect([confirmed.status, confirmed.text]).toEqual([200, confirmed.text]);
  goOnWith(person, confirmed.body);
  const codes = confirmed.body.recovery_codes as string[];
  return { id: body.id as string, secret: body.secret as string, codes };
}

/** Adds a passkey that this device makes. */
export async function withPasskey(person: Person, key = new Authenticator()) {
  const { body } = await person.call("POST", "/api/auth/passkeys/options");
  const made = await person.call("POST", "/api/auth/passkeys", {
    challenge: body.challenge,
    passkey: key.create(body.options),
    name: "My key",
  });
  expect([made.status, made.text]).toEqual([201, made.text]);
  goOnWith(person, made.body);
  return { id: made.body.factor.id as string, key, codes: made.body.recovery_codes as string[] };
}

/** The first step of a sign-in. */
export const password = (t: TestApp, { username, password }: Person) =>
  t.json("POST", "/api/auth/login", { username, password });

export const answer = (t: TestApp, body: object) => t.json("POST", "/api/auth/challenge", body);
