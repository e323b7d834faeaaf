import { expect, test } from "bun:test";
import type { BrowserContext, Page } from "playwright-core";
import { UNLIMITED } from "../support/app.ts";
import {
  signOut,
  describeInBrowser,
  holdCookies,
  messages,
  passOn,
  register,
  say,
  SENT,
  serve,
  shows,
  signedIn,
} from "../support/browser.ts";
import { PASSWORDS, register as registerByProgram } from "../support/people.ts";

const comeToFront = (page: Page) =>
  page.evaluate(() => void document.dispatchEvent(new Event("visibilitychange")));
const tabsOf = async (context: BrowserContext, path: string, n: number) => {
  const tabs = await Promise.all(Array.from({ length: n }, () => context.newPage()));
  for (const tab of tabs) await tab.goto(path);
  return tabs;
};

async function talk(title: string) {
  const site = await serve(UNLIMITED);
  const alice = await signedIn(site, "alice");
  const path = await alice.converse(title);
  const said = (body: string) => alice.program("POST", `${path}/messages`, { body });
  /** The server hears of a reader that has gone a moment later. */
  const oneStream = async () => {
    while (site.app.duet.notifier.count(alice.userId) !== 1) await alice.context.pages()[0]!.evaluate("0");
  };
  return { site, alice, path, said, oneStream };
}

describeInBrowser("tabs that share a stream", () => {
  test("miss nothing that is said while they open", async () => {
    const { site, alice, path, said } = await talk("Hello");
    await using _ = site;
    // The tab that reads is busy, so that what it tells and what it is asked cross each other.
    await alice.page.evaluate(() =>
      setInterval(() => {
        const from = performance.now();
        while (performance.now() - from < 50);
      }, 150),
    );
    let isOver = false;
    const bodies: string[] = [];
    const saying = (async () => {
      for (let n = 1; !isOver; n++) {
        await said(`message ${n}`);
        bodies.push(`message ${n}`);
        await alice.page.evaluate("0"); // no faster than the tab that reads
      }
    })();
    for (let i = 0; i < 4; i++) {
      const [tab] = await tabsOf(alice.context, path, 1);
      const from = bodies.length;
      await tab!.waitForFunction(
        (n) =>
          [...document.querySelectorAll(".message .body")].some(
            (body) => body.textContent === `message ${n}`,
          ),
        from + 10,
      );
      const numbers = (await messages(tab!)).map((text) => Number(text.slice("message ".length)));
      expect(numbers).toEqual(numbers.map((_, n) => numbers[0]! + n));
      await tab!.close();
    }
    isOver = true;
    await saying;
    await alice.context.close();
  });

  test("need one for all of them: 8 tabs, also after the one that reads is closed, and after an outage", async () => {
    const { site, alice, path, oneStream } = await talk("Tabs");
    await using _ = site;
    const tabs = [alice.page, ...(await tabsOf(alice.context, path, 7))];
    const showsToAll = (body: string) => Promise.all(tabs.map((tab) => shows(tab, body)));
    await say(tabs[7]!, "to all");
    await showsToAll("to all");
    await oneStream();
    // The tab that is looked at takes over from one that may have been put to sleep.
    await comeToFront(tabs[3]!);
    await say(tabs[5]!, "after 1");
    await showsToAll("after 1");
    await oneStream();
    for (const n of [3, 4, 5]) {
      await tabs.shift()!.close();
      await say(tabs.at(-1)!, `after ${n}`);
      await showsToAll(`after ${n}`);
    }
    expect(await messages(tabs[0]!)).toEqual(["to all", "after 1", "after 3", "after 4", "after 5"]);

    // Refused, as by a proxy that has no server behind it, while somebody looks at all of them in turn.
    const reads = alice.context.waitForEvent("request", (request) => request.url().includes("/live?"));
    tabs.push(...(await tabsOf(alice.context, path, 1)));
    await reads;
    await alice.context.route("**/live?*", (route) => route.fulfill({ status: 503, body: "no" }));
    for (const tab of [...tabs, ...tabs]) {
      const refused = alice.context.waitForEvent("response", (response) => response.status() === 503);
      await comeToFront(tab);
      await refused;
    }
    await alice.context.unroute("**/live?*");
    await comeToFront(tabs[2]!);
    await alice.program("POST", `${path}/messages`, { body: "after the outage" });
    await showsToAll("after the outage");
    await oneStream();
    await alice.context.close();
  });

  test("do not wait for ever for a tab that fell asleep in its turn to refresh", async () => {
    const { site, alice, path } = await talk("Sleepers");
    await using _ = site;
    const [asleep] = await tabsOf(alice.context, path, 1);
    await asleep!.evaluate(
      () =>
        new Promise<void>((resolve) => {
          void navigator.locks.request("duet-refresh", () => (resolve(), new Promise(() => {})));
        }),
    );
    await alice.context.clearCookies({ name: /^duet_(access|gen)$/ });
    await say(alice.page, "still awake");
    await alice.page.waitForSelector(`${SENT}:has-text('still awake')`);
    await alice.context.close();
  });

  test("say when what happens elsewhere does not reach them, and when it does again", async () => {
    const { site, alice, path, said } = await talk("Behind");
    await using _ = site;
    const [other] = await tabsOf(alice.context, path, 1);
    await alice.context.route("**/live?*", (route) => route.fulfill({ status: 429, body: "" }));
    await site.app.duet.notifier.closeOldest(alice.userId, 0);
    for (const tab of [alice.page, other!]) await tab.waitForSelector("#notice:has-text('not up to date')");
    await alice.context.unroute("**/live?*");
    await said("back again");
    for (const tab of [alice.page, other!]) {
      await shows(tab, "back again");
      await tab.waitForSelector("#notice:empty", { state: "attached" });
    }
    await alice.context.close();
  });

  test("go on after a new password, which ends their session and begins another", async () => {
    const { site, alice, path } = await talk("Locksmith");
    await using _ = site;
    const [other] = await tabsOf(alice.context, "/account", 1);
    // The session ends a while before its cookies change, and the page asks for something meanwhile.
    await other!.route("**/account/password", async (route) => {
      const response = await passOn(route);
      await alice.page.evaluate(() => fetch("/auth/refresh", { method: "POST" }));
      await alice.page.waitForResponse(() => true, { timeout: 400 }).catch(() => undefined);
      await route.fulfill({ response });
    });
    await other!.fill("#current_password", PASSWORDS["alice"]!);
    await other!.fill("#new_password", PASSWORDS["bob"]!);
    await other!.press("#new_password", "Enter");
    await other!.waitForURL("**/account?done=password");
    await say(alice.page, "still here");
    await alice.page.waitForSelector(`${SENT}:has-text('still here')`);
    await other!.goto(path);
    await say(other!, "and so am I");
    await shows(alice.page, "and so am I");
    expect(await alice.page.locator("#sign-in-again[open]").count()).toBe(0);
    expect(alice.complaints).toEqual([]);
    await alice.context.close();
  });

  test("go on after a sign-out that failed and a sign-in that was put off, and show no dialog when one signs out", async () => {
    const { site, alice, path, said } = await talk("Stay");
    await using _ = site;
    const [other] = await tabsOf(alice.context, path, 1);
    await alice.page.route("**/auth/logout", (route) => route.fulfill({ status: 503, body: "no" }));
    await signOut(alice.page);
    await alice.page.waitForURL("**/auth/logout");
    await alice.page.unroute("**/auth/logout");
    await said("still here");
    await shows(other!, "still here");
    await say(other!, "and can still say so");
    await other!.waitForSelector(`${SENT}:has-text('say so')`);
    expect(new URL(other!.url()).pathname).toBe(path);

    await alice.page.goto(path);
    await alice.program("POST", "/auth/logout-all");
    for (const tab of [alice.page, other!]) {
      await tab.waitForSelector("#sign-in-again[open]");
      await tab.click("#sign-in-again [data-close]");
    }
    // Asked again by what needs a token, and signed in there.
    await say(other!, "later");
    await other!.fill("#sign-in-again #password", PASSWORDS["alice"]!);
    await other!.click("#sign-in-again button[type=submit]");
    await shows(other!, "later");
    await shows(alice.page, "later");
    expect(await messages(alice.page)).toEqual(["still here", "and can still say so", "later"]);

    const opened: string[] = [];
    await alice.context.exposeFunction("dialogOpened", () => opened.push("dialog"));
    for (const tab of [alice.page, other!])
      await tab.evaluate(() => {
        const dialog = document.querySelector("#sign-in-again")!;
        const { dialogOpened } = window as unknown as { dialogOpened(): void };
        new MutationObserver(() => dialogOpened()).observe(dialog, { attributes: true });
      });
    // The session ends a while before its cookies go.
    await alice.page.route("**/auth/logout", async (route) => {
      const response = await passOn(route);
      await other!.waitForResponse(() => true, { timeout: 400 }).catch(() => undefined);
      await route.fulfill({ response });
    });
    await signOut(alice.page);
    await other!.waitForURL("**/login");
    expect(opened).toEqual([]);
    await alice.context.close();
  });
});

describeInBrowser("one browser with two people", () => {
  test("tells neither of the other, sends nothing in the wrong name, and shows a new sign-in in every tab", async () => {
    const { site, alice, path } = await talk("Hers");
    await using _ = site;
    const { page } = alice;
    const [other] = await tabsOf(alice.context, path, 1);
    const bob = await registerByProgram(site, "bob");
    await alice.program("POST", `${path}/members`, { username: "bob" });
    await page.fill("#body", "alice's own words");
    // His cookies come without a page of his and without a generation, so that only the server can notice.
    await holdCookies(site, alice.context, bob, { withGeneration: false });
    const refused = () =>
      alice.context.waitForEvent("response", (r) => r.url().includes("/live?") && r.status() === 409);
    const first = refused();
    await comeToFront(page);
    await comeToFront(other!);
    await first;
    const again = refused();
    await bob.call("POST", "/api/conversations", { title: "Bob's secret" });
    await again;
    for (const tab of [page, other!])
      expect(await tab.locator(".list-title").allTextContents()).toEqual(["Hers"]);
    await page.press("#body", "Enter");
    await page.waitForSelector("#composer-error:has-text('now signed in to another account')");
    expect(await page.inputValue("#body")).toBe("alice's own words");
    expect((await bob.call("GET", `/api${path}/messages`)).body.items).toEqual([]);

    // Whoever is signed in is not shown the form.
    await alice.context.clearCookies({ name: /^duet_(access|gen)$/ });
    await register({ page, name: "carol" });
    // It stood at that address before, as somebody else's.
    await other!.waitForSelector('.who-name span:text-is("carol")');
    await alice.context.close();
  });
});
