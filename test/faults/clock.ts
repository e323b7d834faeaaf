import { readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folderOnDisk } from "../support/app.ts";
import { findLibfaketime, until, type Outcome, type Recipe } from "./recipe.ts";
import { Site } from "./site.ts";
import { credentialsOf, Talker } from "./talker.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;

/** A clock that a test sets, in seconds from the present. */
function createClock() {
  const file = join(folderOnDisk(), "clock");
  const set = (seconds: number) => {
    // In one step: a file that is empty for a moment is another time.
    writeFileSync(`${file}.new`, `${seconds < 0 ? "" : "+"}${Math.round(seconds)}\n`);
    renameSync(`${file}.new`, file);
  };
  set(0);
  const env = {
    LD_PRELOAD: findLibfaketime()!,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  return { set, env };
}

/** F-11: what a server that is started with another clock says to tokens of the present. */
async function wrongAtStart(): Promise<Outcome> {
  const faults: string[] = [];
  const parts: string[] = [];
  const year2038 = (Date.UTC(2038, 0, 20) - Date.now()) / 1000;
  for (const [name, seconds, access, refreshed] of [
    ["+31m", 31 * 60, [401], [200]],
    ["+8d", 8 * DAY, [401], [401]],
    ["-1d", -DAY, [200, 401], [200, 401]],
    ["2038", year2038, [401], [401]],
  ] as const) {
    const clock = createClock();
    // Timers for what comes in a year must not fire at once.
    const settings = { DUET_BACKUP_EVERY: "365d", DUET_KEY_ROTATION: "3650d" };
    await using site = await new Site(settings).start({ env: clock.env });
    const alice = await Talker.register(site, "alice");
    await site.stop();
    clock.set(seconds);
    await site.start({ env: clock.env });
    const me = await site.ask("GET", "/api/auth/me", undefined, alice.accessToken);
    const again = await site.ask("POST", "/api/auth/refresh", { refresh_token: alice.refreshToken });
    const wrong = (why: string) => faults.push(`${name}: ${why}`);
    if (!access.some((each) => each === me.status)) wrong(`me ${me.status} ${me.text}`);
    if (!refreshed.some((each) => each === again.status)) wrong(`refresh ${again.status} ${again.text}`);
    // All of it works for those who come now.
    const bob = await Talker.register(site, "bob");
    await bob.say();
    if ((await bob.refresh()) !== 200) wrong("a new session is not refreshed");
    const stream = await fetch(`${site.url}/api/events`, {
      headers: { authorization: `Bearer ${bob.accessToken}` },
    });
    const reader = stream.body!.getReader();
    await reader.read();
    const ended = await Promise.race([reader.read(), Bun.sleep(1000).then(() => null)]);
    if (ended !== null) wrong("a stream ends at once");
    await reader.cancel();
    faults.push(...(await bob.check()).map((fault) => `${name}: ${fault}`));
    const backups = readdirSync(join(site.folder, "backups")).length;
    if (backups > 2) wrong(`${backups} backups`);
    await site.stop();
    // Back: what was refused for good stays so, what was not goes on.
    clock.set(0);
    await site.start({ env: clock.env });
    const back = await site.ask("POST", "/api/auth/refresh", { refresh_token: alice.refreshToken });
    if (back.status !== 200 && back.status !== 401) wrong(`back: ${back.status}`);
    if (seconds < 7 * DAY && back.status !== 200) wrong(`back: ${back.text}`);
    if (back.status === 200 && again.body?.code === "session_ended") wrong("an ended session came to life");
    parts.push(`${name} me ${me.status}, refresh ${again.status}, back ${back.status}`);
  }
  return { measured: parts.join("; "), faults };
}

/** F-11: limits and the overlap of a server whose clock is set while it runs. */
async function setMeanwhile(): Promise<Outcome> {
  const clock = createClock();
  const settings = { DUET_RATE_LIMITS: "on", DUET_PROGRAM_OVERLAP: "2s" };
  await using site = await new Site(settings).start({ env: clock.env });
  const alice = await Talker.register(site, "alice");
  await Talker.register(site, "bob");
  const carol = await Talker.register(site, "carol");
  const faults: string[] = [];
  const guess = () =>
    site.ask("POST", "/api/auth/login", { username: "bob", password: "wrong and wrong again 7" });
  const guessUntilRefused = async () => {
    for (let n = 0; n < 20; n++) if ((await guess()).status === 429) return true;
    return false;
  };
  const signIns: string[] = [];
  const signIn = async (when: string, expected: number) => {
    const { status } = await site.ask("POST", "/api/auth/login", credentialsOf("bob"));
    signIns.push(`${when} ${status}`);
    if (status !== expected) faults.push(`login ${when}: ${status}`);
  };
  if (!(await guessUntilRefused())) faults.push("there is no limit");
  await signIn("at the limit", 429);
  clock.set(8 * DAY);
  await signIn("8 days on", 200);
  if (!(await guessUntilRefused())) faults.push("there is no limit 8 days on");
  clock.set(0);
  await signIn("back by 8 days", 200);
  if (!(await guessUntilRefused())) faults.push("there is no limit after it");
  clock.set(-HOUR);
  await signIn("back by an hour", 200);
  clock.set(0);

  // W of a token whose successor was used in what is now the future is over W after the clock was set, and not an hour.
  for (let n = 0; n < 2; n++) {
    await carol.refresh();
    await carol.me();
  }
  clock.set(HOUR);
  const [old, generation] = [carol.refreshToken, carol.generation];
  await until("there is a next generation", async () => {
    await carol.refresh();
    return carol.generation > generation;
  });
  await carol.me();
  clock.set(0);
  const from = performance.now();
  const isRefused = async () =>
    (await site.ask("POST", "/api/auth/refresh", { refresh_token: old })).status === 401;
  await until("an old token is refused", isRefused, 5000);
  const dead = ((performance.now() - from) / 1000).toFixed(1);

  // Alice's session, which saw none of it, goes on both ways; 8 days on it is refused, and lives when the clock is right again.
  for (const seconds of [-HOUR, 0, HOUR, 0]) {
    clock.set(seconds);
    const { status, text } = await site.ask("POST", "/api/auth/refresh", {
      refresh_token: alice.refreshToken,
    });
    if (status !== 200) faults.push(`refresh at ${seconds}: ${status} ${text}`);
  }
  clock.set(8 * DAY);
  const late = await site.ask("POST", "/api/auth/refresh", { refresh_token: alice.refreshToken });
  if (late.status !== 401) faults.push(`refresh 8 days on: ${late.status}`);
  clock.set(0);
  const back = await alice.refresh();
  faults.push(...(await alice.check()));
  return {
    measured: `with W 2 s an old token is dead after ${dead} s; sign-ins ${signIns.join(", ")}; refresh 8 days on ${late.status}, back ${back}`,
    faults,
  };
}

const needs = ["libfaketime (Debian: apt-get install libfaketime)"] as const;

export const clock: Recipe[] = [
  { id: "F-11", what: "a clock that is wrong at the start", needs: [...needs], run: wrongAtStart },
  { id: "F-11", what: "a clock that is set meanwhile", needs: [...needs], run: setMeanwhile },
];
