import { describe, expect, setSystemTime, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { issuerOf, readConfig } from "../src/config.ts";
import { createRememberedSessions } from "../src/core/auth/remembered.ts";
import { openDataBeside } from "../src/data.ts";
import { touchesOf } from "../src/db/index.ts";
import { createDuet } from "../src/duet.ts";
import type { DuetError } from "../src/errors.ts";
import { LIMITS } from "../src/limits.ts";
import type { SessionWithUser } from "../src/store/sessions.ts";
import { freezeClock, ORIGIN, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { register } from "./support/people.ts";
import { ROOT } from "./support/process.ts";
import { shownFrom } from "./support/shown.ts";

const HERE = { userAgent: "test", ip: "192.0.2.9" };

/** The services of another process on the same data, which remember nothing: every answer is the database's. */
async function openBeside(t: TestApp) {
  const config = readConfig({ DUET_DATA: t.folder, DUET_PUBLIC_URL: ORIGIN, ...UNLIMITED });
  const issuer = issuerOf(config);
  const data = await openDataBeside(config, issuer);
  const duet = createDuet(
    {
      ...data,
      store: { ...data.store, isCurrent: () => false },
      settings: { ...config, issuer },
      clock: Date.now,
      log: () => {},
    },
    { argon2Cost: { memoryCost: 8, timeCost: 1 }, monotonic: Date.now },
  );
  return Object.assign(duet, { [Symbol.asyncDispose]: () => data.close() });
}

const NAMES = ["alice", "bob"] as const;
const passwordOf = (name: string, n: number) => `the umbrella stand of ${name} number ${n}`;

type Step = { kind: string; who?: number; which?: number; beside?: boolean; by?: number };

/** What may happen to sessions, in this process or (`beside`) in another. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("sign in"), who: fc.nat(1) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("refresh"), which: fc.nat(), beside: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("sign out"), which: fc.nat(), beside: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("sign out all"), which: fc.nat(), beside: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("password"), which: fc.nat(), beside: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rename"), which: fc.nat(), beside: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("disable"), who: fc.nat(1), beside: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("enable"), who: fc.nat(1), beside: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete"), which: fc.nat(), beside: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("clock"),
      by: fc.constantFrom(1000, 20_000, 31 * 60_000, 8 * 86_400_000, -3_600_000),
    }),
  },
) as fc.Arbitrary<Step>;

describe("what is remembered of sessions", () => {
  test("is what the database says, whatever is done, in whatever order, by whichever process", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        freezeClock();
        await using t = await startApp(UNLIMITED);
        await using other = await openBeside(t);
        const own = t.app.duet;
        const pairs: { accessToken: string; refreshToken: string; name: string }[] = [];
        const changes = new Map<string, number>();
        const renamed = new Map<string, string>(NAMES.map((name) => [name, name]));
        const passwordOfNow = (name: string) => passwordOf(name, changes.get(name) ?? 0);

        async function act({ kind, who = 0, which = 0, beside = false, by = 0 }: Step) {
          const duet = beside ? other : own;
          const name = NAMES[who]!;
          const pair = pairs[which % Math.max(pairs.length, 1)];
          const viewer =
            pair &&
            (await own.sessions.authenticate(pair.accessToken, shownFrom(HERE)).catch(() => undefined));
          switch (kind) {
            case "clock":
              return setSystemTime(Date.now() + by);
            case "sign in": {
              const input = { username: name, password: passwordOfNow(name) };
              const { issued } = await own.users
                .login(
                  { identifier: renamed.get(name)!, password: input.password },
                  { kind: "program", key: null },
                  HERE,
                )
                .then(({ signedIn }) => signedIn!)
                .catch(() => own.users.register(input, { kind: "program", key: null }, HERE));
              return pairs.push({ ...issued, name });
            }
            case "disable":
            case "enable":
              return duet.operator[kind](await duet.operator.find(renamed.get(name)!));
          }
          if (!pair) return;
          if (kind === "refresh")
            return pairs.push({
              ...(await duet.sessions.refresh(pair.refreshToken, shownFrom(HERE))),
              name: pair.name,
            });
          if (kind === "sign out") return duet.shownTokens.logout([pair.refreshToken], shownFrom(HERE));
          if (!viewer) return;
          if (kind === "sign out all") return duet.account.logoutAll(viewer, HERE);
          if (kind === "rename") {
            const username = `${pair.name}${Math.floor(Math.random() * 1e9)}`;
            await duet.account.updateProfile(viewer, { username }, HERE);
            return renamed.set(pair.name, username);
          }
          const currentPassword = passwordOfNow(pair.name);
          if (kind === "delete") {
            await duet.account.remove(viewer, { password: currentPassword }, HERE);
            return renamed.set(pair.name, pair.name);
          }
          const n = (changes.get(pair.name) ?? 0) + 1;
          const newPassword = passwordOf(pair.name, n);
          const issued = await duet.account.changePassword(viewer, { currentPassword, newPassword }, HERE);
          changes.set(pair.name, n);
          return pairs.push({ ...issued, name: pair.name });
        }

        for (const each of steps) {
          await act(each).catch(() => undefined);
          for (const { accessToken } of pairs) {
            const verdicts = [];
            for (const { sessions } of [own, own, other])
              verdicts.push(
                await sessions
                  .authenticate(accessToken, shownFrom(HERE))
                  .catch(({ code, details }: DuetError) => ({
                    code,
                    reason: details.end?.reason,
                  })),
              );
            expect(verdicts[0]).toEqual(verdicts[2]!);
            expect(verdicts[1]).toEqual(verdicts[2]!);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("spares the database the question, and asks it again when another process has written anything", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const config = readConfig({ DUET_DATA: t.folder, DUET_PUBLIC_URL: ORIGIN });
    const data = await openDataBeside(config, issuerOf(config));
    const asked: string[] = [];
    const find = (id: string) => (asked.push(id), data.store.sessions.find(id));
    const store = { ...data.store, sessions: { ...data.store.sessions, find } };
    const settings = { ...config, issuer: issuerOf(config) };
    const { sessions } = createDuet({ ...data, store, settings, clock: Date.now, log: () => {} });
    const me = () => sessions.authenticate(alice.accessToken, shownFrom(HERE));
    for (let i = 0; i < 5; i++) await me();
    // The first use is noted, which changes the row.
    expect(asked.length).toBe(2);
    await register(t, "bob");
    for (let i = 0; i < 5; i++) await me();
    expect(asked.length).toBe(3);
    // In the process that remembers, nothing is forgotten for what came to nothing.
    for (let i = 0; i < 2; i++) await alice.call("GET", "/api/auth/me");
    await t.app.duet.housekeeping.tend();
    expect(t.app.duet.sessions.recall(alice.accessToken)).toMatchObject({ username: "alice" });
    expect(asked.length).toBe(3);
    await data.close();
  });

  test("is bounded, and a row that was read before a change is not kept after it", async () => {
    let forget!: (what: "session" | "user" | "all", id: string) => void;
    let changing = () => {};
    const row = (id: string) =>
      ({
        id,
        user_id: "u",
        username: "alice",
        generation: 2,
        confirmed_at: 1,
        ended_at: null,
        disabled_at: null,
        ends_at: 10,
        idle_ends_at: 10,
      }) as SessionWithUser;
    const remembered = createRememberedSessions({
      onTouched: (listener) => (forget = listener),
      isCurrent: () => true,
      sessions: {
        find: async (id) => {
          changing();
          return row(id);
        },
      },
    });
    const knows = (sid: string) => remembered.findGood({ sid, sub: "u", gen: 1 } as never, 5) !== undefined;
    await remembered.find("a");
    expect([knows("a"), remembered.findGood({ sid: "a", sub: "u", gen: 1 } as never, 10)]).toEqual([
      true,
      undefined,
    ]);
    changing = () => forget("session", "b");
    await remembered.find("b");
    expect(knows("b")).toBe(false);
    changing = () => {};
    for (let i = 0; i < LIMITS.sessionsRemembered; i++) await remembered.find(`s${i}`);
    expect([knows("a"), knows("s0"), knows(`s${LIMITS.sessionsRemembered - 1}`)]).toEqual([
      false,
      true,
      true,
    ]);
    forget("user", "u");
    expect(knows("s0")).toBe(false);
  });

  test("hears of every statement that changes a session or a user", () => {
    const folder = join(ROOT, "src/store");
    const writes = readdirSync(folder).flatMap((file) =>
      [...readFileSync(join(folder, file), "utf8").matchAll(/"[^"]*"|`[^`]*`/g)]
        .map(([sql]) => sql)
        .filter((sql) => /^.\s*(?:UPDATE|DELETE FROM|INSERT OR REPLACE INTO) (?:sessions|users)\b/.test(sql)),
    );
    expect(writes.length).toBeGreaterThan(8);
    expect(writes.filter((sql) => !touchesOf(sql) && !sql.includes("/* touches nobody:"))).toEqual([]);
  });
});
