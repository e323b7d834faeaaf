import { describe, expect, test } from "bun:test";
import { advance, freezeClock, ORIGIN, startApp, UNLIMITED } from "./support/app.ts";
import { describeInBrowser } from "./support/browser.ts";
import { testInWholeChromium } from "./support/secure.ts";
import { clientClock, jumpAbout } from "./prove/clocks.ts";
import { kills } from "./prove/crash.ts";
import { boundBrowser } from "./prove/bound.ts";
import { revocation } from "./prove/ending.ts";
import { agents, idleForHours, lateRequests } from "./prove/agents.ts";
import { Api, createRandom, traces, type Scenario } from "./prove/kit.ts";
import { replay } from "./prove/replay.ts";
import { lostAnswers, thief, together } from "./prove/rotation.ts";
import { faultsOf, table } from "./prove/start.ts";

/** Another one each day, so that the suite does not prove the same for ever; it is in the test's name. */
const seed = Math.floor(Date.now() / 86_400_000);

async function prove(scenario: Scenario, scale: number) {
  const from = traces.length;
  const findings = await scenario({ scale, random: createRandom(seed) });
  expect(findings.length).toBeGreaterThan(0);
  for (const { zeros } of findings) expect(Object.keys(zeros)).not.toEqual([]);
  expect(faultsOf(findings)).toEqual([]);
  // And every answer is one that the rule allows, by a way that it allows.
  expect(traces.slice(from).flatMap(({ seen }) => replay(seen))).toEqual([]);
  return traces.slice(from).flatMap(({ seen }) => seen).length;
}

describe(`the proof, in short, against the executable (seed ${seed})`, () => {
  test("100 clients that refresh one token get one successor", async () => {
    expect(await prove(together, 0.02)).toBeGreaterThan(300);
  });
  test("half of all answers lost sign nobody out", () => prove(lostAnswers, 0.01));
  test("SIGKILL loses nothing that was acknowledged", () => prove(kills, 0.03));
  test("a thief is always caught, and nobody else is", () => prove(thief, 0.02));
  test("16 programs with one credential file sign nobody out", () => prove(agents, 0.05));
  test("requests that are held up for W sign nobody out", () => prove(lateRequests, 0.05));
  test("a revoked session does nothing more", () => prove(revocation, 0.03));

  test.each([
    ["a server's clock that jumps about signs nobody out", jumpAbout, 0.1],
    ["100 programs with one key, idle for hours, are never signed out", idleForHours, 0.1],
  ])("%s", async (_, work, scale) => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const api = new Api(ORIGIN, async (url, init) => t.app.handle(new Request(url, init)));
    let at = 0;
    const setClock = (seconds: number) => {
      advance(seconds - at);
      at = seconds;
    };
    await prove((run) => work(api, setClock, run), scale);
  });
});

describeInBrowser(`the proof, in short, in a browser (seed ${seed})`, () => {
  testInWholeChromium(
    "a browser that is bound to its device loses answers, and its cookies are worth nothing elsewhere",
    () => prove(boundBrowser, 0.05),
  );

  test("a browser's clock that is a year off changes nothing", () => prove(clientClock, 0.1));
});

describe("the proof itself", () => {
  test("tells what is not zero, and makes the same choices from the same seed", () => {
    const findings = [{ what: "x", done: "1 time", zeros: { good: 0, bad: 2 }, measured: "3 ms" }];
    expect(faultsOf(findings)).toEqual(["x: bad: 2"]);
    expect(table(findings)).toContain("| x | 1 time | good: **0**, bad: **2** | 3 ms |");
    const choices = () => {
      const random = createRandom(7);
      return [random(), random.below(100), random.chance(0.5), random.fork()()];
    };
    expect(choices()).toEqual(choices());
  });
});
