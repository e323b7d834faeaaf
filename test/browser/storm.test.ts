import { expect, test } from "bun:test";
import { describeInBrowser } from "../support/browser.ts";
import { createRandom } from "../prove/kit.ts";
import { faultsOf } from "../prove/start.ts";
import { storm } from "../prove/storm.ts";

/** Another one each day; it is in the test's name. */
const seed = Math.floor(Date.now() / 86_400_000);

describeInBrowser("a storm", () => {
  test(`loses, doubles and misplaces no message, and signs nobody out (seed ${seed})`, async () => {
    const findings = await storm({ scale: 0.01, random: createRandom(seed) });
    expect(findings.map(({ done }) => done).join()).toMatch(/1 cuts, 1 SIGKILLs, 1 reloads/);
    expect(faultsOf(findings)).toEqual([]);
  });
});
