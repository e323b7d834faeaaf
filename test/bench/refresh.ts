import { Database } from "bun:sqlite";
import { connect } from "bun";
import { join } from "node:path";
import { jwt } from "@elysiajs/jwt";
import { generateKeyPair } from "jose";
import { folderOnDisk } from "../support/app.ts";
import { machine, post, startDuet } from "./kit.ts";

// Refreshes, each with the token of the one before, beside a loop of what cannot be left out: one signature by a public key,
// one HMAC, and a commit that is shared by those who wait at the same time. The clients are a process of their own, which
// this file is when it is given a port and tokens.

const SECONDS = 3;
const CONNECTIONS = 64;
const [port, ...tokens] = process.argv.slice(2);

if (port === "loop") console.log(JSON.stringify(await loop()));
else if (port) console.log(JSON.stringify(await refreshAll(Number(port), tokens)));
else {
  console.log(machine());
  // Each refresh is a step, which is what is measured.
  await using duet = await startDuet("--program-overlap", "0");
  const people: string[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const body = { username: `person${i}`, password: "a kettle for the lighthouse" };
    people.push((await post(duet.url, "/api/auth/register", body)).refresh_token);
  }
  const inProcess = async (...args: string[]) => {
    const child = Bun.spawn(["bun", import.meta.path, ...args], { stdout: "pipe" });
    return JSON.parse(await new Response(child.stdout).text()) as { perSecond: number; tokens?: string[] };
  };
  let held = people;
  const rates: Record<"loop" | "refresh", number[]> = { loop: [], refresh: [] };
  for (let round = 0; round < 3; round++) {
    rates.loop.push((await inProcess("loop")).perSecond);
    const refreshed = await inProcess(new URL(duet.url).port, ...held);
    rates.refresh.push(refreshed.perSecond);
    held = refreshed.tokens!;
  }
  const median = (all: number[]) => all.toSorted((a, b) => a - b)[1]!;
  const [of, at] = [median(rates.loop), median(rates.refresh)];
  console.log(`\na loop of the signatures and a shared commit  ${of.toFixed(0)}/s`);
  console.log(`POST /api/auth/refresh                        ${at.toFixed(0)}/s  ${(at / of).toFixed(2)} ×`);
}

async function loop() {
  const db = new Database(join(folderOnDisk(), "loop.db"));
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL");
  db.run("CREATE TABLE sessions (id INTEGER PRIMARY KEY, generation INTEGER)");
  const step = db.prepare("UPDATE sessions SET generation = generation + 1 WHERE id = ?");
  for (let i = 0; i < CONNECTIONS; i++) db.run("INSERT INTO sessions VALUES (?, 1)", [i]);
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const signer = jwt({ name: "token", secret: privateKey, alg: "ES256", kid: "k", typ: "at+jwt" }).decorator
    .token;
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const claims = { sub: crypto.randomUUID(), sid: crypto.randomUUID(), jti: crypto.randomUUID(), gen: 1 };
  const text = JSON.stringify(claims);
  let done = 0;
  const endsAt = performance.now() + SECONDS * 1000;
  while (performance.now() < endsAt) {
    db.transaction(() => {
      for (let i = 0; i < CONNECTIONS; i++) step.run(i);
    })();
    await Promise.all(
      Array.from({ length: CONNECTIONS }, () => {
        new Bun.CryptoHasher("sha256", secret).update(text).digest("base64url");
        return signer.sign(claims);
      }),
    );
    done += CONNECTIONS;
  }
  return { perSecond: done / SECONDS };
}

/** One connection for each token, all the time refreshing. */
async function refreshAll(at: number, first: string[]) {
  let done = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + SECONDS * 1000;
  const last = await Promise.all(
    first.map((token) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      let held = token;
      let pending = "";
      const send = (socket: { write(data: string): number }) => {
        const body = JSON.stringify({ refresh_token: held });
        const head = `POST /api/auth/refresh HTTP/1.1\r\nhost: localhost:${at}\r\ncontent-type: application/json\r\n`;
        socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`);
      };
      void connect({
        hostname: "127.0.0.1",
        port: at,
        socket: {
          open: send,
          data(socket, data) {
            pending += data.toString("latin1");
            if (!pending.endsWith("}")) return;
            const next = /"refresh_token":"([^"]+)"/.exec(pending)?.[1];
            if (!next) return reject(new Error(pending));
            held = next;
            pending = "";
            done++;
            if (performance.now() < endsAt) return send(socket);
            socket.end();
            resolve(held);
          },
        },
      });
      return promise;
    }),
  );
  return { perSecond: (done * 1000) / (performance.now() - startedAt), tokens: last };
}
