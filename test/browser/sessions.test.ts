import { expect, test } from "bun:test";
import { register as registerByProgram } from "../support/people.ts";
import { describeInBrowser, messages, open, register, serve, startConversation } from "../support/browser.ts";

describeInBrowser("signing out", () => {
  test("in one tab shows in all of them, and the back button shows nothing private", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    const path = await startConversation(alice, "Private matters");
    const other = await alice.context.newPage();
    await other.goto(path);
    await alice.page.click("[data-sign-out] button");
    await alice.page.waitForURL("**/login?*");
    await other.waitForURL("**/login");
    expect(await other.textContent(".banner")).toBe("You signed out.");
    await alice.page.goBack({ waitUntil: "commit" }); // a page restored from memory has no load event
    await alice.page.waitForFunction(() => location.pathname === "/login");
    expect(await alice.page.textContent("body")).not.toContain("Private matters");
    expect(alice.complaints).toEqual([]);
  });
});

describeInBrowser("a session that is ended elsewhere", () => {
  test("is over on the account page too, which says why by itself", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    await alice.page.goto("/account");
    const [access] = (await alice.context.cookies()).filter(({ name }) => name === "duet_access");
    await site.json("POST", "/api/auth/logout-all", {}, { authorization: `Bearer ${access!.value}` });
    await alice.page.waitForSelector("#sign-in-again[open]");
    expect(await alice.page.textContent("#sign-in-again [data-reason]")).toStartWith(
      "You signed out everywhere.",
    );
    expect(alice.complaints).toEqual([]);
  });
});

describeInBrowser("one browser", () => {
  test("sends nothing that one person typed in the name of another who signed in in another tab", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    const path = await startConversation(alice, "Shared");
    await alice.page.click("#members summary");
    const { accessToken, refreshToken } = await registerByProgram(site, "bob");
    await alice.page.fill("#username", "bob");
    await alice.page.click(".popover button[type=submit]");
    await alice.page.waitForSelector("summary[aria-label='2 members']");
    await alice.page.fill("#body", "alice's own words");
    // Bob's cookies come without a page of his, so that only the server can notice.
    await alice.context.addCookies([
      { name: "duet_access", value: accessToken, url: site.url },
      { name: "duet_refresh", value: refreshToken, url: `${site.url}/auth` },
    ]);
    await alice.page.press("#body", "Enter");
    await alice.page.waitForSelector("#composer-error:has-text('Somebody else has signed in')");
    expect(await alice.page.inputValue("#body")).toBe("alice's own words");
    await alice.page.goto(path);
    expect(await messages(alice.page)).toEqual([]);
  });

  test("shows another person's sign-in in every tab, and a sign-out that failed in none", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    const path = await startConversation(alice, "Mine");
    const other = await alice.context.newPage();
    await other.goto(path);
    await alice.page.route("**/auth/logout", (route) => route.fulfill({ status: 503, body: "not now" }));
    await Promise.all([alice.page.waitForEvent("load"), alice.page.click("[data-sign-out] button")]);
    await other.fill("#body", "still here");
    await other.press("#body", "Enter");
    await other.waitForSelector(".message.own:not(.pending)");
    expect(new URL(other.url()).pathname).toBe(path);

    await register({ page: alice.page, name: "bob" });
    await other.waitForURL("**/conversations");
    expect(await other.textContent(".who-name span")).toBe("bob");
  });
});

describeInBrowser("the content security policy", () => {
  test("is broken by nothing that a person does, and stops what a person might write", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await alice.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`breach: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`),
      );
    });
    await alice.page.goto("/");
    await alice.page.click(".hero a.button");
    await register(alice);
    const evil = `<img src=x onerror="document.title='evil'"><div hx-post="/auth/logout" hx-trigger="load">x</div>`;
    const path = await startConversation(alice, evil);
    await alice.page.fill("#body", evil);
    await alice.page.click("#composer button");
    await alice.page.waitForSelector(".message.own:not(.pending)");
    await alice.page.click("#members summary");
    await alice.page.fill("#username", evil.slice(0, 30));
    await alice.page.click(".popover button[type=submit]");
    await alice.page.waitForSelector("#username-error");
    await alice.page.goto(path);
    await alice.page.click("text=中文");
    await alice.page.waitForSelector("html[lang='zh-CN']");
    expect(await messages(alice.page)).toEqual([evil]);
    expect(await alice.page.title()).toStartWith("<img src=x");
    expect(site.requests("/auth/logout")).toBe(0);
    expect(alice.complaints).toEqual([]);
    // The premise: a breach would have been heard.
    await alice.page.evaluate(() => {
      const image = new Image();
      image.src = "https://elsewhere.invalid/x.png";
      document.body.append(image);
    });
    await alice.page.waitForEvent("console", {
      predicate: (message) => message.text().startsWith("breach: img-src"),
    });
  });
});

describeInBrowser("the pages", () => {
  test("show times in the reader's own zone and language", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice", { locale: "zh-CN", timezoneId: "Asia/Shanghai" });
    await register(alice);
    await startConversation(alice, "时间");
    const time = alice.page.locator(".list time").first();
    const iso = (await time.getAttribute("datetime"))!;
    const local = new Intl.DateTimeFormat("zh-CN", { timeStyle: "short", timeZone: "Asia/Shanghai" }).format(
      new Date(iso),
    );
    expect(await time.textContent()).toBe(local);
  });

  test("fit a phone: the list and the thread are separate screens, with a way back, and nothing sticks out", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice", { viewport: { width: 390, height: 844 } });
    await register(alice);
    await startConversation(alice, "A title that is far too long for a telephone ".repeat(4));
    expect(await alice.page.locator(".sidebar").isVisible()).toBe(false);
    await alice.page.fill("#body", "x".repeat(400));
    await alice.page.click("#composer button");
    await alice.page.waitForSelector(".message.own:not(.pending)");
    const sticksOut = () => alice.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(await sticksOut()).toBe(false);
    await alice.page.click("#members summary");
    const popover = (await alice.page.locator("#members .popover").boundingBox())!;
    expect(popover.x).toBeGreaterThanOrEqual(0);
    expect(popover.x + popover.width).toBeLessThanOrEqual(390);
    await alice.page.keyboard.press("Escape");
    await alice.page.click(".back");
    await alice.page.waitForURL("**/conversations");
    expect(await alice.page.locator(".thread").isVisible()).toBe(false);
    expect(await sticksOut()).toBe(false);
  });
});
