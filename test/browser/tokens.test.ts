import { expect, test } from "bun:test";
import {
  describeInBrowser,
  messages,
  outliveAccess,
  passOn,
  say,
  SENT,
  serve,
  shows,
  signedIn,
} from "../support/browser.ts";
import { PASSWORDS, register as registerByProgram } from "../support/people.ts";

describeInBrowser("an access token that expires", () => {
  test("is renewed once for all tabs: while 8 are restored at once, and while 5 send at once", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice");
    const path = await alice.converse("Restored");
    await outliveAccess(alice.context);
    const tabs = await Promise.all(Array.from({ length: 8 }, () => alice.context.newPage()));
    await Promise.all(tabs.map((tab) => tab.goto(path)));
    for (const tab of tabs) expect(await tab.textContent("#thread-title")).toBe("Restored");

    const senders = tabs.slice(0, 5);
    for (const tab of tabs.slice(5)) await tab.close();
    await outliveAccess(alice.context);
    const before = site.requests("/auth/refresh");
    // At once as nobody types: what is typed in one tab is in all of them.
    await Promise.all(
      senders.map((tab, i) =>
        tab.locator("#body").evaluate((body, text) => {
          (body as HTMLTextAreaElement).value = text;
          (body as HTMLTextAreaElement).form!.requestSubmit();
        }, `from tab ${i}`),
      ),
    );
    // Each tab shows what all of them sent, once.
    await Promise.all(
      senders.map((tab) => tab.waitForFunction((sent) => document.querySelectorAll(sent).length === 5, SENT)),
    );
    expect(site.requests("/auth/refresh") - before).toBe(1);
    await senders[0]!.reload();
    expect((await messages(senders[0]!)).toSorted()).toEqual([0, 1, 2, 3, 4].map((i) => `from tab ${i}`));
    expect(site.logged.filter(({ event }) => event === "reuse_detected")).toEqual([]);
  });
});

describeInBrowser("a person who waits", () => {
  test("is told what is under way and that there is no connection, keeps what was typed, and takes back what was not sent", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice");
    const { page, context } = alice;
    await alice.converse("Slow");
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers<void>();
    await page.route("**/search?*", async (route) => {
      const response = await passOn(route);
      await isAnswered;
      await route.fulfill({ response });
    });
    await page.fill("#q", "slow");
    await page.waitForSelector("html[data-busy]");
    answer();
    await page.waitForSelector("html:not([data-busy])");
    await page.waitForSelector("#found mark");

    // The refresh fails for the network's sake: nobody is signed out.
    await page.fill("#body", "typed in a tunnel");
    await outliveAccess(context);
    await context.setOffline(true);
    await page.waitForSelector("#notice:has-text('You are offline')");
    await page.press("#body", "Enter");
    await page.waitForSelector(".message.failed:has-text('Not sent')");
    expect(await messages(page)).toEqual(["typed in a tunnel"]);
    // What says so lies over nothing that can be used.
    for (const width of [390, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const covered = await page.evaluate(() => {
        const controls = [
          ...document.querySelectorAll<HTMLElement>("main :is(button, a, textarea, summary)"),
        ];
        const notice = document.querySelector("#notice")!.getBoundingClientRect();
        const lies = (box: DOMRect) =>
          box.top < notice.bottom &&
          box.bottom > notice.top &&
          box.left < notice.right &&
          box.right > notice.left;
        return controls.filter((each) => each.checkVisibility() && lies(each.getBoundingClientRect())).length;
      });
      expect([width, covered]).toEqual([width, 0]);
    }
    expect(await page.locator("#sign-in-again[open]").count()).toBe(0);
    await say(page, "wrong window");
    await page.locator(".failed:has-text('wrong window') button:text-is('Edit')").click();
    expect(await page.inputValue("#body")).toBe("wrong window");
    await context.setOffline(false); // and the rest goes by itself
    await page.waitForSelector(SENT);
    await page.waitForFunction(() => document.querySelector("#notice")!.textContent === "");
    expect(await messages(page)).toEqual(["typed in a tunnel"]);
    expect(await page.inputValue("#body")).toBe("wrong window");
  });
});

describeInBrowser("a session that ended while something was being typed", () => {
  test("is asked for over the page, says why, may be left for later, and nothing goes in another's name", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const path = await alice.converse("Precious");
    await page.fill("#body", "precious words");
    await alice.program("POST", "/auth/logout-all");
    // Nothing has to be done for it to show: the page hears of it.
    await page.waitForSelector("#sign-in-again[open]");
    expect(await page.textContent("#sign-in-again [data-reason]")).toStartWith(
      "You signed out everywhere · ",
    );
    await page.click("#sign-in-again [data-close]");
    expect(await page.inputValue("#body")).toBe("precious words");
    await page.press("#body", "Enter");
    await page.waitForSelector("#sign-in-again[open]"); // and asks again
    await page.click("#sign-in-again [data-close]");
    await page.waitForSelector(".failed:has-text('precious words')");

    // Asked for while something is being sent, it is sent after it, once.
    await page.click("text=Try again");
    await page.fill("#sign-in-again #password", "not this one");
    await page.click("#sign-in-again button[type=submit]");
    await page.waitForSelector("#sign-in-again .error:has-text('Wrong username or password')");
    await page.fill("#sign-in-again #password", PASSWORDS["alice"]!);
    await page.click("#sign-in-again button[type=submit]");
    await page.waitForSelector("#sign-in-again", { state: "hidden" });
    await page.waitForSelector(SENT);
    expect(new URL(page.url()).pathname).toBe(path);
    expect(await messages(page)).toEqual(["precious words"]);
    expect(alice.complaints).toEqual([]);

    // In the dialog that came by itself: what was typed is still there to be sent.
    const endAll = async () => {
      const [access] = (await alice.context.cookies()).filter(({ name }) => name === "duet_access");
      await site.json("POST", "/api/auth/logout-all", {}, { authorization: `Bearer ${access!.value}` });
      await page.waitForSelector("#sign-in-again[open]");
    };
    await page.fill("#body", "half written");
    await endAll();
    await page.fill("#sign-in-again #password", PASSWORDS["alice"]!);
    await page.press("#sign-in-again #password", "Enter");
    await page.waitForSelector("#sign-in-again", { state: "hidden" });
    expect(await page.inputValue("#body")).toBe("half written");
    await page.press("#body", "Enter");
    await page.waitForSelector(`${SENT}:has-text('half written')`);
    expect(await messages(page)).toEqual(["precious words", "half written"]);

    // Somebody else signs in there.
    await registerByProgram(site, "bob");
    await page.fill("#body", "for her alone");
    await endAll();
    await page.fill("#sign-in-again #identifier", "bob");
    await page.fill("#sign-in-again #password", PASSWORDS["bob"]!);
    await page.click("#sign-in-again button[type=submit]");
    await page.waitForURL("**/conversations");
    expect(await page.textContent(".who-name span")).toBe("bob");
    for (const words of ["precious words", "for her alone"])
      expect(await page.textContent("body")).not.toContain(words);
  });

  test("is over on the account page too, which says why by itself; times are in the reader's own zone and language", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice", { locale: "zh-CN", timezoneId: "Asia/Shanghai" });
    await alice.converse("时间");
    const time = alice.page.locator(".list time").first();
    const iso = (await time.getAttribute("datetime"))!;
    const zone = { timeStyle: "short", timeZone: "Asia/Shanghai" } as const;
    expect(await time.textContent()).toBe(new Intl.DateTimeFormat("zh-CN", zone).format(new Date(iso)));
    await say(alice.page, "现在");
    await shows(alice.page, "现在");
    await alice.page.goto("/account");
    await alice.program("POST", "/auth/logout-all");
    await alice.page.waitForSelector("#sign-in-again[open]");
    expect(await alice.page.textContent("#sign-in-again [data-reason]")).toStartWith("你已退出所有设备 · ");
    expect(alice.complaints).toEqual([]);
  });
});
