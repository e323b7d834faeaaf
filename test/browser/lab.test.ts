import { expect, test } from "bun:test";
import { PASSWORDS } from "../support/people.ts";
import { describeInBrowser, serve, signedIn } from "../support/browser.ts";

describeInBrowser("the lab", () => {
  test("does everything on the real session, shows which row decided, and ends on the real page", async () => {
    await using site = await serve({ DUET_REFRESH_OVERLAP: "1s" });
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    await page.goto("/conversations");
    await page.click("text=Lab");
    await page.waitForSelector("#timeline .bar-access");
    await page.waitForSelector(".countdown:has-text('left')");
    type State = { generations: { generation: number; usedAt: number | null }[] };
    const until = (n: number) =>
      page.waitForFunction((wanted) => {
        const { generations } = JSON.parse(
          document.querySelector<HTMLDataElement>("#lab-state")!.value,
        ) as State;
        return generations.at(-1)!.generation === wanted && generations.at(-1)!.usedAt !== null;
      }, n);
    /** The row remembers two first uses: a third step within W is not made. */
    const mayStep = () =>
      page.waitForFunction(() => {
        const { generations } = JSON.parse(
          document.querySelector<HTMLDataElement>("#lab-state")!.value,
        ) as State;
        return Date.now() - (generations.at(-2)?.usedAt ?? 0) > 1050;
      });
    const act = async (name: string, says: string) => {
      const click = async () => {
        const answer = page.waitForResponse((each) => each.url().includes(`/auth/lab/${name}`), {
          timeout: 5000,
        });
        await page.click(`[data-act=${name}] button:enabled`);
        return answer.catch(() => null);
      };
      // A click at the moment at which the page is drawn anew is on nothing.
      if (!(await click())) await click();
      await page.waitForSelector(`#lab-latest:has-text("${says}")`).catch(async (cause: unknown) => {
        const shown = await page.locator("#lab-latest").textContent();
        throw new Error(`${name} shows "${shown}", not "${says}"`, { cause });
      });
    };
    const rows = () => page.locator("#lab-latest [data-row] code").allTextContents();
    await act("refresh", "You refreshed with generation 1. The server responded with generation 2.");
    expect(await rows()).toEqual(["newest"]);
    await until(2);
    await act("lose", "the response was lost: you still hold 2.");
    await page.waitForSelector("#lab-holds:has-text('Your browser holds generation 2. The newest')");
    await act("refresh", "You refreshed with generation 2. The server responded with generation 3.");
    expect(await rows()).toEqual(["unconfirmed"]);
    await until(3);
    await mayStep();
    await act("tabs", "5 tabs sent generation 3");
    await page.waitForFunction(() =>
      /unconfirmed × 4/.test(document.querySelector("#lab-latest")!.textContent!),
    );
    expect(await rows()).toEqual(["newest", "unconfirmed"]);
    await until(4);
    await mayStep();
    await act("expire", "A page found its access token expired");
    await until(5);
    // Another tab refreshes: it is told and drawn here, and its row with it.
    const other = await alice.context.newPage();
    await other.goto("/lab");
    await mayStep();
    await other.click("[data-act=refresh] button");
    await until(6);
    await page.waitForSelector("#lab-log:has-text('You refreshed with generation 5')");
    await other.close();
    expect(await page.locator("#timeline .bar-refresh").count()).toBe(6);
    expect(await page.locator("#timeline text:text-is('gen 6')").count()).toBe(1);
    // One or more marks for what was done, each with its numbers.
    expect(await page.locator("#timeline .mark-at .label").allTextContents()).not.toEqual([]);
    // It is there after a reload, too.
    await page.reload();
    await page.waitForSelector("#lab-log:has-text('You refreshed with generation 1')");

    await act("steal", "A thief copied the refresh token of generation 6.");
    expect(await page.evaluate(() => document.cookie)).not.toContain("stolen");
    await mayStep();
    await act("refresh", "generation 7");
    await until(7);
    // The successor is in use for longer than the overlap: the countdown goes on meanwhile.
    await page.waitForFunction(() => {
      const { generations } = JSON.parse(
        document.querySelector<HTMLDataElement>("#lab-state")!.value,
      ) as State;
      return Date.now() - generations.at(-1)!.usedAt! > 1500;
    });
    await act("replay", "The thief tried generation 6.");
    expect(await rows()).toEqual(["reuse"]);
    expect(await page.locator("#lab-rows .decided code").textContent()).toBe("reuse");
    expect(await page.locator("#timeline .mark-end").count()).toBe(1);
    expect(await page.locator(".countdown").allTextContents()).toEqual(["session ended", "session ended"]);
    expect(await page.locator("[data-act] button:enabled").count()).toBe(0);
    // The way on has the focus, and leads to what the owner would see.
    await page.waitForFunction(() => document.activeElement?.matches("#lab-latest a.button"));
    await page.keyboard.press("Enter");
    await page.waitForURL("**/login?next=%2Flab");
    expect(await page.textContent(".banner.warning")).toContain("an old refresh token was used again");
    await page.fill("#identifier", "alice");
    await page.fill("#password", PASSWORDS["alice"]!);
    await page.click("main button[type=submit]");
    await page.waitForURL("**/lab");
    expect(await page.locator("#lab-log").textContent()).toBe("Press a button to see what happens.");
    expect(alice.complaints).toEqual([]);
  });
  test("tells an owner who comes second why the session ends, as it ends", async () => {
    await using site = await serve({ DUET_REFRESH_OVERLAP: "1s" });
    await using alice = await signedIn(site, "alice", { locale: "zh-CN" });
    const { page } = alice;
    await page.goto("/lab");
    await page.click("[data-act=steal] button");
    await page.waitForSelector("#lab-latest:has-text('攻击者复制了第 1 代')");
    await page.click("[data-act=replay] button");
    await page.waitForSelector("#lab-holds:has-text('最新的第 2 代在攻击者手里')");
    await page.waitForFunction(() => {
      const { generations } = JSON.parse(document.querySelector<HTMLDataElement>("#lab-state")!.value);
      return Date.now() - generations.at(-1).usedAt > 1500;
    });
    await page.click("[data-act=refresh] button");
    await page.waitForSelector(
      "#lab-latest:has-text('你用第 1 代刷新了一次。'):has-text('服务器分不清谁是你本人')",
    );
    expect(await page.locator("dialog[open]").count()).toBe(0);
    await page.click("#lab-latest a.button");
    await page.waitForURL("**/login?next=%2Flab");
    expect(alice.complaints).toEqual([]);
  });
});
