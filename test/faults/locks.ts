import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import type { Outcome, Recipe } from "./recipe.ts";
import { Site } from "./site.ts";
import { Talker } from "./talker.ts";

/** What others ask meanwhile, and how long the slowest of them waited. */
function watch(site: Site, who: Talker) {
  let isOver = false;
  let worst = 0;
  let asked = 0;
  const watching = (async () => {
    for (; !isOver; asked++) {
      const from = performance.now();
      const page = await site.ask("GET", "/login");
      const { status } = await who.me();
      worst = Math.max(worst, performance.now() - from);
      if (page.status !== 200 || status !== 200) who.faults.push(`meanwhile: ${page.status}, ${status}`);
      await Bun.sleep(20);
    }
  })();
  return async () => {
    isOver = true;
    await watching;
    return { worst: Math.round(worst), asked };
  };
}

/** F-13: another process holds the lock for writing: for less than a write waits, and for longer. */
async function heldLock(): Promise<Outcome> {
  await using site = await new Site({ DUET_PROGRAM_OVERLAP: "0" }).start();
  const alice = await Talker.register(site, "alice");
  const bob = await Talker.register(site, "bob");
  const parts: string[] = [];
  for (const seconds of [1, 3, 30]) {
    using other = new Database(site.database);
    other.run("PRAGMA busy_timeout = 5000");
    other.run("BEGIN IMMEDIATE");
    const watched = watch(site, bob);
    const until = performance.now() + seconds * 1000;
    const statuses: number[] = [];
    const talking = (async () => {
      do statuses.push(await alice.say(), await alice.refresh());
      while (performance.now() < until);
    })();
    await Bun.sleep(seconds * 1000);
    other.run("ROLLBACK");
    await talking;
    const { worst } = await watched();
    const waited = seconds === 1 && statuses.join() !== "201,200";
    if (waited) alice.faults.push(`a lock of 1 s: ${statuses.join()}`);
    if (seconds > 2 && statuses[0] !== 503) alice.faults.push(`a lock of ${seconds} s: ${statuses.join()}`);
    if (worst > 500) bob.faults.push(`others waited ${worst} ms`);
    await alice.check();
    parts.push(`${seconds} s: ${[...new Set(statuses)].join(" and ")}, others ≤ ${worst} ms`);
  }
  const faults = [...(await alice.check()), ...(await bob.check())];
  if (alice.stored !== alice.acknowledged.length) faults.push("a message that was refused is there");
  return { measured: parts.join("; "), faults };
}

/** F-13: another process reads for a minute, so that nothing of the log can be used again. */
async function longReader(): Promise<Outcome> {
  await using site = await new Site().start();
  const alice = await Talker.register(site, "alice");
  const bob = await Talker.register(site, "bob");
  const logMegabytes = () => statSync(`${site.database}-wal`).size / 2 ** 20;
  const watched = watch(site, bob);
  let most = 0;
  {
    using reader = new Database(site.database, { readonly: true });
    reader.run("BEGIN");
    const count = () => reader.query<{ n: number }, []>("SELECT count(*) AS n FROM messages").get()!.n;
    const before = count();
    const until = performance.now() + 60_000;
    for (let n = 0; performance.now() < until; n++) {
      await alice.sayAs(`${n} ${"x".repeat(4000)}`);
      most = Math.max(most, logMegabytes());
      // A person types more slowly; and each is 100 KB of the log.
      await Bun.sleep(50);
    }
    if (count() !== before) alice.faults.push("the reader sees what came after it");
    reader.run("COMMIT");
  }
  const { worst } = await watched();
  for (let n = 0; n < 20; n++) await alice.say();
  const after = logMegabytes();
  if (after > 20) alice.faults.push(`the log keeps ${Math.round(after)} MB`);
  if (worst > 500) bob.faults.push(`others waited ${worst} ms`);
  const faults = [...(await alice.check()), ...(await bob.check())];
  const measured = `${alice.acknowledged.length} messages, log ${Math.round(most)} MB, ${Math.round(after)} MB after it; others ≤ ${worst} ms`;
  return { measured, faults };
}

export const locks: Recipe[] = [
  { id: "F-13", what: "another process holds the write lock", run: heldLock },
  { id: "F-13", what: "another process reads for 60 s", run: longReader },
];
