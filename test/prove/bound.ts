import type { Page } from "playwright-core";
import { decode, PASSWORDS } from "../support/people.ts";
import { freePort } from "../support/process.ts";
import { fullChromiumPath, launchBinding, startSecureFront, watchBindings } from "../support/secure.ts";
import { count, notDone, Server, type Scenario } from "./kit.ts";

const WHAT = "a browser that is bound to its device loses answers; its cookies are copied";
const ACCESS = "__Host-duet_access";
const REFRESH = "__Secure-duet_refresh";
const BOUND_SECONDS = 300;

/**
 * A real Chromium behind TLS, with its own key. Its access cookie goes away again and again, answers of the refresh route are
 * lost, and it goes on. Another browser has its cookies and no key.
 */
export const boundBrowser: Scenario = async ({ scale, random }) => {
  if (!fullChromiumPath) return [notDone(WHAT, "no whole Chromium (Debian: apt-get install chromium)")];
  const turns = Math.max(6, Math.round(200 * scale));
  const port = freePort();
  await using front = await startSecureFront(port);
  await using server = await new Server({ DUET_PUBLIC_URL: front.url }).start();
  front.target = `http://localhost:${server.port}`;
  const zeros = {
    "sign-ins asked for": 0,
    "sessions ended or unbound": 0,
    "pages opened by a copied refresh cookie": 0,
    "pages opened by a copied access cookie after 5 minutes": 0,
  };
  const browser = await launchBinding(front);
  let waits = 0;
  let signatures = 0;
  try {
    const context = await browser.newContext({ baseURL: front.url });
    const page = await context.newPage();
    const { events, seen } = await watchBindings(context, page);
    const signUp = async (to: Page, name: string) => {
      await to.goto("/register");
      await to.fill("#username", name);
      await to.fill("#password", PASSWORDS[name]!);
      await to.click("main button[type=submit]");
      await to.waitForURL("**/conversations");
    };
    await signUp(page, "alice");
    await seen(({ creationEventDetails }) => creationEventDetails?.fetchResult === "Success");
    // It signs with its next request, and that binds.
    await page.goto("/account");
    await seen(({ refreshEventDetails }) => refreshEventDetails?.refreshResult === "Refreshed");
    // One whose registration is lost is not bound, and goes on as others do.
    const unlucky = await browser.newContext({ baseURL: front.url });
    const lost = await unlucky.newPage();
    const watched = await watchBindings(unlucky, lost);
    front.lose("/auth/dbsc/register", 1000);
    await signUp(lost, "bob");
    await watched.seen(({ creationEventDetails }) => creationEventDetails !== undefined);
    front.lose("/auth/dbsc/register", 0);
    await unlucky.clearCookies({ name: ACCESS });
    await lost.goto("/account");
    if (!lost.url().endsWith("/account")) zeros["sign-ins asked for"]++;
    await unlucky.close();

    const cookies = async () => context.cookies(`${front.url}/auth`);
    const copied = await cookies();
    const life = decode(copied.find(({ name }) => name === ACCESS)!.value).claims;
    if (life.exp - life.iat > BOUND_SECONDS)
      zeros["pages opened by a copied access cookie after 5 minutes"]++;
    const copiedAt = Date.now();

    for (let turn = 0; turn < turns; turn++) {
      await context.clearCookies({ name: ACCESS });
      if (random.chance(0.5)) front.lose("/auth/dbsc/refresh", 1 + random.below(3));
      for (let tries = 0; ; tries++) {
        const response = await page.goto("/account");
        if (response?.status() === 503 && tries < 10) {
          waits++;
          continue;
        }
        if (!page.url().endsWith("/account")) zeros["sign-ins asked for"]++;
        break;
      }
    }
    const rows = await server.read<{ n: number }>(
      "SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL AND key_thumbprint IS NOT NULL",
    );
    zeros["sessions ended or unbound"] += Math.abs(1 - Number(rows[0]!.n));
    zeros["sessions ended or unbound"] += events.filter((event) => event.terminationEventDetails).length;
    signatures = events.filter((event) => event.refreshEventDetails?.refreshResult === "Refreshed").length;

    // Another profile: first with the refresh cookie alone, then with both, at the end of their time.
    const other = await browser.newContext({ baseURL: front.url });
    await other.addCookies((await cookies()).filter(({ name }) => name !== ACCESS));
    const stolen = await other.newPage();
    await stolen.goto("/account");
    if (!stolen.url().includes("/login")) zeros["pages opened by a copied refresh cookie"]++;
    const script = () => fetch("/auth/refresh", { method: "POST" }).then(({ status }) => status);
    if ((await stolen.evaluate(script)) !== 401) zeros["pages opened by a copied refresh cookie"]++;
    if (scale >= 1) {
      await Bun.sleep(copiedAt + (BOUND_SECONDS + 1) * 1000 - Date.now());
      const headers = {
        cookie: copied.map(({ name, value }) => `${name}=${value}`).join("; "),
        accept: "text/html",
      };
      const opened = await fetch(`${front.target}/account`, { headers, redirect: "manual" });
      if (opened.status === 200) zeros["pages opened by a copied access cookie after 5 minutes"]++;
    }
    if ((await page.goto("/account"))?.status() !== 200) zeros["sign-ins asked for"]++;
    const told = await page.textContent("main");
    if (!told?.includes("without its key")) zeros["sessions ended or unbound"]++;
    if (!copied.some(({ name }) => name === REFRESH)) throw new Error("no refresh cookie");
  } finally {
    await browser.close();
  }
  return [
    {
      what: WHAT,
      done: `${count(turns)} access cookies gone, ${count(front.lost)} answers lost`,
      zeros,
      measured: `${count(signatures)} signatures; ${count(waits)} pages had to be asked for again`,
    },
  ];
};
