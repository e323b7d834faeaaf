import type { Page, Route } from "playwright-core";
import { chromiumPath } from "../support/chromium.ts";
import {
  open,
  passOn,
  register,
  SHORT,
  startConversation,
  type PersonInBrowser,
} from "../support/browser.ts";
import { count, notDone, Server, type Random, type Scenario } from "./kit.ts";

/** One life of an access token. */
const ROUND_MS = 2000;

type Tab = { person: PersonInBrowser; page: Page };
type Weather = {
  lost: number;
  slow: number;
  cuts: number;
  kills: number;
  reloads: number;
  upgrades: number;
};

/** A network on which every tenth answer is lost after the server has acted, and every fourth request is slow. */
const spoil = (person: PersonInBrowser, weather: Weather, choose: Random) =>
  person.context.route(/\/conversations\/|\/auth\/refresh|\/live/, async (route: Route) => {
    const request = route.request();
    try {
      if (choose.chance(0.25)) {
        weather.slow++;
        await Bun.sleep(choose.below(1200));
      }
      if (request.method() !== "POST" || request.isNavigationRequest() || !choose.chance(0.1))
        return await route.continue();
      await passOn(route);
      weather.lost++;
      await route.abort();
    } catch {
      // The page has gone, the server is down or the network is cut: the request has failed by itself.
      await route.abort().catch(() => undefined);
    }
  });

/** What the page shows as said, oldest first. */
const shownOn = (page: Page) => page.locator(".message:not(.pending) .body").allTextContents();
const pending = (page: Page) => page.locator(".pending").count();

/** Two people in two browsers with five tabs through 300 lives of an access token, in bad weather. */
export const storm: Scenario = (kit) =>
  weatherOver(
    kit,
    "a storm over two browsers with 5 tabs, whose access tokens live for 2 seconds",
    Math.max(4, Math.round(300 * kit.scale)),
    false,
  );

/** The same on a network without fault, while one binary after the other takes over: nothing may fail at all. */
export const upgrades: Scenario = (kit) =>
  weatherOver(
    kit,
    "a new binary takes over, under two browsers with 5 tabs, whose access tokens live for 2 seconds",
    Math.max(4, Math.round(40 * kit.scale)),
    true,
  );

async function weatherOver(
  { random }: Parameters<Scenario>[0],
  what: string,
  rounds: number,
  isFair: boolean,
): ReturnType<Scenario> {
  if (!chromiumPath) return [notDone(what, "no Chromium (Debian: apt-get install chromium)")];
  await using server = await new Server(SHORT).start();
  await using alice = await open(server, "alice");
  await using bob = await open(server, "bob");
  await register(bob);
  await register(alice);
  const path = await startConversation(alice, "Storm");
  await alice.page.click("#members summary");
  await alice.page.fill("#username", "bob");
  await alice.page.press("#username", "Enter");
  await alice.page.waitForSelector("#members li:has-text('bob')");

  const weather: Weather = { lost: 0, slow: 0, cuts: 0, kills: 0, reloads: 0, upgrades: 0 };
  const failed: string[] = [];
  let refreshes = 0;
  let asked = 0;
  const tabs: Tab[] = [];
  for (const [person, n] of [
    [alice, 3],
    [bob, 2],
  ] as const) {
    for (let i = 0; i < n; i++) {
      const page = i === 0 ? person.page : await person.context.newPage();
      await page.goto(path);
      page.on("framenavigated", (frame) => (asked += frame.url().includes("/login") ? 1 : 0));
      tabs.push({ person, page });
    }
    person.context.on("response", (r) => (refreshes += r.url().endsWith("/auth/refresh") && r.ok() ? 1 : 0));
    if (!isFair) await spoil(person, weather, random.fork());
    // A page that is left gives up what it was waiting for.
    person.context.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      if (why !== "net::ERR_ABORTED") failed.push(`${request.method()} ${request.url()} ${why}`);
    });
    person.context.on("response", (response) => {
      if (response.status() >= 500) failed.push(`${response.url()} ${response.status()}`);
    });
  }

  const said: string[] = [];
  async function say({ person, page }: Tab) {
    const text = `${person.name} ${said.length}`;
    await page.fill("#body", text);
    await page.press("#body", "Enter");
    said.push(text);
  }

  const upgrade = async (tab: Tab) => {
    weather.upgrades++;
    await Promise.all([server.upgrade(), say(tab)]);
  };
  const reload = async ({ page }: Tab) => {
    weather.reloads++;
    await page.goto(random.chance(0.5) ? path : "/account");
    await page.goto(path);
  };
  // As a tab does that comes to the front: it takes the stream over.
  const comeToFront = async ({ page }: Tab) =>
    page.evaluate(() => void document.dispatchEvent(new Event("visibilitychange")));
  const inBadWeather: ((tab: Tab) => Promise<void>)[] = [
    async (tab) => {
      weather.cuts++;
      await tab.person.context.setOffline(true);
      await say(tab);
      await Bun.sleep(random.below(1.5 * ROUND_MS));
      await tab.person.context.setOffline(false);
    },
    async (tab) => {
      weather.kills++;
      await server.kill();
      await say(tab);
      await Bun.sleep(random.below(ROUND_MS));
      await server.start();
    },
    reload,
    comeToFront,
  ];
  const happenings = isFair ? [upgrade, reload, comeToFront, say] : inBadWeather;

  for (let round = 0; round < rounds; round++) {
    const end = performance.now() + ROUND_MS;
    for (const tab of tabs) if (random.chance(0.4)) await say(tab);
    await happenings[round % happenings.length]!(tabs[random.below(tabs.length)]!);
    for (const { page } of tabs) asked += await page.locator("#sign-in-again[open]").count();
    await Bun.sleep(Math.max(0, end - performance.now()));
  }

  // Fair weather again: everything arrives, everywhere.
  for (const { context } of [alice, bob]) await context.unrouteAll({ behavior: "ignoreErrors" });
  await say(tabs[0]!);
  for (let i = 0; i < 120; i++) {
    const last = await Promise.all(tabs.map(async ({ page }) => (await shownOn(page)).at(-1)));
    const waiting = await Promise.all(tabs.map(({ page }) => pending(page)));
    if (waiting.every((n) => n === 0) && new Set(last).size === 1) break;
    await Bun.sleep(500);
  }
  const shown = await Promise.all(tabs.map(({ page }) => shownOn(page)));
  // Which ends what is open.
  const failures = failed.length;
  await server.kill();

  const stored = await server.read<{ body: string }>("SELECT body FROM messages ORDER BY id");
  const bodies = stored.map(({ body }) => body);
  const [ended] = await server.read<{ n: number }>(
    "SELECT COUNT(*) AS n FROM sessions WHERE ended_at IS NOT NULL",
  );
  const kept = new Set(bodies);
  // A page begins with the newest fifty messages; from there on it has to show what there is, as it is.
  const isAsStored = (list: string[]) =>
    list.length >= Math.min(50, bodies.length) && list.join("\n") === bodies.slice(-list.length).join("\n");
  return [
    {
      what,
      done:
        `${count(rounds)} lives of a token, ${count(said.length)} messages, ${count(refreshes)} refreshes, ` +
        (isFair
          ? `${count(weather.upgrades)} upgrades`
          : `${count(weather.lost)} lost and ${count(weather.slow)} slow answers, ${count(weather.cuts)} cuts, ` +
            `${count(weather.kills)} SIGKILLs`) +
        `, ${count(weather.reloads)} reloads`,
      zeros: {
        "messages lost": said.filter((text) => !kept.has(text)).length,
        "messages doubled": bodies.length - kept.size,
        "tabs that show anything else": shown.filter((list) => !isAsStored(list)).length,
        "sign-ins asked for": asked,
        "sessions ended": ended!.n,
        ...(isFair && { "failed requests": failures }),
        "complaints of the browser": alice.complaints.length + bob.complaints.length,
      },
    },
  ];
}
