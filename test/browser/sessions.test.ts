import { expect, test } from "bun:test";
import {
  signOut,
  describeInBrowser,
  messages,
  open,
  register,
  say,
  SENT,
  serve,
  signedIn,
  startConversation,
} from "../support/browser.ts";

describeInBrowser("signing out", () => {
  test("in one tab shows in all of them, and the back button shows nothing private", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice");
    const path = await alice.converse("Private matters");
    const other = await alice.context.newPage();
    await other.goto(path);
    await signOut(alice.page);
    await alice.page.waitForURL("**/login?*");
    await other.waitForURL("**/login");
    expect(await other.textContent(".banner")).toBe("You signed out");
    await alice.page.goBack({ waitUntil: "commit" }); // a page restored from memory has no load event
    await alice.page.waitForFunction(() => location.pathname === "/login");
    expect(await alice.page.textContent("body")).not.toContain("Private matters");
    expect(alice.complaints).toEqual([]);
  });
});

describeInBrowser("the content security policy", () => {
  test("is broken by nothing that a person does, and stops what a person might write", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    const { page } = alice;
    await alice.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`breach: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`),
      );
    });
    await page.goto("/");
    await page.click(".hero a.button");
    await register(alice);
    const evil = `<img src=x onerror="document.title='evil'"><div hx-post="/auth/logout" hx-trigger="load">x</div>`;
    const path = await startConversation(alice, evil);
    await say(page, evil);
    await page.waitForSelector(SENT);
    await page.click("#members summary");
    await page.fill("#username", evil.slice(0, 30));
    await page.click("#members .joined button");
    await page.waitForSelector("#username-error");
    await page.goto(path);
    await page.click("#me summary");
    await page.click("text=中文");
    await page.waitForSelector("html[lang='zh-CN']");
    expect(await messages(page)).toEqual([evil]);
    expect(await page.title()).toStartWith("<img src=x");
    expect(site.requests("/auth/logout")).toBe(0);
    expect(alice.complaints).toEqual([]);
    // The premise: a breach would have been heard.
    await page.evaluate(() => {
      const image = new Image();
      image.src = "https://elsewhere.invalid/x.png";
      document.body.append(image);
    });
    await page.waitForEvent("console", {
      predicate: (message) => message.text().startsWith("breach: img-src"),
    });
  });
});
