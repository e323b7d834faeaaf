import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answerOf, folderOnDisk } from "../support/app.ts";
import { KeyHolder } from "../support/dpop.ts";
import { onMovedClock } from "./clocks.ts";
import {
  Api,
  claimsOf,
  count,
  generationOf,
  must,
  pool,
  Server,
  traceWith,
  type Finding,
  type Pair,
  type Random,
  type Run,
  type Scenario,
} from "./kit.ts";

// Many who hold one token: programs with copies of one credential file, and requests that are held up on their way.

const W_MS = 1000;
/** What the way to the server and back may take, so that nobody idles for longer than W in all. */
const ON_THE_WAY_MS = 150;
const PROCESSES = 16;

/** One line of tokens: to each generation there is one refresh token. */
class Lineage {
  readonly #tokens = new Map<number, string>();
  seconds = 0;

  add({ refresh_token: token }: Pair): void {
    const generation = generationOf(token);
    const known = this.#tokens.get(generation);
    if (known !== undefined && known !== token) this.seconds++;
    this.#tokens.set(generation, token);
  }

  get steps(): number {
    return Math.max(0, ...this.#tokens.keys()) - 1;
  }
}

/** What a program keeps its token in, whole at any moment. */
function credentialFile(token: string) {
  const path = join(folderOnDisk(), "credentials.json");
  let n = 0;
  const write = (refresh_token: string) => {
    const next = `${path}.${n++}`;
    writeFileSync(next, JSON.stringify({ refresh_token }));
    renameSync(next, path);
  };
  write(token);
  return { write, read: () => JSON.parse(readFileSync(path, "utf8")).refresh_token as string };
}

/**
 * Sixteen processes read one credential file, each refreshes what it has in memory whenever it likes, some answers are lost.
 * Beside every second group there is a thief, who copies the file and shows his copy when it is long dead.
 */
export const agents: Scenario = async ({ scale, random }) => {
  const groups = Math.max(2, Math.round(40 * scale));
  const turns = 20;
  await using server = await new Server({ DUET_PROGRAM_OVERLAP: `${W_MS / 1000}s` }).start();
  const api = new Api(server.url, fetch, traceWith(W_MS));
  const zeros = {
    "sign-outs": 0,
    "second lines of tokens": 0,
    "thieves that were not caught": 0,
    "answers after that": 0,
  };
  let refreshes = 0;
  let steps = 0;
  let thieves = 0;

  await pool(groups, 10, async (group) => {
    const choose = random.fork();
    const file = credentialFile((await api.register(`group${group}`)).refresh_token);
    const lineage = new Lineage();
    const hasThief = group % 2 === 1;
    let caughtAt = Infinity;
    let working = PROCESSES;

    async function process(choices: Random) {
      let token = file.read();
      let knownAt = Date.now();
      let idles = true;
      for (let turn = 0; turn < turns; turn++) {
        if (idles) await Bun.sleep(choices.below(W_MS - ON_THE_WAY_MS));
        const sent = Date.now();
        const answer = await api.refresh(token);
        refreshes++;
        if (sent > caughtAt) {
          if (answer.ok) zeros["answers after that"]++;
          return;
        }
        // Where this machine stood still for so long, the promise is not the rule's to keep.
        const wasInTime = Date.now() - knownAt <= W_MS;
        if (!answer.ok && hasThief) return;
        if (!answer.ok) return void (wasInTime && zeros["sign-outs"]++);
        lineage.add(answer.body);
        // Lost: it asks again at once, with what it has.
        if (choices.chance(0.2)) {
          turn--;
          idles = false;
          continue;
        }
        idles = true;
        token = answer.body.refresh_token;
        knownAt = sent;
        // The file first: who reads it afterwards is not behind.
        if (generationOf(token) > generationOf(file.read())) file.write(token);
        if (choices.chance(0.7)) await api.me(answer.body.access_token);
      }
    }

    async function thief(choices: Random) {
      await Bun.sleep(choices.below(3 * W_MS));
      const copy = file.read();
      // Its successor has been in use for W when the others are three generations further on.
      while (generationOf(file.read()) < generationOf(copy) + 3 && working > 0) await Bun.sleep(50);
      if (working === 0) return;
      thieves++;
      const answer = await api.refresh(copy);
      caughtAt = Date.now();
      if (answer.ok || answer.reason !== "reuse_detected") zeros["thieves that were not caught"]++;
    }

    const running = Array.from({ length: PROCESSES }, () => process(choose.fork()).finally(() => working--));
    await Promise.all([...running, ...(hasThief ? [thief(choose.fork())] : [])]);
    zeros["second lines of tokens"] += lineage.seconds;
    steps += lineage.steps;
  });
  return [
    {
      what: "16 programs share one credential file, idle for up to W",
      done: `${count(groups)} × ${PROCESSES} programs, ${count(refreshes)} refreshes, ${count(thieves)} thieves`,
      zeros,
      measured: `${count(steps)} generations`,
    },
  ];
};

/** A proxy holds each request for a random time up to W; meanwhile its client goes on with what it gets, and uses it. */
export const lateRequests: Scenario = async ({ scale, random }) => {
  const clients = Math.max(3, Math.round(60 * scale));
  const turns = 20;
  await using server = await new Server({ DUET_PROGRAM_OVERLAP: `${W_MS / 1000}s` }).start();
  const holds = random.fork();
  using proxy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const body = await request.text();
      await Bun.sleep(holds.below(W_MS - ON_THE_WAY_MS));
      const { pathname } = new URL(request.url);
      return fetch(server.url + pathname, { method: request.method, headers: request.headers, body });
    },
  });
  const direct = new Api(server.url, fetch, traceWith(W_MS));
  const held = new Api(`http://127.0.0.1:${proxy.port}`, fetch, direct.trace);
  const zeros = { "sign-outs": 0, "second lines of tokens": 0 };
  let refreshes = 0;
  let behind = 0;

  await pool(clients, 20, async (client) => {
    const choose = random.fork();
    const lineage = new Lineage();
    let token = (await direct.register(`user${client}`)).refresh_token;
    const underWay: Promise<void>[] = [];
    for (let turn = 0; turn < turns; turn++) {
      const send = async () => {
        const sent = Date.now();
        const shown = token;
        const answer = await held.refresh(shown);
        refreshes++;
        if (!answer.ok) return void (Date.now() - sent <= W_MS && zeros["sign-outs"]++);
        lineage.add(answer.body);
        if (generationOf(token) > generationOf(shown)) behind++;
        if (generationOf(answer.body.refresh_token) > generationOf(token)) token = answer.body.refresh_token;
        await direct.me(answer.body.access_token);
      };
      underWay.push(send());
      await Bun.sleep(choose.below(W_MS / 2));
    }
    await Promise.all(underWay);
    must(await direct.refresh(token));
    zeros["second lines of tokens"] += lineage.seconds;
  });
  return [
    {
      what: "requests are held up for up to W",
      done: `${count(clients)} clients, ${count(refreshes)} refreshes`,
      zeros,
      measured: `${count(behind)} came when their client had gone on already`,
    },
  ];
};

const WITH_KEY = "100 programs share one credential file and a key, idle for hours";

/** The same with a key (DPoP), and nobody needs to be in time: the server's clock moves on by hours. */
export const agentsWithKey: Scenario = (run) => onMovedClock(WITH_KEY, run, idleForHours);

/** Whoever has the key is answered, with whatever they have; whoever has a copy without it is not, and ends nothing. */
export async function idleForHours(
  api: Api,
  setClock: (seconds: number) => void,
  { scale, random }: Run,
): Promise<Finding[]> {
  const groups = Math.max(1, Math.round(10 * scale));
  const rounds = 20;
  const programs = 100;
  const zeros = {
    "sign-outs": 0,
    "second lines of tokens": 0,
    "copies without the key that were answered": 0,
  };
  let refreshes = 0;
  let copies = 0;
  let clock = 0;
  const json = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    answerOf(
      await api.send(api.url + path, {
        method,
        headers: { "content-type": "application/json", ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
  for (let group = 0; group < groups; group++) {
    const key = await KeyHolder.create({ json }, "ES256", api.url);
    const name = { username: `holder${group}`, password: `the umbrella stand of holder ${group} 9` };
    const first = (await key.ask("POST", "/api/auth/register", name)).body as Pair;
    const lineage = new Lineage();
    const held = Array.from({ length: programs }, () => first.refresh_token);
    let newest = first.refresh_token;
    for (let round = 0; round < rounds; round++) {
      clock += random.below(12 * 3600);
      setClock(clock);
      // The nonce is of another time.
      await key.ask("POST", "/api/auth/refresh", { refresh_token: held[0] });
      await pool(programs, 10, async (i) => {
        if (random.chance(0.6)) return; // asleep
        // For longer than a session may idle it is none of ours.
        if (claimsOf(held[i]!).exp * 1000 < Date.now() + clock * 1000) held[i] = newest;
        const answer = await key.ask("POST", "/api/auth/refresh", { refresh_token: held[i] });
        refreshes++;
        if (answer.status !== 200) return void zeros["sign-outs"]++;
        lineage.add(answer.body as Pair);
        if (random.chance(0.2)) return; // lost
        held[i] = newest = answer.body.refresh_token;
        if (random.chance(0.5)) await key.ask("GET", "/api/auth/me", undefined, answer.body.access_token);
      });
      copies++;
      const copied = await api.refresh(held[random.below(programs)]!);
      if (copied.ok || copied.code !== "invalid_dpop_proof")
        zeros["copies without the key that were answered"]++;
    }
    zeros["second lines of tokens"] += lineage.seconds;
  }
  return [
    {
      what: WITH_KEY,
      done: `${count(groups)} × ${programs} programs, ${count(refreshes)} refreshes over ${count(Math.round(clock / 86_400))} days, ${count(copies)} copies`,
      zeros,
    },
  ];
}
