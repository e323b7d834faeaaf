import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { folderOnDisk } from "../support/app.ts";
import { times } from "../prove/kit.ts";
import type { Outcome, Recipe } from "./recipe.ts";
import { Site } from "./site.ts";
import { messageInHalves, openLine } from "./sockets.ts";
import { credentialsOf, Talker } from "./talker.ts";

/** F-2: killed at a random moment while one registers and another signs in. */
export async function killedSignIns(rounds: number): Promise<Outcome> {
  await using site = await new Site().start();
  const alice = await Talker.register(site, "alice");
  const faults: string[] = [];
  const seen = { answered: 0, stored: 0, free: 0, "login answered": 0 };
  for (let round = 0; round < rounds; round++) {
    const bob = credentialsOf(`bob${round}`);
    const registering = site.ask("POST", "/api/auth/register", bob);
    const signingIn = site.ask("POST", "/api/auth/login", credentialsOf("alice"));
    await Bun.sleep(Math.random() * 80);
    await site.stop("SIGKILL");
    const [registered, signedIn] = await Promise.all([registering, signingIn]);
    await site.start();
    const login = (await site.ask("POST", "/api/auth/login", bob)).status;
    if (registered.status === 201) {
      seen.answered++;
      if (login !== 200) faults.push(`201, and then a login is ${login}`);
      const me = await site.ask("GET", "/api/auth/me", undefined, registered.body.access_token);
      if (me.status !== 200) faults.push(`201, and then its token is ${me.status}`);
    } else if (login === 200) seen.stored++;
    else {
      seen.free++;
      const again = (await site.ask("POST", "/api/auth/register", bob)).status;
      if (again !== 201)
        faults.push(`no account, and the name is not free: login ${login}, register ${again}`);
    }
    if (signedIn.status === 200) {
      seen["login answered"]++;
      const me = await site.ask("GET", "/api/auth/me", undefined, signedIn.body.access_token);
      if (me.status !== 200) faults.push(`a login was answered, and its token is ${me.status}`);
    }
    const sessions = `SELECT count(*) AS n FROM users WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE user_id = users.id)`;
    if (site.read<{ n: number }>(sessions)[0]!.n > 0)
      faults.push("an account without the session it began with");
  }
  faults.push(...(await alice.check()));
  const counts = Object.entries(seen).map(([name, n]) => `${name} ${n}`);
  return { measured: `${rounds} kills: ${counts.join(", ")}`, faults };
}

/** What a first start leaves, by its schema. */
const schemaOf = (site: Site) =>
  JSON.stringify(site.read("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"));

/** F-3: killed before the n-th call of a kind, for every n, until a first start comes to its end. */
async function killedFirstStarts(): Promise<Outcome> {
  const whole = await new Site().start();
  const expected = schemaOf(whole);
  await whole.stop();
  const faults: string[] = [];
  const counts: string[] = [];
  const refusals = new Set<string>();
  const restarts: number[] = [];
  for (const call of ["pwrite64", "fsync", "write", "ftruncate", "rename", "unlink", "mmap"]) {
    let n = 0;
    for (let step = 1, isDone = false; !isDone && n < 2000; n += step) {
      // Of hundreds of pages that are written alike, some.
      step = n < 40 ? 1 : call === "mmap" ? 50 : 11;
      const site = new Site({}, join(folderOnDisk(), "data"));
      isDone = await killedAt(site, call, n + 1);
      const from = performance.now();
      try {
        await site.start();
        restarts.push(performance.now() - from);
      } catch (error) {
        const said = String((error as { errors?: string }).errors ?? error);
        if (said.trim().split("\n").length !== 1) faults.push(`${call} ${n + 1}: ${said}`);
        refusals.add(said.trim().replaceAll(site.folder, "…"));
        continue;
      }
      const schema = schemaOf(site);
      if (schema !== expected) faults.push(`${call} ${n + 1}: half a schema`);
      const alice = await Talker.register(site, "alice");
      await alice.say();
      faults.push(...(await alice.check()));
      await site.stop();
      rmSync(site.folder, { recursive: true });
    }
    counts.push(`${call} ${n}`);
  }
  if (refusals.size > 0) faults.push(...refusals);
  return {
    measured: `killed before each of ${counts.join(", ")}; the next start: ${times(restarts)}`,
    faults,
  };
}

/** Starts a server that is killed before its n-th call; answers whether it got ready before that. */
async function killedAt(site: Site, call: string, n: number): Promise<boolean> {
  mkdirSync(site.folder, { recursive: true });
  const inject = `inject=${call}:signal=SIGKILL:when=${n}`;
  // It traces from beside, so that signals are the server's.
  const strace = ["strace", "-D", "-f", "-o", "/dev/null", "-e", `trace=${call}`, "-e", inject];
  const child = Bun.spawn([...strace, ...site.command()], {
    env: site.environment(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  let said = "";
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    if (!said.includes("is ready")) continue;
    child.kill("SIGTERM");
    await child.exited;
    return true;
  }
  await child.exited;
  return false;
}

/** F-16: another process takes the folder and the port over, under load; clients try again until they are answered. */
export async function restarted(rounds: number): Promise<Outcome> {
  await using site = await new Site({ DUET_PROGRAM_OVERLAP: "0" }).start();
  const people = [await Talker.register(site, "alice"), await Talker.register(site, "bob")];
  let isOver = false;
  const codes: (number | null)[] = [];
  const talking = people.map(async (one) => {
    for (let n = 1; !isOver; n++) {
      await one.sayUntilSaid();
      if (n % 5 === 0) await one.refresh();
    }
  });
  const downs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const said = people[0]!.acknowledged.length;
    while (people[0]!.acknowledged.length < said + 20) await Bun.sleep(5);
    const from = performance.now();
    codes.push(await site.stop("SIGTERM"));
    await site.start();
    downs.push(performance.now() - from);
  }
  isOver = true;
  await Promise.all(talking);
  const faults = (await Promise.all(people.map((one) => one.check()))).flat();
  for (const code of codes) if (code !== 0) faults.push(`exit code ${code}`);
  const said = people.reduce((sum, one) => sum + one.acknowledged.length, 0);
  const [lost, stored] = [faults.length, people.reduce((sum, one) => sum + one.stored, 0)];
  if (lost === 0 && stored !== said) faults.push(`${stored} are stored and ${said} were acknowledged`);
  return {
    measured: `${rounds} times, ${said} messages = ${stored} rows; from SIGTERM to ready: ${times(downs)}`,
    faults,
  };
}

/** F-15: one signal, while somebody sends half a message and never the rest. */
async function stuckClient(): Promise<Outcome> {
  await using site = await new Site().start();
  const alice = await Talker.register(site, "alice");
  await alice.say();
  const line = await openLine(site);
  line.send(messageInHalves(alice, "never")[0]);
  await site.ask("GET", "/healthz");
  const from = performance.now();
  const code = await site.stop("SIGTERM");
  const seconds = (performance.now() - from) / 1000;
  const faults: string[] = [];
  if (code !== 0 || seconds > 10) faults.push(`exit code ${code} after ${seconds} s`);
  await site.start();
  faults.push(...(await alice.check()));
  return { measured: `exit code ${code} after ${seconds.toFixed(1)} s`, faults };
}

export const kills: Recipe[] = [
  { id: "F-2", what: "SIGKILL while people register and sign in", run: () => killedSignIns(50) },
  { id: "F-3", what: "SIGKILL in a first start", needs: ["strace"], run: killedFirstStarts },
  { id: "F-15", what: "SIGTERM, and a client that never ends", run: stuckClient },
  { id: "F-16", what: "restarts under load", run: () => restarted(10) },
];
