import { folderOnDisk } from "../support/app.ts";
import { measure, machine, post, print, startBeside, startDuet } from "./kit.ts";

// The price of the check that is paid on every request: `GET /api/auth/me` beside a server that checks nothing and
// answers the same bytes under the same headers.

const PASSWORD = "a kettle for the lighthouse";

console.log(machine());
await using duet = await startDuet();
const { access_token: token } = await post(duet.url, "/api/auth/register", {
  username: "alice",
  password: PASSWORD,
});
const headers = { authorization: `Bearer ${token}` };
const me = await fetch(`${duet.url}/api/auth/me`, { headers });
const body = await me.text();
const { date: _, "content-length": __, ...kept } = Object.fromEntries(me.headers);
const answer = { BENCH_ANSWER: JSON.stringify({ body, headers: kept }) };
await using bare = await startBeside("bare", answer);
await using guard = await startBeside("guard", { ...answer, BENCH_FOLDER: folderOnDisk() });
const { cookie: guarded } = (await (await fetch(`${guard.url}/token`)).json()) as { cookie: string };

const [bareFigures, ...others] = await measure([
  { name: "bare Bun.serve", server: bare, url: `${bare.url}/api/auth/me`, headers },
  { name: "GET /healthz", server: duet, url: `${duet.url}/healthz` },
  { name: "GET /api/auth/me, Bearer", server: duet, url: `${duet.url}/api/auth/me`, headers },
  {
    name: "the same check, by a cookie",
    server: guard,
    url: `${guard.url}/api/auth/me`,
    headers: { cookie: guarded },
  },
]);
print("the hot path", [bareFigures!, ...others], bareFigures!);

const bearer = headers.authorization;
const { id } = await post(duet.url, "/api/conversations", { title: "Plans" }, bearer);
for (let i = 0; i < 59; i++) await post(duet.url, "/api/conversations", { title: `Plans ${i}` }, bearer);
for (let i = 0; i < 50; i++)
  await post(
    duet.url,
    `/api/conversations/${id}/messages`,
    { body: `Is it ${i}? See https://a.example/${i}` },
    bearer,
  );
const cookie = { cookie: `duet_access=${token}`, "sec-fetch-mode": "navigate", accept: "text/html" };
const side = (name: string, path: string, of: Record<string, string> = headers) => ({
  name,
  server: duet,
  url: duet.url + path,
  headers: of,
});
const pages = await measure(
  [
    side("60 conversations as JSON", "/api/conversations?limit=60"),
    side("50 messages as JSON", `/api/conversations/${id}/messages`),
    side("search", "/api/search?q=plans"),
    side("page of 60 conversations", "/conversations", cookie),
    side("page of 50 messages", `/conversations/${id}`, cookie),
  ],
  { rounds: 3 },
);
print("pages and lists", pages, bareFigures!);
