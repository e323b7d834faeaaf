import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import {
  describeInBrowser,
  messages,
  open,
  passOn,
  register,
  serve,
  SHORT,
  startConversation,
} from "../support/browser.ts";
import { UNLIMITED } from "../support/app.ts";
import { PASSWORDS } from "../support/people.ts";

/** A message that has arrived. */
const SENT = ".message.own:not(.pending)";

/** Until the page has been given a new pair, as it asks for one when the access token's time is over. */
const renewed = (page: Page) => page.waitForResponse((response) => response.url().endsWith("/auth/refresh"));

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
    await alice.page.click(".popover button:has-text('Invite')");
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
      await person.page.click("[data-sign-out] button");
      await person.page.waitForURL("**/login?*");
      expect((await person.context.cookies()).map(({ name }) => name)).toEqual(["duet_ended"]);
      await person.page.goto(path);
      expect(new URL(person.page.url()).pathname).toBe("/login");
    }
    expect(alice.complaints).toEqual([]);
  });
});

describeInBrowser("an access token that expires", () => {
  test("while 5 tabs send at once is renewed once for all of them, and each message is there once", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    const path = await startConversation(alice, "Tabs");
    const tabs = [alice.page];
    while (tabs.length < 5) tabs.push(await alice.context.newPage());
    await Promise.all(tabs.map((tab) => tab.goto(path)));
    await Promise.all(tabs.map((tab, i) => tab.fill("#body", `from tab ${i}`)));
    for (const name of ["duet_access", "duet_gen"]) await alice.context.clearCookies({ name });
    const before = site.requests("/auth/refresh");
    await Promise.all(tabs.map((tab) => tab.press("#body", "Enter")));
    // Each tab shows what all of them sent, once.
    await Promise.all(
      tabs.map((tab) => tab.waitForFunction((sent) => document.querySelectorAll(sent).length === 5, SENT)),
    );
    expect(site.requests("/auth/refresh") - before).toBe(1);
    await alice.page.reload();
    expect((await messages(alice.page)).toSorted()).toEqual([0, 1, 2, 3, 4].map((i) => `from tab ${i}`));
    expect(site.logged.filter(({ event }) => event === "reuse_detected")).toEqual([]);
  });

  test("while 8 tabs are restored at once shows 8 pages and no sign-in", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    const path = await startConversation(alice, "Restored");
    for (const name of ["duet_access", "duet_gen"]) await alice.context.clearCookies({ name });
    const tabs = await Promise.all(Array.from({ length: 8 }, () => alice.context.newPage()));
    await Promise.all(tabs.map((tab) => tab.goto(path)));
    for (const tab of tabs) expect(await tab.textContent("#thread-title")).toBe("Restored");
    expect(site.logged.filter(({ event }) => event === "reuse_detected")).toEqual([]);
  });

  test("when the refresh fails for the network's sake signs nobody out and keeps what was typed", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    await startConversation(alice, "Tunnel");
    await alice.page.fill("#body", "typed in a tunnel");
    for (const name of ["duet_access", "duet_gen"]) await alice.context.clearCookies({ name });
    await alice.context.setOffline(true);
    await alice.page.press("#body", "Enter");
    await alice.page.waitForSelector(".message.failed:has-text('Not sent')");
    expect(await messages(alice.page)).toEqual(["typed in a tunnel"]);
    expect(await alice.page.locator("#sign-in-again[open]").count()).toBe(0);
    await alice.context.setOffline(false); // and it goes by itself
    await alice.page.waitForSelector(SENT);
    expect(await messages(alice.page)).toEqual(["typed in a tunnel"]);
  });
});

describeInBrowser("a session that ended while something was being typed", () => {
  async function typingWhenEnded(site: Awaited<ReturnType<typeof serve>>) {
    const alice = await open(site, "alice");
    await register(alice);
    const path = await startConversation(alice, "Precious");
    await alice.page.fill("#body", "precious words");
    const [access] = (await alice.context.cookies()).filter(({ name }) => name === "duet_access");
    // Signed out everywhere, by a program.
    await site.json("POST", "/api/auth/logout-all", {}, { authorization: `Bearer ${access!.value}` });
    // Nothing has to be done for it to show: the page hears of it.
    await alice.page.waitForSelector("#sign-in-again[open]");
    return { alice, path };
  }

  test("is asked for over the page, says why, and what was typed is still there to be sent, once", async () => {
    await using site = await serve();
    const { alice, path } = await typingWhenEnded(site);
    await using _ = alice;
    expect(await alice.page.textContent("#sign-in-again [data-reason]")).toStartWith(
      "You signed out everywhere. · ",
    );
    expect(await alice.page.inputValue("#body")).toBe("precious words");

    await alice.page.fill("#sign-in-again #identifier", "alice");
    await alice.page.fill("#sign-in-again #password", "not this one");
    await alice.page.click("#sign-in-again button[type=submit]");
    await alice.page.waitForSelector("#sign-in-again .error:has-text('Wrong username or password')");
    await alice.page.fill("#sign-in-again #password", PASSWORDS["alice"]!);
    await alice.page.click("#sign-in-again button[type=submit]");
    await alice.page.waitForSelector("#sign-in-again", { state: "hidden" });
    await alice.page.press("#body", "Enter");
    await alice.page.waitForSelector(SENT);
    expect(new URL(alice.page.url()).pathname).toBe(path);
    expect(await messages(alice.page)).toEqual(["precious words"]);
    expect(alice.complaints).toEqual([]);
  });

  test("may be left for later: the page and the text stay", async () => {
    await using site = await serve();
    const { alice } = await typingWhenEnded(site);
    await using _ = alice;
    await alice.page.click("#sign-in-again [data-close]");
    expect(await alice.page.inputValue("#body")).toBe("precious words");
    await alice.page.press("#body", "Enter");
    await alice.page.waitForSelector("#sign-in-again[open]"); // and asks again
    await alice.page.click("#sign-in-again [data-close]");
    await alice.page.waitForSelector(".failed:has-text('precious words')");
    // Asked for while something is being sent, it is sent after it.
    await alice.page.click("text=Send again");
    await alice.page.fill("#sign-in-again #password", PASSWORDS["alice"]!);
    await alice.page.click("#sign-in-again button[type=submit]");
    await alice.page.waitForSelector(SENT);
    expect(await messages(alice.page)).toEqual(["precious words"]);
  });

  test("sends nothing in the name of somebody else who signs in there", async () => {
    await using site = await serve();
    await using bob = await open(site, "bob");
    await register(bob);
    const { alice } = await typingWhenEnded(site);
    await using _ = alice;
    await alice.page.fill("#sign-in-again #identifier", "bob");
    await alice.page.fill("#sign-in-again #password", PASSWORDS["bob"]!);
    await alice.page.click("#sign-in-again button[type=submit]");
    await alice.page.waitForURL("**/conversations");
    expect(await alice.page.textContent(".who-name span")).toBe("bob");
    expect(await alice.page.textContent("body")).not.toContain("precious words");
  });
});

describeInBrowser("the composer", () => {
  test("sends with Enter, breaks the line with Shift+Enter, and a double click sends once", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    await startConversation(alice, "Keys");
    await alice.page.locator("#body").pressSequentially("one");
    await alice.page.press("#body", "Shift+Enter");
    await alice.page.locator("#body").pressSequentially("two");
    await alice.page.press("#body", "Enter");
    await alice.page.waitForSelector(SENT);
    expect(await messages(alice.page)).toEqual(["one\ntwo"]);
    expect(await alice.page.locator("#no-messages").count()).toBe(0);
    await alice.page.fill("#body", "twice");
    await alice.page.dblclick("#composer button");
    await alice.page.waitForFunction((sent) => document.querySelectorAll(sent).length === 2, SENT);
    await alice.page.reload();
    expect(await messages(alice.page)).toEqual(["one\ntwo", "twice"]);
  });

  test("sends again after a lost answer, and the message is there once", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    await register(alice);
    const path = await startConversation(alice, "Lossy");
    await alice.page.route(`**${path}`, async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      expect((await passOn(route)).status()).toBe(200); // the server has it
      await route.abort(); // the browser never hears so
    });
    await alice.page.fill("#body", "heard?");
    await alice.page.press("#body", "Enter");
    // The event stream brings it: nobody sees it twice, nor as failed, and what waits is sent again by itself.
    await alice.page.waitForSelector(SENT);
    expect(await alice.page.locator(".message:visible").count()).toBe(1);
    await alice.page.unroute(`**${path}`);
    await alice.page.waitForFunction(() => document.querySelector(".pending") === null);
    expect(await messages(alice.page)).toEqual(["heard?"]);
    await alice.page.reload();
    expect(await messages(alice.page)).toEqual(["heard?"]);
  });

  test("shows what is wrong beside the text, which stays", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice", { locale: "zh-CN" });
    await register(alice);
    await startConversation(alice, "长");
    await alice.page.fill("#body", "字".repeat(10_001));
    await alice.page.press("#body", "Enter");
    await alice.page.waitForSelector("#composer-error:has-text('最多 10000 个字符')");
    expect((await alice.page.inputValue("#body")).length).toBe(10_001);
    await alice.page.fill("#body", "字");
    await alice.page.press("#body", "Enter");
    await alice.page.waitForSelector(SENT);
    expect(await alice.page.textContent("#composer-error")).toBe("");
  });

  test("keeps the place while older messages come in above", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    await register(alice);
    const path = await startConversation(alice, "Long");
    const [access] = (await alice.context.cookies()).filter(({ name }) => name === "duet_access");
    for (let i = 1; i <= 70; i++)
      await site.json(
        "POST",
        `/api${path}/messages`,
        { body: `message ${i}` },
        { authorization: `Bearer ${access!.value}` },
      );
    await alice.page.goto(path);
    await alice.page.locator(".message").last().waitFor();
    expect(await alice.page.locator(".message").last().isVisible()).toBe(true);
    // Scrolling up is enough: what is older comes in above, and what is being read stays where it is.
    const scroller = (await alice.page.locator(".scroll").boundingBox())!;
    await alice.page.mouse.move(scroller.x + 100, scroller.y + 100);
    await alice.page.mouse.wheel(0, -10_000); // to the top of what is there
    await alice.page.waitForFunction(() => document.querySelectorAll(".message").length === 70);
    const { y } = (await alice.page.locator(".message:has-text('message 21')").boundingBox())!;
    expect(y - scroller.y).toBeGreaterThan(-60);
    expect(y - scroller.y).toBeLessThan(150);
    expect(await alice.page.locator(".more").count()).toBe(0);
  });
});
