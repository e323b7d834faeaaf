import { afterAll, describe } from "bun:test";
import type { Browser, BrowserContext, BrowserContextOptions, Page, Route } from "playwright-core";
import { startApp, type TestApp } from "./app.ts";
import { Visitor } from "./browserless.ts";
import { chromiumPath, launch } from "./chromium.ts";
import { decode, PASSWORDS, register as registerByProgram } from "./people.ts";

const isRequired = process.env["BROWSER_TESTS"] === "required";

if (!chromiumPath && isRequired) throw new Error("no Chromium was found, and BROWSER_TESTS=required");
const HOW =
  "NOT RUN: no Chromium was found. Debian: apt-get install chromium-headless-shell; elsewhere set CHROME_PATH";

/** Tests that need a real browser. Where there is none each of them says loudly that it was not run. */
export const describeInBrowser: (name: string, tests: () => void) => void = chromiumPath
  ? describe
  : (name, tests) => describe.skip(`${HOW}: ${name}`, tests);

let launched: Promise<Browser> | undefined;

const browser = () => (launched ??= launch());

export async function closeBrowser(): Promise<void> {
  await (await launched)?.close();
  launched = undefined;
}

// Outside `bun test` whoever opened it closes it.
if (process.env["NODE_ENV"] === "test") afterAll(closeBrowser);

export type Site = TestApp & { url: string; requests(path: string, method?: string): number };

/** The application on a free port. */
export async function serve(settings: Record<string, string> = {}): Promise<Site> {
  const t = await startApp({ DUET_PORT: "0", DUET_PUBLIC_URL: "", ...settings });
  const url = t.app.listen();
  const requests = (path: string, method = "POST") =>
    t.logged.filter(
      ({ event, facts }) => event === "request" && facts["path"] === path && facts["method"] === method,
    ).length;
  return Object.assign(t, { url, requests });
}

/** Tokens short enough to be outlived in a test. */
export const SHORT = { DUET_ACCESS_TTL: "2s", DUET_REFRESH_OVERLAP: "1s" };

export type PersonInBrowser = {
  name: string;
  context: BrowserContext;
  page: Page;
  /** What the console complained of, and every breach of the content security policy. */
  complaints: string[];
  [Symbol.asyncDispose](): Promise<void>;
};

/** Somebody with a browser of their own, and a program by which things happen elsewhere. */
export type SignedIn = PersonInBrowser & {
  userId: string;
  /** Calls `/api` and answers the body; what is refused throws. */
  program(method: string, path: string, body?: unknown): Promise<any>;
  /** A new conversation, opened. Answers its path. */
  converse(title: string): Promise<string>;
};

/** A browser in which nobody is signed in. */
export async function open(
  site: Pick<Site, "url">,
  name: string,
  options: BrowserContextOptions = {},
): Promise<PersonInBrowser> {
  const context = await (await browser()).newContext({ baseURL: site.url, ...options });
  context.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  const watch = (page: Page) => {
    page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
    page.on("console", (message) => {
      // Chromium logs every 4xx it loads and every cut connection; those are expected where a test makes them.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
        complaints.push(message.text());
    });
  };
  context.on("page", watch);
  const page = await context.newPage();
  return { name, context, page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** Somebody who is signed in: a program has made the account, and the browser a session of its own by its cookies. */
export async function signedIn(
  site: Site,
  name: string,
  options: BrowserContextOptions = {},
): Promise<SignedIn> {
  const [person, account] = [await open(site, name, options), await registerByProgram(site, name)];
  const { context, page } = person;
  const visitor = new Visitor(site);
  await visitor.submit("/login", { identifier: name, password: account.password });
  const heldAs = (cookie: string) => visitor.jar.get(cookie)!.value;
  await holdCookies(site, context, {
    accessToken: heldAs("duet_access"),
    refreshToken: heldAs("duet_refresh"),
  });
  const program = async (method: string, path: string, body?: unknown) => {
    const answer = await account.call(method, `/api${path}`, body);
    if (answer.status >= 400) throw new Error(answer.text);
    return answer.body;
  };
  const converse = async (title: string) => {
    const { id } = await program("POST", "/conversations", { title });
    await page.goto(`/conversations/${id}`);
    return `/conversations/${id}`;
  };
  return { ...person, userId: account.id, program, converse };
}

/** Puts a session's tokens where the server would have put them. */
export async function holdCookies(
  site: Site,
  context: BrowserContext,
  { accessToken, refreshToken }: { accessToken: string; refreshToken: string },
  { withGeneration = true } = {},
): Promise<void> {
  const { sid, gen, exp } = decode(accessToken).claims;
  const cookie = (name: string, value: string, path: string, expires?: number) => ({
    name,
    value,
    path,
    domain: new URL(site.url).hostname,
    httpOnly: name !== "duet_gen",
    sameSite: "Lax" as const,
    ...(expires && { expires }),
  });
  await context.addCookies([
    cookie("duet_access", accessToken, "/", exp),
    ...(withGeneration ? [cookie("duet_gen", `${sid.slice(-12)}.${gen}`, "/", exp)] : []),
    cookie("duet_refresh", refreshToken, "/auth"),
  ]);
}

/** Through the form, as a new person does. */
export async function register({ page, name }: Pick<PersonInBrowser, "page" | "name">): Promise<void> {
  await page.goto("/register");
  await page.fill("#username", name);
  await page.fill("#password", PASSWORDS[name]!);
  await page.click("main button[type=submit]");
  await page.waitForURL("**/conversations");
}

/** The first answer to what is asked before something cannot be undone, which changes nothing, or the other. */
export async function answer(page: Page, yes: boolean): Promise<void> {
  await page.waitForSelector("#confirm[open]");
  await page.click(yes ? "#confirm [value=yes]" : "#confirm [value='']");
}

/** By the menu in the bar. */
export async function signOut(page: Page): Promise<void> {
  await page.click("#me summary");
  await page.click("[data-sign-out] button");
}

/** The one button opens the field, which is there by itself for whoever is in no conversation yet. */
export async function fillTitle(page: Page, title: string): Promise<void> {
  const closed = page.locator(".new-menu:not([open]) summary");
  if ((await closed.count()) > 0) await closed.click();
  await page.fill("#title", title);
}

export async function startConversation({ page }: PersonInBrowser, title: string): Promise<string> {
  await page.goto("/conversations");
  await fillTitle(page, title);
  await page.click("#new-conversation button");
  await page.waitForURL(/\/conversations\/[0-9a-f-]{36}$/);
  return new URL(page.url()).pathname;
}

/** A message of one's own that has arrived. */
export const SENT = ".message.own:not(.pending)";

export async function say(page: Page, text: string): Promise<void> {
  await page.fill("#body", text);
  await page.press("#body", "Enter");
}

/** Until there is a message of exactly these words. */
export const shows = (page: Page, body: string) => page.waitForSelector(`.message .body:text-is("${body}")`);

/** What becomes of posts to a page; the rest goes through. */
export const posts = (handle: (route: Route) => Promise<void>) => (route: Route) =>
  route.request().method() === "POST" ? handle(route) : route.continue();

/** What the browser does when the access token's time is over. */
export async function outliveAccess(context: BrowserContext): Promise<void> {
  // In this order: what a page asks in between gets no new ones, of which then one would be missing.
  for (const name of ["duet_gen", "duet_access"]) await context.clearCookies({ name });
}

export const messages = (page: Page) => page.locator(".message .body").allTextContents();

/** Lets the server act on a request whose answer the test then delays or loses. */
export async function passOn(route: Route) {
  // Some requests are stopped here before they say where they are from.
  const headers = { ...(await route.request().allHeaders()), "sec-fetch-site": "same-origin" };
  return route.fetch({ headers, maxRedirects: 0 });
}
