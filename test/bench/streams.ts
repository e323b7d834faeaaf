import { connect } from "bun";
import { readFileSync } from "node:fs";
import { LIMITS } from "../../src/limits.ts";
import { machine, post, startDuet } from "./kit.ts";

// One message to many open streams: how long until each has it, how long its author waits, what an idle stream holds.
// The readers are a process of their own, which this file is when it is given a port.

const [port, ...tokens] = process.argv.slice(2);

if (port) {
  // A reader: says when all streams are open, and then, for each message, how long it took on the way, in ms.
  let open = 0;
  let seen: number[] = [];
  const lines = tokens.flatMap((token) => Array<string>(Number(process.env["STREAMS"])).fill(token));
  for (const token of lines)
    void connect({
      hostname: "127.0.0.1",
      port: Number(port),
      socket: {
        open: (socket) =>
          void socket.write(
            `GET /api/events HTTP/1.1\r\nhost: localhost:${port}\r\nauthorization: Bearer ${token}\r\n\r\n`,
          ),
        data(_, data) {
          const text = data.toString("latin1");
          if (text.includes("event: ready") && ++open === lines.length) console.log("open");
          const sent = /"body":"at (\d+\.\d+)"/.exec(text)?.[1];
          if (!sent) return;
          seen.push(performance.timeOrigin + performance.now() - Number(sent));
          if (seen.length < Number(process.env["AWAITED"])) return;
          console.log(JSON.stringify(seen));
          seen = [];
        },
      },
    });
} else {
  // As many as a conversation has at most, with as many streams as each may have, beside people who are not in it.
  const members = LIMITS.membersPerConversationMax;
  const perUser = LIMITS.streamsPerUserMax;
  const users = 500;
  const rounds = 10;
  console.log(machine());
  await using duet = await startDuet();
  const people: { token: string; name: string }[] = [];
  for (let i = 0; i < users; i++) {
    const name = `reader${i}`;
    const { access_token: token } = await post(duet.url, "/api/auth/register", {
      username: name,
      password: "a kettle for the lighthouse",
    });
    people.push({ token, name });
  }
  const author = `Bearer ${people[0]!.token}`;
  const { id } = await post(duet.url, "/api/conversations", { title: "all of us" }, author);
  for (const { name } of people.slice(1, members))
    await post(duet.url, `/api/conversations/${id}/members`, { username: name }, author);
  const resident = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${duet.process.pid}/status`, "utf8"))![1]);
  const before = resident();
  const reader = Bun.spawn(
    ["bun", import.meta.path, new URL(duet.url).port, ...people.map(({ token }) => token)],
    { stdout: "pipe", env: { ...process.env, STREAMS: String(perUser), AWAITED: String(members * perUser) } },
  );
  const lines = (async function* () {
    let rest = "";
    for await (const chunk of reader.stdout) {
      rest += new TextDecoder().decode(chunk);
      const whole = rest.split("\n");
      rest = whole.pop()!;
      yield* whole;
    }
  })();
  if ((await lines.next()).value !== "open") throw new Error("the streams did not open");
  // What opening them has left behind is collected some seconds later.
  await Bun.sleep(20_000);
  const held = (resident() - before) / (users * perUser);
  const all: number[] = [];
  const waits: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const at = performance.timeOrigin + performance.now();
    await post(duet.url, `/api/conversations/${id}/messages`, { body: `at ${at.toFixed(3)}` }, author);
    waits.push(performance.timeOrigin + performance.now() - at);
    all.push(...(JSON.parse((await lines.next()).value!) as number[]));
  }
  reader.kill();
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(0);
  console.log(
    `\none message to ${members * perUser} of ${users * perUser} open streams, ${members} of ${users} people, ${rounds} times`,
  );
  console.log(`  at a reader      p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  last ${at(1)} ms`);
  console.log(`  at its author    median ${waits.toSorted((a, b) => a - b)[rounds / 2]!.toFixed(1)} ms`);
  console.log(`  an idle stream   ${held.toFixed(1)} KB`);
  await duet[Symbol.asyncDispose]();
  process.exit(0);
}
