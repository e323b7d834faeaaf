import { expect, test } from "bun:test";
import { PASSWORDS } from "../support/people.ts";
import { describeInBrowser, open, serve, signedIn } from "../support/browser.ts";

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
    expect(await page.locator("#timeline .bar-refresh").count()).toBe(5);
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
    for (const marked of [".rule .decided code", ".rule-rows .decided code"])
      expect(await page.locator(marked).textContent()).toBe("reuse");
    expect(await page.locator("#timeline .mark-end").count()).toBe(1);
    expect(await page.locator(".countdown").allTextContents()).toEqual(["session ended", "session ended"]);
    expect(await page.locator("[data-act] button:enabled").count()).toBe(0);
    // The way on has the focus, and leads to what the owner would see.
    await page.waitForFunction(() => document.activeElement?.matches("#lab-latest a.button"));
    await page.keyboard.press("Enter");
    await page.waitForURL("**/login?next=%2Flab%3Fstep%3D1");
    expect(await page.textContent(".banner.warning")).toContain("an old refresh token was used again");
    await page.fill("#identifier", "alice");
    await page.fill("#password", PASSWORDS["alice"]!);
    await page.click("main button[type=submit]");
    await page.waitForURL("**/lab?step=1");
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
    await page.waitForURL("**/login?next=%2Flab%3Fstep%3D1");
    expect(alice.complaints).toEqual([]);
  });

  test("is a stage on which nothing moves, and a tour of five steps, without an account", async () => {
    await using site = await serve({ DUET_REFRESH_OVERLAP: "1s" });
    await using guest = await open(site, "guest", { viewport: { width: 1280, height: 800 } });
    const { page } = guest;
    await page.goto("/");
    await page.click("form[action='/auth/lab'] button");
    await page.waitForURL("**/lab/guest");
    const boxes = async () => {
      const found: Record<string, { y: number; bottom: number }> = {};
      for (const part of ["#lab-picture", "#lab-latest", ".acts", "#lab-exchange"]) {
        const { y, height } = (await page.locator(part).boundingBox())!;
        found[part] = { y, bottom: y + height };
      }
      return found;
    };
    await page.waitForSelector("#timeline");
    const before = await boxes();
    // All of it is seen at once.
    for (const { y, bottom } of Object.values(before)) {
      expect(y).toBeGreaterThan(50);
      expect(bottom).toBeLessThanOrEqual(800);
    }
    const told = () => page.locator("#lab-told").textContent();
    /** Presses what the tour asks for, once it says that there is nothing to wait for. */
    const follow = async (act: string, row: string | null) => {
      await page.waitForSelector(`[data-act=${act}] button[data-next]`);
      await page.waitForFunction(() => (document.querySelector("#lab-told .wait")?.textContent ?? "") === "");
      await page.click(`[data-act=${act}] button`);
      if (row) await page.waitForSelector(`#lab-latest [data-row=${row}]`);
      else await page.waitForSelector("#lab-latest:has-text('A thief copied')");
      expect(await boxes()).toEqual(before);
      expect(await page.evaluate(() => scrollY)).toBe(0);
    };
    const next = async (step: number) => {
      await page.waitForSelector("[data-act] button", { state: "attached" });
      expect(await page.locator("[data-next]").count()).toBe(0);
      await page.click(".told .turns button");
      await page.waitForURL(`**/lab/guest?step=${step}*`);
      await page.waitForSelector("#timeline");
    };
    const ghosts = () => page.locator("#timeline").textContent();

    await follow("refresh", "newest");
    expect(await told()).toContain("A new row: generation 2.");
    await next(2);
    await follow("lose", "newest");
    await follow("refresh", "unconfirmed");
    expect(await ghosts()).toContain("Strict rotation: at 2 you are signed out for nothing");
    await next(3);
    await follow("tabs", "unconfirmed");
    await next(4);
    await follow("steal", null);
    await follow("refresh", "newest");
    await page.waitForSelector("#lab-log:has-text('Generation 2 was first used')");
    await follow("replay", "reuse");
    expect(await told()).toContain("Caught.");
    expect(await ghosts()).toContain("No rotation: the thief stays in, unnoticed");
    expect(await page.locator("[data-act] button:enabled").count()).toBe(0);
    await next(5);
    await follow("steal", null);
    await follow("replay", "newest");
    await follow("refresh", "reuse");
    expect(await told()).toContain("Caught again");
    // What went over the wire, without what would open anything.
    const command = (await page.textContent(".exchange code"))!;
    expect(command).toContain("/lab/guest/refresh");
    expect(command).toContain("$REFRESH_1");
    expect(command).not.toMatch(/eyJ/);

    const link = (await page.getAttribute(".share a", "href"))!;
    await next(6);
    expect(await page.locator("#lab-log").textContent()).toBe("Press a button to see what happens.");
    // Whoever opens the link sees the same.
    await page.goto(link);
    expect(await page.locator(".rule-rows .decided").allTextContents()).toEqual(["reuse"]);
    expect(await page.locator(".log li").count()).toBe(4);
    expect(guest.complaints).toEqual([]);
  });

  test("does what its curl command says", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice");
    const { page, context } = alice;
    await page.goto("/lab");
    await page.click("[data-act=lose] button");
    await page.waitForSelector(".exchange code:has-text('$REFRESH_1')");
    const command = (await page.textContent(".exchange code"))!;
    const [, method, url] = /^curl -si -X (\w+) (\S+) /.exec(command)!;
    const [, origin] = /-H 'Origin: ([^']+)'/.exec(command)!;
    const [, name] = /-b "(\w+)=\$REFRESH_1"/.exec(command)!;
    expect(command).toEndWith("# $REFRESH_2 (newest)");
    const held = (await context.cookies(`${site.url}/auth`)).find((cookie) => cookie.name === name)!;
    const answer = await fetch(site.url + new URL(url!).pathname, {
      method: method!,
      headers: { origin: origin!, cookie: `${name}=${held.value}` },
    });
    expect(answer.status).toBe(204);
    const [, payload] = /duet_refresh\w*=[^.]+\.([^.]+)\./.exec(answer.headers.getSetCookie().join())!;
    expect(JSON.parse(Buffer.from(payload!, "base64url").toString())).toMatchObject({ gen: 2 });
  });

  test("stays still where motion is not wanted, and shows all of it", async () => {
    await using site = await serve();
    await using guest = await open(site, "guest", { reducedMotion: "reduce" });
    await guest.page.goto("/");
    await guest.page.waitForSelector(".picture .roomy");
    expect(await guest.page.locator(".picture .curtain:visible").count()).toBe(0);
    await using other = await open(site, "other", { reducedMotion: "no-preference" });
    await other.page.goto("/");
    expect(await other.page.locator(".picture .roomy .curtain:visible").count()).toBe(1);
  });
});
