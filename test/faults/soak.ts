import { statSync } from "node:fs";
import { Stream } from "../support/stream.ts";
import { createRandom } from "../prove/kit.ts";
import { kills } from "../prove/crash.ts";
import { megabytesOf } from "./clients.ts";
import type { Outcome, Recipe } from "./recipe.ts";
import { Site } from "./site.ts";
import { countsOf, credentialsOf, Talker } from "./talker.ts";

const PER_SECOND = 5;
/** How long a life must be before the slope of its memory says anything. */
const LEARNED_MINUTES = 30;

type Sample = { hours: number; megabytes: number };

/** By least squares, in megabytes an hour. */
export function slopeOf(samples: Sample[]): number {
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, each) => sum + of(each), 0) / samples.length;
  const [hours, megabytes] = [mean((each) => each.hours), mean((each) => each.megabytes)];
  const along = samples.reduce((sum, each) => sum + (each.hours - hours) * (each.megabytes - megabytes), 0);
  const square = samples.reduce((sum, each) => sum + (each.hours - hours) ** 2, 0);
  return square === 0 ? 0 : along / square;
}

/** What people do, in turns: each is one request, or two. */
async function act(site: Site, who: Talker, n: number): Promise<void> {
  switch (n % 10) {
    case 0:
      return void (await who.refresh());
    case 1:
      return void who.note("login page", await site.ask("GET", "/login"));
    case 2:
      return void (await who.ask("GET", who.path));
    case 3: {
      // A session of a minute, for most of which nobody signs out: they have to go by themselves.
      const { status, body } = who.note(
        "login",
        await site.ask("POST", "/api/auth/login", credentialsOf(who.name)),
      );
      if (status === 200 && n % 20 === 3)
        who.note("logout", await site.ask("POST", "/api/auth/logout", undefined, body.access_token));
      return;
    }
    case 4: {
      const stop = new AbortController();
      const fetchHere = (path: string, init?: RequestInit) => fetch(site.url + path, init);
      try {
        const stream = await Stream.open(fetchHere, who.accessToken, undefined, stop.signal);
        await stream.nextOfAny();
      } catch {
        // It was killed in the middle.
      }
      return stop.abort();
    }
    case 5:
    case 6:
      return void (await who.me());
    default:
      return void (await who.say());
  }
}

/** F-24: five requests a second for so many minutes, with a SIGKILL every hour, or at every sixth of a shorter time. */
async function soak(minutes: number): Promise<Outcome> {
  await using site = await new Site({ DUET_RATE_LIMITS: "on", DUET_PROGRAM_OVERLAP: "0" }).start();
  const people: Talker[] = [];
  for (const name of ["alice", "bob", "carol", "小明"]) people.push(await Talker.register(site, name));
  const faults: string[] = [];
  const slopes: number[] = [];
  let life: Sample[] = [];
  let log = 0;
  let restarts = 0;
  const from = performance.now();
  const elapsedMs = () => performance.now() - from;
  const lifeMs = Math.min(60, minutes / 6) * 60_000;
  const endLife = () => {
    // The first minutes are the caches filling.
    const hours = life.at(-1)?.hours ?? 0;
    if (hours * 60 >= LEARNED_MINUTES) slopes.push(slopeOf(life.filter((each) => each.hours > hours / 3)));
    life = [];
  };
  const killing = (async () => {
    for (let next = lifeMs; next < minutes * 60_000; next += lifeMs) {
      while (elapsedMs() < next) await Bun.sleep(200);
      await site.stop("SIGKILL");
      endLife();
      await site.start();
      restarts++;
    }
  })();
  let born = 0;
  for (let n = 0; elapsedMs() < minutes * 60_000; n++) {
    // The next turn is due whether or not this one is done.
    void act(site, people[n % people.length]!, Math.floor(n / people.length)).catch((error) =>
      faults.push(`${error}`),
    );
    await Bun.sleep(Math.max(0, (n + 1) * (1000 / PER_SECOND) - elapsedMs()));
    if (n % (10 * PER_SECOND) !== 0 || !site.running) continue;
    if (life.length === 0) born = elapsedMs();
    life.push({ hours: (elapsedMs() - born) / 3_600_000, megabytes: megabytesOf(site.pid) });
    log = Math.max(log, statSync(`${site.database}-wal`, { throwIfNoEntry: false })?.size ?? 0);
  }
  await killing;
  endLife();
  for (const one of people) faults.push(...(await one.check()));
  const old = `SELECT count(*) AS n FROM idempotency_keys WHERE created_at < ${Date.now() - 8 * 86_400_000}`;
  if (site.read<{ n: number }>(old)[0]!.n > 0) faults.push("old idempotency keys are kept");
  const slope = slopes.length === 0 ? undefined : Math.max(...slopes);
  if (slope !== undefined && slope > 1) faults.push(`memory grows by ${slope.toFixed(2)} MB an hour`);
  const logMegabytes = log / 2 ** 20;
  if (logMegabytes > 64) faults.push(`the log has ${Math.round(logMegabytes)} MB`);
  const said = people.reduce((sum, one) => sum + one.acknowledged.length, 0);
  const told = new Map<number, number>();
  for (const one of people)
    for (const [status, n] of one.statuses) told.set(status, (told.get(status) ?? 0) + n);
  const memory =
    slope === undefined ? `${megabytesOf(site.pid).toFixed(0)} MB` : `${slope.toFixed(2)} MB an hour`;
  const measured = `${minutes} min, ${restarts} kills, ${said} messages, log ≤ ${logMegabytes.toFixed(1)} MB, memory ${memory}; ${countsOf(told)}`;
  return { measured, faults: [...new Set(faults)] };
}

/** F-1: the proof's own, a tenth of it. */
async function killed(): Promise<Outcome> {
  const [finding] = await kills({ scale: 0.1, random: createRandom(Date.now()) });
  const { done, zeros, measured } = finding!;
  const faults = Object.entries(zeros).flatMap(([name, n]) => (n === 0 ? [] : [`${name}: ${n}`]));
  return { measured: `${done}; ${measured}`, faults };
}

export const soaks: Recipe[] = [
  { id: "F-1", what: "SIGKILL at random moments under load", run: killed },
  { id: "F-24", what: "everything for a while", needs: ["Linux"], run: soak },
];
