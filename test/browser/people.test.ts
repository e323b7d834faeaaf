import { UNLIMITED } from "../support/app.ts";
import { register as registerByProgram } from "../support/people.ts";
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import {
  answer,
  signOut,
  describeInBrowser,
  messages,
  open,
  register,
  say,
  SENT,
  serve,
  SHORT,
  signedIn,
  startConversation,
  shows,
} from "../support/browser.ts";

/** Until the page has been given a new pair, as it asks for one when the access token's time is over. */
const renewed = (page: Page) => page.waitForResponse((response) => response.url().endsWith("/auth/refresh"));

const bodies = (page: Page, count: number) =>
  page.waitForFunction((n) => document.querySelectorAll(".message:not(.pending) .body").length === n, count);

describeInBrowser("two people", () => {
  test("register, converse, outlive their access tokens and sign out: one with JavaScript, one without", async () => {
    await using site = await serve(SHORT);
    await using alice = await open(site, "alice", { locale: "en-US" });
    await using bob = await open(site, "bob", { locale: "zh-CN", javaScriptEnabled: false });
    await register(alice);
    await register(bob);
    expect(await bob.page.textContent("h1")).toBe("对话");

    const path = await startConversation(alice, "Ferry times");
    await alice.page.click("#members summary");
    await alice.page.fill("#username", "bob");
    await alice.page.click(".popover button:text-is('Add')");
    await alice.page.waitForSelector("summary[aria-label='2 members']");

    // Alice types slowly: the token that was good when she began has expired when she sends.
    const words = "The ferry goes at 7 <b>sharp</b>";
    await alice.page.locator("#body").pressSequentially(words.slice(0, 10));
    await renewed(alice.page);
    await alice.page.locator("#body").pressSequentially(words.slice(10));
    await renewed(alice.page);
    await alice.page.press("#body", "Enter");
    await alice.page.waitForSelector(SENT);
    expect(await messages(alice.page)).toEqual([words]);
    expect(await alice.page.inputValue("#body")).toBe("");

    // Bob has no script: his form goes by way of the refresh, and his words with it.
    await bob.page.goto("/conversations");
    await bob.page.click("text=Ferry times");
    expect(await messages(bob.page)).toEqual([words]);
    await bob.page.fill("#body", "好的，\n七点见！");
    await bob.context.clearCookies({ name: "duet_access" });
    await bob.page.click("#composer button");
    await bob.page.waitForSelector(SENT);
    expect(await messages(bob.page)).toEqual([words, "好的，\n七点见！"]);

    // Alice has seen it come by itself; a navigation is renewed on its way.
    await alice.page.waitForSelector(".message:not(.own)");
    await alice.context.clearCookies({ name: "duet_access" });
    await alice.page.reload();
    expect(new URL(alice.page.url()).pathname).toBe(path);
    expect(await messages(alice.page)).toEqual([words, "好的，\n七点见！"]);

    for (const person of [alice, bob]) {
      await signOut(person.page);
      await person.page.waitForURL("**/login?*");
      expect((await person.context.cookies()).map(({ name }) => name)).toEqual(["duet_ended"]);
      await person.page.goto(path);
      expect(new URL(person.page.url()).pathname).toBe("/login");
    }
    expect(alice.complaints).toEqual([]);
  });

  test("see what the other does, as it is done: words, titles, members, what is unread, and the end", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice");
    await using bob = await signedIn(site, "bob");
    await bob.page.goto("/conversations");
    const path = await alice.converse("Plans");
    for (const [name, answer] of [
      ["bob", "summary[aria-label='2 members']"],
      ["BOB", "#members [role=status]:text-is('bob is already a member')"],
    ]) {
      if (!(await alice.page.locator("#members[open]").count())) await alice.page.click("#members summary");
      await alice.page.fill("#username", name!);
      await alice.page.press("#username", "Enter");
      await alice.page.waitForSelector(answer!);
    }
    expect(await alice.page.locator("#members li:has-text('bob')").count()).toBe(1);
    await alice.page.keyboard.press("Escape");

    // Bob has his list open and does nothing.
    await bob.page.waitForSelector(".list-title:has-text('Plans')");
    await say(alice.page, "hello bob");
    await bob.page.waitForSelector(".unread:has-text('1')");
    await say(alice.page, "are you there?");
    await bob.page.waitForSelector(".unread:has-text('2')");
    expect(await bob.page.title()).toStartWith("(2) ");
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
    expect(await bob.page.title()).toBe("Plans for May · Duet");

    // A message is changed in its place, then taken back.
    await bob.page.locator(".message.own").hover();
    await bob.page.click(".message.own .tool[href$='/edit']");
    await bob.page.fill(".editing textarea", "here I am");
    await bob.page.click(".editing button:has-text('Save')");
    await alice.page.waitForSelector(".message:not(.own):has-text('edited') .body:text-is('here I am')");
    // The focus stays with the message.
    await bob.page.waitForFunction(() => document.activeElement?.matches(".message.own .tool"));
    await bob.page.locator(".message.own").hover();
    await bob.page.click(".message.own button.tool");
    await answer(bob.page, true);
    await alice.page.waitForSelector(".message:not(.own) .gone");
    expect(await messages(alice.page)).toEqual(["hello bob", "are you there?", "This message was deleted"]);
    expect(await messages(bob.page)).toEqual(await messages(alice.page));

    // What is deleted goes away, and comes back with a click.
    await alice.page.click("#conversation-menu summary");
    await alice.page.click("#conversation-menu button:has-text('Delete')");
    await bob.page.waitForSelector(".banner:has-text('was deleted, or you are no longer a member')");
    expect(await alice.page.evaluate(() => document.activeElement!.textContent)).toBe("Undo");
    await alice.page.click("button:has-text('Undo')");
    await alice.page.waitForURL(`**${path}`);
    await bob.page.waitForSelector(".list-title:has-text('Plans for May')");
    await alice.page.click("#members summary");
    await alice.page.click("#members button[aria-label='Remove bob']");
    await answer(alice.page, true);
    await bob.page.waitForFunction(() => document.querySelector(".list-title") === null);
    for (const person of [alice, bob]) expect(person.complaints).toEqual([]);
  });
});

describeInBrowser("inviting", () => {
  test("by a name that completes itself, and by a link that is copied, opened elsewhere and ended", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice", { permissions: ["clipboard-read", "clipboard-write"] });
    await using bob = await signedIn(site, "bob");
    await registerByProgram(site, "carol");
    const shared = await alice.program("POST", "/conversations", { title: "Before" });
    await alice.program("POST", `/conversations/${shared.id}/members`, { username: "bob" });
    const path = await alice.converse("Plans");
    const { page } = alice;
    await page.click("#members summary");
    await page.focus("#username");
    await page.waitForSelector("#known option", { state: "attached" });
    expect(
      await page.evaluate(() =>
        [...document.querySelectorAll<HTMLOptionElement>("#known option")].map(({ value }) => value),
      ),
    ).toEqual(["bob"]);

    await page.selectOption("[name=days]", "1");
    await page.click(".new-invite button");
    await page.waitForSelector(".invites .code");
    await page.click(".invites .code button");
    await page.waitForSelector(".invites .code button:text-is('Copied')");
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toContain("/join?token=");
    await bob.page.goto(`${site.url}${new URL(link).pathname}${new URL(link).search}`);
    await bob.page.click("main button");
    await bob.page.waitForURL(`**${path}`);
    await page.waitForSelector(".note:has-text('bob joined by a link')");
    await page.keyboard.press("Escape");
    await page.waitForSelector("summary[aria-label='2 members']");
    await page.click("#members summary");
    await page.waitForSelector(".invites li:has-text('1 of 10 joined')");
    await page.click(".invites li button");
    await page.waitForSelector(".invites li", { state: "detached" });
    for (const person of [alice, bob]) expect(person.complaints).toEqual([]);
  });
});

describeInBrowser("notifications", () => {
  test("come only for whoever asked for them, and only while no page is looked at", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice", { permissions: ["notifications"] });
    const bob = await registerByProgram(site, "bob");
    const path = await alice.converse("Plans");
    await alice.program("POST", `${path}/members`, { username: "bob" });
    const { page } = alice;
    // The browser of the tests shows none: what would be shown is written down.
    await page.addInitScript(() => {
      const told: string[] = [];
      class Told extends EventTarget {
        static permission = "granted";
        static requestPermission = () => Promise.resolve("granted");
        constructor(title: string, { body }: { body: string }) {
          super();
          told.push(`${title}: ${body}`);
        }
      }
      Object.assign(window, { Notification: Told, told });
    });
    await page.reload();
    const told = () => page.evaluate(() => (window as unknown as { told: string[] }).told);
    const hide = (isHidden: boolean) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
      }, isHidden);
    const says = async (body: string) => {
      await bob.call("POST", `/api${path}/messages`, { body });
      await shows(page, body);
    };
    await hide(true);
    await says("nobody asked");
    expect(await told()).toEqual([]);
    await hide(false);
    await page.click("#me summary");
    await page.click("[data-notify]");
    await page.waitForSelector("[data-notify]:text-is('Stop notifying me')");
    await says("is looked at");
    expect(await told()).toEqual([]);
    await hide(true);
    await says("hello");
    await page.waitForFunction(() => (window as unknown as { told: string[] }).told.length > 0);
    expect(await told()).toEqual(["Plans: bob: hello"]);
    // One's own, from another device, is no news.
    await alice.program("POST", `${path}/messages`, { body: "mine" });
    await shows(page, "mine");
    // Another page is looked at.
    const other = await alice.context.newPage();
    await other.goto("/account");
    await says("is seen elsewhere");
    expect(await told()).toHaveLength(1);
    expect(alice.complaints).toEqual([]);
  });
});
