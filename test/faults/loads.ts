import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Stream } from "../support/stream.ts";
import { memoryGroup, type Outcome, type Recipe } from "./recipe.ts";
import { BACK_MS, Site } from "./site.ts";
import { answered, messageInHalves, openLine, type Line } from "./sockets.ts";
import { credentialsOf, Talker } from "./talker.ts";

const shell = (text: string) => ["bash", "-c", `${text}; exec "$@"`, "bash"];

/** Of one processor, by a process and its threads. */
const secondsUsed = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

async function shareUsed(pid: number, ms: number): Promise<number> {
  const [from, before] = [performance.now(), secondsUsed(pid)];
  await Bun.sleep(ms);
  return (secondsUsed(pid) - before) / ((performance.now() - from) / 1000);
}

/** F-17: 64 descriptors, 150 connections that are never done. */
async function descriptors(): Promise<Outcome> {
  await using site = await new Site().start({ before: shell("ulimit -n 64") });
  const alice = await Talker.register(site, "alice");
  await alice.say();
  const faults: string[] = [];
  const shares: number[] = [];
  const here = await openLine(site);
  // A connection is only taken when something is sent on it.
  here.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await answered(here, /"ok"/);
  for (let round = 0; round < 2; round++) {
    const lines: Line[] = [];
    for (let n = 0; n < 150; n++) {
      const line = await openLine(site).catch(() => undefined);
      line?.send("GET /login HTTP/1.1\r\nHost:");
      if (line) lines.push(line);
    }
    shares.push(await shareUsed(site.pid, 5000));
    // Whoever was there before is answered, and what they write is stored.
    const [head, rest] = messageInHalves(alice, `meanwhile ${round}`);
    alice.unknown.add(`meanwhile ${round}`);
    here.send(head + rest);
    const heard = answered(here, RegExp(`^(?:[^]*HTTP/1.1 201){${round + 1}}`));
    const isHeard = await Promise.race([heard.then(() => true), Bun.sleep(5000).then(() => false)]);
    if (isHeard) alice.acknowledged.push(`meanwhile ${round}`);
    else faults.push("a connection that was there before is not answered");
    for (const { socket } of lines) socket.destroy();
    const back = await site.backMs(15_000);
    if (back > 15_000) faults.push("does not recover within 15 s");
    await alice.say();
    faults.push(...(await alice.check()));
  }
  if (site.running!.process.exitCode !== null) faults.push("it is gone");
  const most = Math.max(...shares);
  if (most > 0.5) faults.push(`uses ${Math.round(most * 100)} % of a processor meanwhile`);
  return { measured: `2 × 150 half-open: processor ${Math.round(most * 100)} %, then ${alice.told}`, faults };
}

/** F-18: a flood of sign-ins and of bodies that are too large, in 256 MB. */
async function memory(): Promise<Outcome> {
  using group = memoryGroup(256);
  await group.limit();
  await using site = await new Site().start({
    before: shell(`echo $$ > ${join(group.path, "cgroup.procs")}`),
  });
  const alice = await Talker.register(site, "alice");
  const statuses = new Map<number, number>();
  const count = (status: number) => statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const until = performance.now() + 10_000;
  const flood = async (work: () => Promise<{ status: number }>) => {
    while (performance.now() < until) count((await work()).status);
  };
  const large = { body: "x".repeat(10_000_000) };
  await Promise.all([
    ...Array.from({ length: 60 }, () =>
      flood(() => site.ask("POST", "/api/auth/login", credentialsOf("alice"))),
    ),
    ...Array.from({ length: 20 }, (_, n) => {
      let i = 0;
      return flood(() => site.ask("POST", "/api/auth/register", credentialsOf(`bob${n}x${i++}`)));
    }),
    ...Array.from({ length: 8 }, () => flood(() => site.ask("POST", alice.path, large, alice.accessToken))),
  ]);
  const faults: string[] = [];
  if (site.running!.process.exitCode !== null || site.running!.process.signalCode !== null)
    faults.push(`it is gone: ${site.running!.process.signalCode}`);
  for (const [status, n] of statuses)
    if (![0, 200, 201, 413, 429, 503].includes(status)) faults.push(`${status} × ${n}`);
  faults.push(...(await alice.check()));
  const peak = await group.peakMegabytes();
  await site.stop();
  const told = [...statuses].map(([status, n]) => `${status || "cut"} × ${n}`).join(", ");
  return { measured: `256 MB, peak ${peak}: ${told}`, faults };
}

/** F-19: all of it stands still for a time, longer than an access token lives. */
export async function standstill(seconds: number): Promise<Outcome> {
  const lifeSeconds = Math.max(2, Math.floor(seconds / 2));
  await using site = await new Site({
    DUET_ACCESS_TTL: `${lifeSeconds}s`,
    DUET_PROGRAM_OVERLAP: "0",
  }).start();
  const faults: string[] = [];
  const people: Talker[] = [];
  for (let n = 0; n < 5; n++) people.push(await Talker.register(site, `user${n}`));
  for (const one of people) await one.refresh();
  const fetchHere = (path: string, init?: RequestInit) => fetch(site.url + path, init);
  const streams = await Promise.all(people.map((one) => Stream.open(fetchHere, one.accessToken)));
  for (const stream of streams) await stream.nextOfAny();
  process.kill(site.pid, "SIGSTOP");
  const asked = people.map((one) => site.ask("GET", "/api/auth/me", undefined, one.accessToken));
  const refreshing = people.slice(0, 2).map((one) => one.refresh());
  await Bun.sleep(seconds * 1000);
  process.kill(site.pid, "SIGCONT");
  const share = await shareUsed(site.pid, 1000);
  for (const answer of await Promise.all(asked))
    if (answer.status !== 200 && answer.body?.code !== "token_expired")
      faults.push(`me: ${answer.status} ${answer.text}`);
  for (const status of await Promise.all(refreshing)) if (status !== 200) faults.push(`refresh: ${status}`);
  // Each stream ends as its token has, and is not cut.
  let ended = 0;
  for (const stream of streams) {
    let last;
    let seen = "";
    while ((last = await stream.nextOfAny()) !== null) seen = last.event ?? "";
    if (seen === "token_expired") ended++;
    else faults.push(`a stream ended with ${seen}`);
  }
  let refreshed = 0;
  for (const one of people) {
    const expired = await site.ask("GET", "/api/auth/me", undefined, one.accessToken);
    if (![200, 401].includes(expired.status)) faults.push(`me afterwards: ${expired.status}`);
    if ((await one.refresh()) === 200) refreshed++;
    else faults.push(`${one.name} is signed out`);
    await one.say();
    faults.push(...(await one.check()));
  }
  if (share > 0.8 && BACK_MS < Infinity) faults.push(`busy after it: ${Math.round(share * 100)} %`);
  return {
    measured: `${seconds} s: ${refreshed} of 5 sessions go on, ${ended} of 5 streams end as their tokens do, then ${Math.round(share * 100)} % of a processor`,
    faults,
  };
}

export const loads: Recipe[] = [
  { id: "F-17", what: "no descriptors left", needs: ["Linux"], run: descriptors },
  { id: "F-18", what: "little memory", needs: ["control groups of memory (root)"], run: memory },
  { id: "F-19", what: "SIGSTOP", needs: ["Linux"], run: () => standstill(60) },
];
