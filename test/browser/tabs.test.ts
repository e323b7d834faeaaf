import { expect, test } from "bun:test";
import type { BrowserContext, Page, Route } from "playwright-core";
import { UNLIMITED } from "../support/app.ts";
import {
  describeInBrowser,
  messages,
  open,
  passOn,
  register,
  serve,
  startConversation,
  type PersonInBrowser,
  type Site,
} from "../support/browser.ts";
import { PASSWORDS, register as registerByProgram } from "../support/people.ts";

const viewerOf = (page: Page) => page.evaluate(() => document.documentElement.dataset["viewer"]!);
const comeToFront = (page: Page) =>
  page.evaluate(() => void document.dispatchEvent(new Event("visibilitychange")));
const shows = (page: Page, body: string) => page.waitForSelector(`.message .body:text-is("${body}")`);
const tabsOf = async (context: BrowserContext, path: string, n: number) => {
  const tabs = await Promise.all(Array.from({ length: n }, () => context.newPage()));
  for (const tab of tabs) await tab.goto(path);
  return tabs;
};

/** A program of the same person, by which something happens elsewhere. */
async function programOf(site: Site, { context }: PersonInBrowser) {
  const [access] = (await context.cookies()).filter(({ name }) => name === "duet_access");
  return async (method: string, path: string, body?: unknown) => {
    const answer = await site.json(method, `/api${path}`, body, { authorization: `Bearer ${access!.value}` });
    if (answer.status >= 400) throw new Error(answer.text);
    return answer.body;
  };
}

async function talk(title: string, settings: Record<string, string> = UNLIMITED) {
  const site = await serve(settings);
  const alice = await open(site, "alice");
  await register(alice);
  const path = await startConversation(alice, title);
  const program = await programOf(site, alice);
  const say = (body: string) => program("POST", `${path}/messages`, { body });
  return { site, alice, path, program, say };
}

describeInBrowser("tabs that share a stream", () => {
  test("miss nothing that is said while they open", async () => {
    const { site, alice, path, say } = await talk("Hello");
    await using _ = site;
    // The tab that reads is busy, so that what it tells and what it is asked cross each other.
    await alice.page.evaluate(() =>
      setInterval(() => {
        const from = performance.now();
        while (performance.now() - from < 50);
      }, 150),
    );
    let isOver = false;
    const said: string[] = [];
    const saying = (async () => {
      for (let n = 1; !isOver; n++) {
        await say(`message ${n}`);
        said.push(`message ${n}`);
        await alice.page.evaluate("0"); // no faster than the tab that reads
      }
    })();
    for (let i = 0; i < 4; i++) {
      const [tab] = await tabsOf(alice.context, path, 1);
      const from = said.length;
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

  test("share one after an outage too, through which somebody looks at all of them", async () => {
    const { site, alice, path, say } = await talk("Outage");
    await using _ = site;
    const viewer = await viewerOf(alice.page);
    const tabs = [alice.page, ...(await tabsOf(alice.context, path, 4))];
    // Refused, as by a proxy that has no server behind it.
    await alice.context.route("**/live?*", (route) => route.fulfill({ status: 503, body: "no" }));
    for (const tab of [...tabs, ...tabs]) {
      const refused = alice.context.waitForEvent("response", (response) => response.status() === 503);
      await comeToFront(tab);
      await refused;
    }
    await alice.context.unroute("**/live?*");
    await comeToFront(tabs[2]!);
    await say("after the outage");
    await Promise.all(tabs.map((tab) => shows(tab, "after the outage")));
    // The server hears of a reader that has gone a moment later.
    while (site.app.duet.notifier.count(viewer) !== 1) await alice.page.evaluate("0");
    await alice.context.close();
  });

  test("go on after a sign-in that was put off, in whichever tab it comes", async () => {
    const { site, alice, path, program } = await talk("Later");
    await using _ = site;
    const [other] = await tabsOf(alice.context, path, 1);
    await program("POST", "/auth/logout-all");
    for (const tab of [alice.page, other!]) {
      await tab.waitForSelector("#sign-in-again[open]");
      await tab.click("#sign-in-again [data-close]");
    }
    // Asked again by what needs a token, and signed in there.
    await other!.fill("#body", "later");
    await other!.press("#body", "Enter");
    await other!.fill("#sign-in-again #password", PASSWORDS["alice"]!);
    await other!.click("#sign-in-again button[type=submit]");
    await shows(other!, "later");
    await shows(alice.page, "later");
    expect(await messages(alice.page)).toEqual(["later"]);
    await alice.context.close();
  });

  test("go on after a sign-out that failed", async () => {
    const { site, alice, path, say } = await talk("Stay");
    await using _ = site;
    const [other] = await tabsOf(alice.context, path, 1);
    await alice.page.route("**/auth/logout", (route) => route.fulfill({ status: 503, body: "no" }));
    await alice.page.click("[data-sign-out] button");
    await alice.page.waitForURL("**/auth/logout");
    await say("still here");
    await shows(other!, "still here");
    await alice.context.close();
  });

  test("show no sign-in dialog when one of them signs out", async () => {
    const { site, alice, path } = await talk("Bye");
    await using _ = site;
    const [other] = await tabsOf(alice.context, path, 1);
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
    await alice.page.click("[data-sign-out] button");
    await other!.waitForURL("**/login");
    expect(opened).toEqual([]);
    await alice.context.close();
  });

  test("are told nothing of another person who has signed in in the same browser", async () => {
    const { site, alice, path } = await talk("Hers");
    await using _ = site;
    const [other] = await tabsOf(alice.context, path, 1);
    const bob = await registerByProgram(site, "bob");
    // His cookies come without a page of his, so that only the server can notice.
    await alice.context.addCookies([
      { name: "duet_access", value: bob.accessToken, url: site.url },
      { name: "duet_refresh", value: bob.refreshToken, url: `${site.url}/auth` },
    ]);
    const refused = () =>
      alice.context.waitForEvent("response", (r) => r.url().includes("/live?") && r.status() === 409);
    const first = refused();
    await comeToFront(alice.page);
    await comeToFront(other!);
    await first;
    const again = refused();
    await bob.call("POST", "/api/conversations", { title: "Bob's secret" });
    await again;
    for (const tab of [alice.page, other!])
      expect(await tab.locator(".list-title").allTextContents()).toEqual(["Hers"]);
    await alice.context.close();
  });
});

describeInBrowser("a page of a conversation", () => {
  test("marks all that was shown as read, and what it does not show as nothing", async () => {
    const { site, alice, path, program, say } = await talk("Read");
    await using _ = site;
    await using bob = await open(site, "bob");
    await register(bob);
    await program("POST", `${path}/members`, { username: "bob" });
    const his = await programOf(site, bob);
    const loaded = bob.page.waitForResponse((r) => r.url().endsWith("/read"));
    await bob.page.goto(path);
    await loaded;
    const answerLate = async (route: Route) => {
      const response = await passOn(route);
      await say("said while the mark for the first is under way");
      await shows(bob.page, "said while the mark for the first is under way");
      await route.fulfill({ response });
    };
    await bob.page.route("**/read", answerLate, { times: 1 });
    let marks = 0;
    const markedTwice = new Promise<void>((resolve) =>
      bob.page.on("response", (r) => void (r.url().endsWith("/read") && ++marks === 2 && resolve())),
    );
    await say("first");
    await markedTwice;
    expect((await his("GET", path)).unread).toBe(0);

    // A page from the middle does not show what is new.
    for (let n = 0; n < 60; n++) await say(`line ${n}`);
    const [oldest] = (await his("GET", `${path}/messages`)).items;
    await bob.page.goto(`${path}?before=${oldest.id}`);
    await bob.page.waitForSelector(".latest");
    await say("newest");
    await bob.page.waitForSelector(".unread");
    expect((await his("GET", path)).unread).toBeGreaterThan(0);
    expect(await bob.page.locator(".body:text-is('newest')").count()).toBe(0);
    await alice.context.close();
  });

  test("keeps its title, its members and its place in the list up to date", async () => {
    const { site, alice, path, program } = await talk("Before");
    await using _ = site;
    await using bob = await open(site, "bob");
    await register(bob);
    await program("POST", `${path}/members`, { username: "bob" });
    await bob.page.goto(path);
    await bob.page.click("#members summary");
    await program("PATCH", path, { title: "After" });
    await bob.page.waitForSelector("h1:text-is('After')");
    expect(await bob.page.title()).toBe("After · Duet");
    await using carol = await open(site, "carol");
    await register(carol);
    await program("POST", `${path}/members`, { username: "carol" });
    // Not under the hands of whoever has the menu open.
    await bob.page.waitForSelector(".list-title:text-is('After')");
    await bob.page.keyboard.press("Escape");
    await bob.page.waitForSelector("summary[aria-label='3 members']");

    // A title does not bring a conversation to the top; a message does.
    const other = await program("POST", "/conversations", { title: "Newer" });
    await alice.page.waitForSelector("#conversations li:first-child .list-title:text-is('Newer')");
    await program("PATCH", path, { title: "Again" });
    await alice.page.waitForSelector("#conversations li:nth-child(2) .list-title:text-is('Again')");
    await program("POST", `${path}/messages`, { body: "up" });
    await alice.page.waitForSelector("#conversations li:first-child .list-title:text-is('Again')");
    expect(await alice.page.locator(`#conversation-${other.id}`).count()).toBe(1);
    expect(await alice.page.locator("#conversations li").count()).toBe(2);
    await alice.context.close();
  });

  test("offers what is new to whoever reads further up, until they have seen it", async () => {
    const { site, alice, say } = await talk("Newer");
    await using _ = site;
    for (let n = 0; n < 40; n++) await say(`line ${n}`);
    await shows(alice.page, "line 39");
    const scrollTo = (top: number) =>
      alice.page.evaluate((to) => document.querySelector(".scroll")!.scrollTo({ top: to }), top);
    const composerBefore = (await alice.page.locator("#composer").boundingBox())!;
    await scrollTo(-600);
    await say("new one");
    await alice.page.waitForSelector("#newer");
    const boxOf = async (selector: string) => (await alice.page.locator(selector).boundingBox())!;
    const [head, button, composer] = [
      await boxOf(".thread-head"),
      await boxOf("#newer"),
      await boxOf("#composer"),
    ];
    expect(button.y).toBeGreaterThan(head.y + head.height + 200);
    expect(button.y + button.height).toBeLessThan(composer.y);
    // Nothing else has moved for it.
    expect(composer).toEqual(composerBefore);
    expect(button.x).toBeGreaterThan(head.x + head.width / 4);
    await scrollTo(0);
    await alice.page.waitForSelector("#newer", { state: "hidden" });
    await alice.context.close();
  });

  test("leaves the keys to whoever is writing Chinese", async () => {
    const { site, alice } = await talk("输入法");
    await using _ = site;
    const press = (selector: string, key: string, how: object) =>
      alice.page.locator(selector).dispatchEvent("keydown", { key, bubbles: true, cancelable: true, ...how });
    await alice.page.fill("#body", "ni hao");
    await press("#body", "Enter", { isComposing: true });
    await press("#body", "Enter", { keyCode: 229 });
    await alice.page.fill("#q", "ni");
    await press("#q", "Escape", { keyCode: 229 });
    expect(await alice.page.inputValue("#q")).toBe("ni");
    expect(await alice.page.inputValue("#body")).toBe("ni hao");
    expect(await alice.page.locator(".message").count()).toBe(0);
    await alice.context.close();
  });
});
