import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import {
  describeInBrowser,
  messages,
  passOn,
  posts,
  say,
  SENT,
  serve,
  signedIn,
} from "../support/browser.ts";
import { UNLIMITED } from "../support/app.ts";

/** Until everything that was sent has arrived. */
const isEmpty = (page: Page) =>
  page.waitForFunction(() =>
    Object.entries(sessionStorage).every(([name, kept]) => !name.startsWith("outbox:") || kept === "[]"),
  );

describeInBrowser("the composer", () => {
  test("sends with Enter, breaks the line with Shift+Enter, leaves the keys to whoever writes Chinese, and sends once", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice", { locale: "zh-CN" });
    const { page } = alice;
    const path = await alice.converse("输入法");
    const press = (selector: string, key: string, how: object) =>
      page.locator(selector).dispatchEvent("keydown", { key, bubbles: true, cancelable: true, ...how });
    await page.fill("#body", "ni hao");
    await press("#body", "Enter", { isComposing: true });
    await press("#body", "Enter", { keyCode: 229 });
    await page.fill("#q", "ni");
    await press("#q", "Escape", { keyCode: 229 });
    expect(await page.inputValue("#q")).toBe("ni");
    expect(await page.inputValue("#body")).toBe("ni hao");
    expect(await page.locator(".message").count()).toBe(0);

    await page.fill("#body", "one");
    await page.press("#body", "Shift+Enter");
    await page.locator("#body").pressSequentially("two");
    await page.press("#body", "Enter");
    await page.waitForSelector(SENT);
    expect(await messages(page)).toEqual(["one\ntwo"]);
    expect(await page.locator("#no-messages").count()).toBe(0);
    await page.fill("#body", "twice");
    await page.dblclick("#composer button");
    await page.waitForFunction((sent) => document.querySelectorAll(sent).length === 2, SENT);

    // The server has it, the browser never hears so: nobody sees it twice, nor as failed, and it is sent again.
    await page.route(
      `**${path}`,
      posts(async (route) => {
        expect((await passOn(route)).status()).toBe(200);
        await route.abort();
      }),
    );
    await say(page, "heard?");
    await page.waitForSelector(`${SENT}:has-text('heard?')`);
    expect(await page.locator(".message:visible").count()).toBe(3);
    await page.unroute(`**${path}`);
    await isEmpty(page);
    expect(await page.locator(".pending").count()).toBe(0);
    await page.reload();
    expect(await messages(page)).toEqual(["one\ntwo", "twice", "heard?"]);

    // What is wrong is said beside the text, which stays.
    await say(page, "字".repeat(10_001));
    await page.waitForSelector("#composer-error:has-text('最多 10000 个字符')");
    expect((await page.inputValue("#body")).length).toBe(10_001);
    await say(page, "字");
    await page.waitForSelector(`${SENT}:has-text('字')`);
    expect(await page.textContent("#composer-error")).toBe("");
  });
});

describeInBrowser("what was sent and has not arrived", () => {
  test("is not taken for sent or refused by what stands between, nor for another with the same words", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const path = await alice.converse("Between");
    const answers = [
      [404, "404 page not found", "text/plain"],
      [200, "<h1>We are updating</h1>", "text/html"],
      [502, "<html>bad gateway</html>", "text/html"],
    ] as const;
    for (const [i, [status, body, contentType]] of answers.entries()) {
      const handle = posts((route) => route.fulfill({ status, body, contentType }));
      await page.route(`**${path}`, handle);
      await say(page, "ha");
      await page.waitForSelector(".failed:has-text('ha')");
      await page.locator("button:text-is('Take back')").waitFor();
      await page.unroute(`**${path}`);
      await page.click("text=Send again");
      await page.waitForFunction(([sent, n]) => document.querySelectorAll(sent).length === n, [
        SENT,
        i + 1,
      ] as const);
      expect(await messages(page)).toEqual(Array(i + 1).fill("ha"));
    }
    expect(await page.locator("h1:has-text('updating')").count()).toBe(0);
    // What is too large for whatever stands between will be so for ever.
    await page.route(
      `**${path}`,
      posts((route) => route.fulfill({ status: 413, body: "too large", contentType: "text/plain" })),
    );
    await say(page, "a long one");
    await page.waitForSelector("#composer-error:text-is('too large')");
    expect(await page.inputValue("#body")).toBe("a long one");
    // What is too long for Duet is not even sent.
    await page.fill("#body", "x".repeat(10_001));
    await page.press("#body", "Enter");
    await page.waitForSelector("#composer-error:has-text('At most 10000 characters')");
    expect((await page.inputValue("#body")).length).toBe(10_001);
    expect(await page.locator(".pending").count()).toBe(0);
    expect(alice.complaints).toEqual([]);
  });

  test("arrives in order from wherever its author has gone, holds back no other conversation, and throws nobody out", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const other = await alice.converse("Other");
    for (let n = 0; n < 60; n++) await alice.program("POST", `${other}/messages`, { body: `line ${n}` });
    await page.fill("#q", "line 7");
    const hit = await page.locator("#found a[href*='?at=']").last().getAttribute("href");
    const path = await alice.converse("Hurry");
    await page.route(
      `**${path}`,
      posts((route) => route.abort()),
    );
    for (const text of ["one", "two", "three"]) await say(page, text);
    await page.waitForFunction(() => document.querySelectorAll(".failed").length === 3);
    // On a page from the middle of another conversation, which it does not leave.
    await page.goto(hit!);
    expect(await page.locator(".latest").count()).toBe(1);
    const arrived = page.waitForResponse((r) => r.request().postData()?.includes("body=three") ?? false);
    await page.unroute(`**${path}`);
    expect((await arrived).status()).toBe(200);
    await isEmpty(page);
    expect(page.url()).toContain("?at=");

    await page.route(
      `**${path}`,
      posts((route) => route.fulfill({ status: 500, body: "" })),
    );
    await page.goto(path);
    expect(await messages(page)).toEqual(["one", "two", "three"]);
    await say(page, "stuck");
    await page.waitForSelector(".failed");
    await page.goto(other);
    await say(page, "goes on");
    await page.waitForSelector(`${SENT}:has-text('goes on')`);
  });

  test("is kept over a reload with the draft, shown with the reason where it cannot be, and goes with the sign-out", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const path = await alice.converse("Drafts");
    await page.fill("#body", "half a thou");
    await page.reload();
    expect(await page.inputValue("#body")).toBe("half a thou");
    await page.route(
      `**${path}`,
      posts((route) => route.abort()),
    );
    await say(page, "a whole one");
    await page.waitForSelector(".failed");
    await page.unroute(`**${path}`);
    await page.reload();
    await page.waitForSelector(SENT);
    expect(await messages(page)).toEqual(["a whole one"]);

    await page.route(
      `**${path}`,
      posts((route) => route.abort()),
    );
    // As a page of an older Duet would let it through.
    await page.evaluate(() => (document.querySelector<HTMLElement>("#composer")!.dataset["max"] = "99999"));
    await say(page, `${"x".repeat(10_000)} and more`);
    await page.waitForSelector(".failed");
    await page.unroute(`**${path}`);
    await page.goto("/account");
    await page.waitForSelector("#notice:has-text('At most 10000 characters'):has-text('and more')");
    await page.goto(path);
    expect(await page.inputValue("#body")).toEndWith("and more");
    await page.goto("/account");
    page.once("dialog", (dialog) => dialog.accept());
    await page.click("form[action*='/logout-all'] button");
    await page.waitForURL("**/login");
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test("is not sent by the twin of a tab in which it was taken back", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const path = await alice.converse("Twins");
    await alice.context.route(
      `**${path}`,
      posts((route) => route.abort()),
    );
    await say(page, "oh no");
    await page.waitForSelector(".failed");
    const opened = alice.context.waitForEvent("page");
    // window.open copies the tab's storage, as duplicating it does.
    await page.evaluate((url) => void window.open(url), path);
    const twin = await opened;
    await twin.waitForSelector(".failed:has-text('oh no')");
    await page.click("text=Take back");
    await twin.waitForSelector(".failed", { state: "detached" });
    expect(await page.inputValue("#body")).toBe("oh no");
    await page.fill("#body", "");
    await alice.context.unroute(`**${path}`);
    await twin.close();

    // Nor does it hold back what follows if it was on its way just then.
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers<void>();
    await alice.context.route(
      `**${path}`,
      posts(async (route) => {
        if (route.request().frame().page() !== page) return route.abort();
        await isAnswered;
        await route.fulfill({ response: await passOn(route) });
      }),
    );
    await say(page, "on its way");
    await say(page, "second");
    const again = alice.context.waitForEvent("page");
    await page.evaluate((url) => void window.open(url), path);
    const other = await again;
    await other.waitForSelector(".pending:has-text('on its way')");
    await other.evaluate(() => {
      const item = [...document.querySelectorAll(".pending")].find((each) =>
        each.textContent!.includes("on its way"),
      )!;
      item.querySelector<HTMLElement>("[data-back]")!.click();
    });
    await page.waitForFunction(() => document.querySelectorAll(".pending").length === 1);
    await other.close();
    answer();
    await page.waitForSelector(`${SENT}:has-text('second')`);
    expect(alice.complaints).toEqual([]);
    // And what is signed out of one page by its own button is gone, too.
    await page.click("[data-sign-out] button");
    await page.waitForURL("**/login?*");
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });
});
