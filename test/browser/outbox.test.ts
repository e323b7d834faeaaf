import { expect, test } from "bun:test";
import type { Page, Route } from "playwright-core";
import { UNLIMITED } from "../support/app.ts";
import { describeInBrowser, messages, open, register, serve, startConversation } from "../support/browser.ts";

async function say(page: Page, text: string) {
  await page.fill("#body", text);
  await page.press("#body", "Enter");
}
const SENT = ".message.own:not(.pending)";
const posts = (handle: (route: Route) => Promise<void>) => (route: Route) =>
  route.request().method() === "POST" ? handle(route) : route.continue();

describeInBrowser("what was sent and has not arrived", () => {
  test.each([
    ["a proxy's 404", 404, "404 page not found", "text/plain"],
    ["a page of maintenance", 200, "<h1>We are updating</h1>", "text/html"],
    ["a gateway's 413", 413, "<html>too large</html>", "text/html"],
  ])("is not taken for sent or refused by %s", async (_, status, body, contentType) => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    const path = await startConversation(alice, "Between");
    await page.route(
      `**${path}`,
      posts((route) => route.fulfill({ status, body, contentType })),
      { times: 1 },
    );
    await say(page, "hello");
    await page.waitForSelector(".failed:has-text('hello')");
    await page.click("text=Send again");
    await page.waitForSelector(SENT);
    expect(await messages(page)).toEqual(["hello"]);
    expect(await page.locator("h1:has-text('updating')").count()).toBe(0);
    expect(alice.complaints).toEqual([]);
  });

  test("is told apart from another with the same words", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    const path = await startConversation(alice, "Twice");
    await say(page, "ha");
    await page.waitForSelector(SENT);
    await page.route(
      `**${path}`,
      posts((route) => route.abort()),
    );
    await say(page, "ha");
    await page.waitForSelector(".failed");
    await page.locator("button:text-is('Take back')").waitFor();
    await page.unroute(`**${path}`);
    await page.click("text=Send again");
    await page.waitForFunction((sent) => document.querySelectorAll(sent).length === 2, SENT);
    expect(await messages(page)).toEqual(["ha", "ha"]);
  });

  test("of one conversation holds back no other, and throws nobody out of what they read", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    const other = await startConversation(alice, "Other");
    const [access] = (await alice.context.cookies()).filter(({ name }) => name === "duet_access");
    const headers = { authorization: `Bearer ${access!.value}` };
    for (let n = 0; n < 60; n++)
      await site.json("POST", `/api${other}/messages`, { body: `line ${n}` }, headers);
    await page.fill("#q", "line 7");
    const hit = await page.locator("#found a[href*='?at=']").last().getAttribute("href");
    const stuck = await startConversation(alice, "Stuck");
    await page.route(
      `**${stuck}`,
      posts((route) => route.fulfill({ status: 500, body: "" })),
    );
    await say(page, "later");
    await page.waitForSelector(".failed");
    await page.goto(hit!);
    expect(await page.locator(".latest").count()).toBe(1);
    const arrived = page.waitForResponse((r) => r.url().endsWith(stuck) && r.status() === 200);
    await page.unroute(`**${stuck}`);
    await arrived;
    await page.waitForFunction(() =>
      Object.entries(sessionStorage).every(([name, kept]) => !name.startsWith("outbox:") || kept === "[]"),
    );
    expect(page.url()).toContain("?at=");

    await page.route(
      `**${stuck}`,
      posts((route) => route.fulfill({ status: 500, body: "" })),
    );
    await page.goto(stuck);
    await say(page, "stuck");
    await page.waitForSelector(".failed");
    await page.goto(other);
    await say(page, "goes on");
    await page.waitForSelector(`${SENT}:has-text('goes on')`);
  });

  test("is shown with the reason where it cannot be, and goes with the sign-out from everywhere", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    const path = await startConversation(alice, "Too long");
    await page.route(
      `**${path}`,
      posts((route) => route.abort()),
    );
    await say(page, `${"x".repeat(10_000)} and more`);
    await page.waitForSelector(".failed");
    await page.unroute(`**${path}`);
    await page.goto("/account");
    await page.waitForSelector("#notice:has-text('At most 10000 characters'):has-text('and more')");
    await page.goto(path);
    expect(await page.inputValue("#body")).toEndWith("and more");
    await page.goto("/account");
    page.once("dialog", (dialog) => dialog.accept());
    await page.click("form[action$='/logout-all'] button");
    await page.waitForURL("**/login");
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test("is not sent by the twin of a tab in which it was taken back", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    const path = await startConversation(alice, "Twins");
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
  });
});
