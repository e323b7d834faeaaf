import { expect, test } from "bun:test";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { UNLIMITED } from "../support/app.ts";
import { describeInBrowser, open, serve } from "../support/browser.ts";
import { MAIL_TO_NOWHERE } from "../support/mail.ts";
import { factorsTour, operatorsTour, tour } from "../support/tour.ts";

/** Everything that axe-core finds, in a line each. */
async function findings(page: Page, state: string): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(
      (node) => `${state}: ${id}: ${node.target.join(" ")} (${node.failureSummary?.split("\n")[1]?.trim()})`,
    ),
  );
}

describeInBrowser("axe-core finds nothing", () => {
  test.each([
    ["light", "en-US", { width: 1280, height: 800 }],
    ["dark", "zh-CN", { width: 390, height: 844 }],
  ] as const)("on any page in any state (%s, %s)", async (colorScheme, locale, viewport) => {
    await using site = await serve({ ...UNLIMITED, DUET_REFRESH_OVERLAP: "0" });
    await using alice = await open(site, "alice", { colorScheme, locale, viewport, reducedMotion: "reduce" });
    const { page } = alice;
    const found: string[] = [];
    const look = async (state: string) => void found.push(...(await findings(page, state)));

    await tour(site, alice, look);
    await using closed = await serve({ ...UNLIMITED, DUET_REGISTRATION: "closed" });
    await using carol = await open(closed, "carol", { colorScheme, locale, viewport });
    await operatorsTour(
      closed,
      carol,
      async (state) => void found.push(...(await findings(carol.page, state))),
    );
    await using lettered = await serve({ ...UNLIMITED, ...MAIL_TO_NOWHERE });
    await using dave = await open(lettered, "dave", { colorScheme, locale, viewport });
    await factorsTour(
      lettered,
      dave,
      async (state) => void found.push(...(await findings(dave.page, state))),
    );
    expect(found).toEqual([]);
    expect([...carol.complaints, ...dave.complaints]).toEqual([]);
  });
});
