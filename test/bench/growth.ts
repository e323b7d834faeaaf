import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { folderOnDisk } from "../support/app.ts";
import { BINARY, run } from "../support/process.ts";
import { COMMON, newestOf, RARE, seed } from "../support/seed.ts";
import { machine, measure, post, type Figures } from "./kit.ts";

// What things cost with more in the database: `bun test/bench/growth.ts 2500 1000000 10000000`, sessions and messages each.
// What the viewer has themselves stays the same: 50 conversations, and as many messages on a page.

const PASSWORD = "a kettle for the lighthouse";
const sizes = process.argv.slice(2).map(Number);
if (sizes.length === 0) sizes.push(2500, 1_000_000);

const serve = (folder: string) =>
  run([BINARY, "--port", "0", "--data", folder, "--rate-limits", "off", "--log", "warn"]);

async function costsAt(rows: number): Promise<Record<string, string>> {
  const folder = folderOnDisk();
  let viewerId: string;
  {
    await using first = await serve(folder);
    const { user } = await post(first.url, "/api/auth/register", { username: "alice", password: PASSWORD });
    viewerId = user.id;
    first.process.kill("SIGTERM");
    await first.process.exited;
  }
  const conversations = Math.max(50, rows / 50);
  const seedAt = performance.now();
  seed(folder, viewerId, { sessions: rows, messages: rows, conversations, mine: 50 });
  const seconds = ((performance.now() - seedAt) / 1000).toFixed(0);
  const startAt = performance.now();
  await using server = await serve(folder);
  const startMs = performance.now() - startAt;
  const signIn = { username: "alice", password: PASSWORD };
  const authorization = `Bearer ${(await post(server.url, "/api/auth/login", signIn)).access_token}`;
  const open = `/api/conversations/${newestOf(conversations)}`;
  const ask = (name: string, path: string, body?: string) => ({
    name,
    server,
    url: server.url + path,
    headers: { authorization, ...(body && { "content-type": "application/json" }) },
    ...(body && { body }),
  });
  const figures: Figures[] = await measure(
    [
      ask("GET /api/auth/me", "/api/auth/me"),
      ask("sign-in's limits: devices", "/api/auth/sessions"),
      ask("list of conversations", "/api/conversations"),
      ask("50 messages", `${open}/messages`),
      ask("search, a common word", `/api/search?q=${COMMON}`),
      ask("search, a word of nobody", `/api/search?q=${RARE}`),
      ask("a message", `${open}/messages`, JSON.stringify({ body: "hello once more" })),
    ],
    { rounds: 3, connections: 8 },
  );
  const size = (statSync(join(folder, "duet.db")).size / 2 ** 20).toFixed(0);
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  console.error(`${rows}: seeded in ${seconds} s, ${size} MB`);
  return {
    "start to the first answer": `${startMs.toFixed(0)} ms`,
    ...Object.fromEntries(figures.map(({ name, cpuMicros }) => [name, `${cpuMicros.toFixed(0)} µs`])),
  };
}

console.log(machine());
const columns: Record<string, string>[] = [];
for (const rows of sizes) columns.push(await costsAt(rows));
const cell = (text: string) => text.padStart(12);
console.log(
  `\n${"sessions and messages, each".padEnd(28)}${sizes.map((rows) => cell(String(rows))).join("")}`,
);
for (const name of Object.keys(columns[0]!))
  console.log(name.padEnd(28) + columns.map((costs) => cell(costs[name]!)).join(""));
