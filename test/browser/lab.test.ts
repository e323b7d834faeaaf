import { expect, test } from "bun:test";
import { describeInBrowser, open, register, serve } from "../support/browser.ts";

describeInBrowser("the lab", () => {
  test("does everything on the real session, shows which row decided, and ends on the real page", async () => {
    await using site = await serve({ DUET_REFRESH_OVERLAP: "1s" });
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    await page.click("text=Lab");
    await page.waitForSelector("#timeline .bar-access");
    await page.waitForSelector(".countdown:has-text('left')");
    const gen = async () => JSON.parse((await page.locator("#lab-state").getAttribute("value"))!).generation;
    const act = async (name: string, row: string) => {
      await page.click(`[data-act=${name}] button`);
      await page.waitForSelector(`#lab-log li:first-child [data-row=${row}]`);
    };
    const until = (n: number) =>
      page.waitForFunction(
        (wanted) =>
          JSON.parse(document.querySelector<HTMLDataElement>("#lab-state")!.value).generation === wanted,
        n,
      );
    await act("refresh", "newest");
    await until(2);
    await act("lose", "newest");
    await act("refresh", "unconfirmed");
    await until(3);
    await act("tabs", "newest");
    await until(4);
    expect(await page.locator("#lab-log li:first-child .verdict").count()).toBe(5);
    await page.click("[data-act=expire] button");
    await until(5);
    expect(await page.locator("#timeline .bar-refresh").count()).toBe(5);
    expect(await page.locator("#timeline .dot").count()).toBe(5);
    expect(await gen()).toBe(5);

    await page.click("[data-act=steal] button");
    await page.waitForSelector("#lab-log li:first-child:has-text('A copy was put aside')");
    expect(await page.evaluate(() => document.cookie)).not.toContain("stolen");
    await act("refresh", "newest");
    await until(6);
    // The successor is in use for longer than the overlap: the countdown goes on meanwhile.
    await page.waitForFunction(() => {
      const { confirmedAt } = JSON.parse(document.querySelector<HTMLDataElement>("#lab-state")!.value);
      return confirmedAt !== null && Date.now() - confirmedAt > 1500;
    });
    await act("replay", "reuse");
    expect(await page.locator("#lab-rows .decided code").textContent()).toBe("reuse");
    expect(await page.locator("#timeline .dot-end").count()).toBe(1);
    await page.click("#lab-log a");
    await page.waitForURL("**/login?next=%2Flab");
    expect(await page.textContent(".banner.warning")).toContain("An old copy of your refresh token was used");
    expect(alice.complaints).toEqual([]);
  });
});
