import type { Answer, TestApp } from "./app.ts";

/** A person with a program: holds the tokens that the server gave. */
export type Person = {
  username: string;
  password: string;
  id: string;
  accessToken: string;
  refreshToken: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
};

export const PASSWORDS: Record<string, string> = {
  alice: "tulips on the windowsill 4",
  bob: "seven quiet ferries home",
  carol: "a kettle for the lighthouse",
  小明: "八月的风吹过旧书店门口",
};

const passwordOf = (username: string) => PASSWORDS[username] ?? `the umbrella stand of ${username} 9`;

export async function register(t: TestApp, username: string): Promise<Person> {
  const password = passwordOf(username);
  const answer = await t.json("POST", "/api/auth/register", { username, password });
  if (answer.status !== 201) throw new Error(`${username} could not register: ${answer.text}`);
  return personOf(t, username, answer);
}

export async function login(t: TestApp, username: string): Promise<Person> {
  const answer = await t.json("POST", "/api/auth/login", { username, password: passwordOf(username) });
  if (answer.status !== 200) throw new Error(`${username} could not sign in: ${answer.text}`);
  return personOf(t, username, answer);
}

function personOf(t: TestApp, username: string, { body }: Answer): Person {
  const person: Person = {
    username,
    password: passwordOf(username),
    id: body.user.id,
    accessToken: body.access_token,
    refreshToken: body.refresh_token,
    call: (method, path, input, headers = {}) =>
      t.json(method, path, input, { authorization: `Bearer ${person.accessToken}`, ...headers }),
  };
  return person;
}

export const refresh = (t: TestApp, refreshToken: string) =>
  t.json("POST", "/api/auth/refresh", { refresh_token: refreshToken });

export const me = (t: TestApp, accessToken: string) =>
  t.json("GET", "/api/auth/me", undefined, { authorization: `Bearer ${accessToken}` });

export function decode(token: string): { header: any; claims: any } {
  const [header, claims] = token.split(".").map((part) => Buffer.from(part, "base64url").toString());
  return { header: JSON.parse(header!), claims: JSON.parse(claims!) };
}
