import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { UNLIMITED } from "../support/app.ts";
import { describeInBrowser, messages, open, register, serve, startConversation } from "../support/browser.ts";

const bodies = (page: Page, count: number) =>
  page.waitForFunction((n) => document.querySelectorAll(".message:not(.pending) .body").length === n, count);

async function say(page: Page, text: string) {
  await page.fill("#body", text);
  await page.press("#body", "Enter");
}

async function invite(page: Page, username: string) {
  if (!(await page.locator("#members[open]").count())) await page.click("#members summary");
  await page.fill("#username", username);
  await page.click("#members button[type=submit]:has-text('Invite')");
  await page.waitForSelector(`#members li:has-text('${username}')`);
  await page.keyboard.press("Escape");
}

describeInBrowser("conversations that live", () => {
  test("show what others do, as they do it: words, titles, members, what is unread, and the end", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await using bob = await open(site, "bob");
    await register(bob);
    await register(alice);
    const path = await startConversation(alice, "Plans");
    await invite(alice.page, "bob");
    await alice.page.click("#members summary");
    await alice.page.fill("#username", "BOB");
    await alice.page.press("#username", "Enter");
    await alice.page.waitForSelector("#members [role=status]:text-is('bob was in already.')");
    await alice.page.keyboard.press("Escape");

    // Bob has his list open and does nothing.
    await bob.page.waitForSelector(".list-title:has-text('Plans')");
    await say(alice.page, "hello bob");
    await bob.page.waitForSelector(".unread:has-text('1')");
    await say(alice.page, "are you there?");
    await bob.page.waitForSelector(".unread:has-text('2')");
    expect(await bob.page.title()).toStartWith("(1) ");
    await bob.page.click(".list-title");
    await bodies(bob.page, 2);
    expect(await bob.page.locator(".unread").count()).toBe(0);

    // Both look at it.
    await say(bob.page, "here I am: https://example.com/a?b=c.");
    await bodies(alice.page, 3);
    expect(await alice.page.getAttribute(".message:not(.own) .body a", "href")).toBe(
      "https://example.com/a?b=c",
    );
    await alice.page.click("#conversation-menu summary");
    await alice.page.fill("#new-title", "Plans for May");
    await alice.page.click("#conversation-menu button:has-text('Save')");
    await bob.page.waitForSelector("h1:has-text('Plans for May')");
    expect(await bob.page.title()).toContain("Plans");

    // A message is changed in its place, then taken back.
    await bob.page.locator(".message.own").hover();
    await bob.page.click(".message.own .tool[href$='/edit']");
    await bob.page.fill(".editing textarea", "here I am");
    await bob.page.click(".editing button:has-text('Save')");
    await alice.page.waitForSelector(".message:not(.own):has-text('edited') .body:text-is('here I am')");
    // The focus stays with the message.
    await bob.page.waitForFunction(() => document.activeElement?.matches(".message.own .tool"));
    bob.page.once("dialog", (dialog) => dialog.accept());
    await bob.page.locator(".message.own").hover();
    await bob.page.click(".message.own button.tool");
    await alice.page.waitForSelector(".message:not(.own) .gone");
    expect(await messages(alice.page)).toEqual(["hello bob", "are you there?", "This message was deleted"]);
    expect(await messages(bob.page)).toEqual(await messages(alice.page));

    // What is deleted goes away, and comes back with a click.
    await alice.page.click("#conversation-menu summary");
    await alice.page.click("#conversation-menu button:has-text('Delete')");
    await bob.page.waitForSelector(".banner:has-text('was deleted, or you are no longer in it')");
    expect(await alice.page.evaluate(() => document.activeElement!.textContent)).toBe("Undo");
    await alice.page.click("button:has-text('Undo')");
    await alice.page.waitForURL(`**${path}`);
    await bob.page.waitForSelector(".list-title:has-text('Plans for May')");
    await alice.page.click("#members summary");
    alice.page.once("dialog", (dialog) => dialog.accept());
    await alice.page.click("#members button[aria-label='Remove bob']");
    await bob.page.waitForFunction(() => document.querySelector(".list-title") === null);
    for (const person of [alice, bob]) expect(person.complaints).toEqual([]);
  });

  test("need one stream for 8 tabs, all of which are up to date, also after the one that reads is closed", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    await register(alice);
    const path = await startConversation(alice, "Tabs");
    const tabs = [alice.page];
    while (tabs.length < 8) tabs.push(await alice.context.newPage());
    for (const tab of tabs.slice(1)) await tab.goto(path);
    const viewer = await viewerOf(alice.page);
    /** The server hears of a reader that has gone a moment later. */
    const oneStream = async () => {
      while (site.app.duet.notifier.count(viewer) !== 1) await tabs.at(-1)!.evaluate("0");
    };
    await say(tabs[7]!, "to all");
    await Promise.all(tabs.map((tab) => bodies(tab, 1)));
    await oneStream();
    // The tab that is looked at takes over from one that may have been put to sleep.
    await tabs[3]!.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await say(tabs[5]!, "after 1");
    await Promise.all(tabs.map((tab) => bodies(tab, 2)));
    await oneStream();
    for (const n of [3, 4, 5]) {
      await tabs.shift()!.close();
      await say(tabs.at(-1)!, `after ${n}`);
      await Promise.all(tabs.map((tab) => bodies(tab, n)));
    }
    expect(await messages(tabs[0]!)).toEqual(["to all", "after 1", "after 3", "after 4", "after 5"]);
  });

  test("keep a draft over a reload, and a message that could not be sent too", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    const path = await startConversation(alice, "Drafts");
    await alice.page.fill("#body", "half a thou");
    await alice.page.reload();
    expect(await alice.page.inputValue("#body")).toBe("half a thou");
    await alice.page.route(`**${path}`, (route) =>
      route.request().method() === "POST" ? route.abort() : route.continue(),
    );
    await say(alice.page, "a whole one");
    await alice.page.waitForSelector(".failed");
    await alice.page.unroute(`**${path}`);
    await alice.page.reload();
    await alice.page.waitForSelector(".message.own:not(.pending)");
    expect(await messages(alice.page)).toEqual(["a whole one"]);
    await alice.page.fill("#body", "gone with me");
    await alice.page.click("[data-sign-out] button");
    await alice.page.waitForURL("**/login?*");
    expect(await alice.page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test("get everything that was sent, in order, although its author has gone on to another page", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    const path = await startConversation(alice, "Hurry");
    await alice.page.route(`**${path}`, async (route) => {
      if (route.request().method() === "POST") await route.abort();
      else await route.continue();
    });
    for (const text of ["one", "two", "three"]) await say(alice.page, text);
    await alice.page.waitForFunction(() => document.querySelectorAll(".failed").length === 3);
    await alice.page.unroute(`**${path}`);
    const arrived = alice.page.waitForResponse(
      (r) => r.request().postData()?.includes("body=three") ?? false,
    );
    await alice.page.goto("/account");
    expect((await arrived).status()).toBe(200);
    await alice.page.goto(path);
    expect(await messages(alice.page)).toEqual(["one", "two", "three"]);
    expect(await alice.page.locator(".pending").count()).toBe(0);
    // What cannot be sent is not lost either: it is typed there again.
    await alice.page.route(`**${path}`, async (route) => {
      if (route.request().method() === "POST") await route.abort();
      else await route.continue();
    });
    await say(alice.page, "x".repeat(10_001));
    await alice.page.waitForSelector(".failed");
    await alice.page.unroute(`**${path}`);
    const refused = alice.page.waitForResponse((r) => r.status() === 422);
    await alice.page.goto("/account");
    await refused;
    await alice.page.waitForFunction(
      () =>
        JSON.parse(Object.entries(sessionStorage).find(([name]) => name.startsWith("outbox:"))![1]).length ===
        0,
    );
    await alice.page.goto(path);
    expect((await alice.page.inputValue("#body")).length).toBe(10_001);
  });

  test("are found and gone through by keyboard alone", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    for (const title of ["Apples", "Pears", "Plums"]) await startConversation(alice, title);
    await say(alice.page, "a basket of pears and <b>plums</b>");
    await bodies(alice.page, 1);
    await alice.page.locator("#thread-title").click(); // nothing is being typed
    await alice.page.keyboard.press("/");
    await alice.page.keyboard.type("pear");
    await alice.page.waitForSelector("#found mark");
    expect(await alice.page.locator("#found .list a").allInnerTexts()).toHaveLength(2);
    expect(await alice.page.innerText("#found .excerpt")).toBe("a basket of pears and <b>plums</b>");
    await alice.page.keyboard.press("ArrowDown");
    await alice.page.keyboard.press("Enter");
    await alice.page.waitForSelector("h1:has-text('Pears')");
    await alice.page.locator("#thread-title").click();
    await alice.page.keyboard.press("/");
    await alice.page.keyboard.press("ArrowDown");
    await alice.page.keyboard.press("ArrowDown");
    await alice.page.keyboard.press("ArrowUp");
    expect(await alice.page.evaluate(() => document.activeElement!.textContent)).toContain("Plums");
    await alice.page.keyboard.press("Enter");
    await alice.page.waitForSelector("h1:has-text('Plums')");
    expect(alice.complaints).toEqual([]);
  });
});

const viewerOf = (page: Page) => page.evaluate(() => document.documentElement.dataset["viewer"]!);
