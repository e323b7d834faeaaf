import { folderOnDisk } from "../support/app.ts";
import { chromiumPath, launch } from "../support/chromium.ts";
import { BINARY, run } from "../support/process.ts";

// How long it takes from Enter on one person's page until the words are on the other's, over the event stream.

if (!chromiumPath) throw new Error("no Chromium was found (Debian: apt-get install chromium)");
const MESSAGES = 30;

await using server = await run([BINARY, "--port", "0", "--data", folderOnDisk(), "--rate-limits", "off"]);
const browser = await launch();
try {
  const enter = async (name: string) => {
    const page = await (await browser.newContext({ baseURL: server.url })).newPage();
    await page.goto("/register");
    await page.fill("#username", name);
    await page.fill("#password", `the umbrella stand of ${name} 9`);
    await page.click("main button[type=submit]");
    await page.waitForURL("**/conversations");
    return page;
  };
  const bob = await enter("bob");
  const alice = await enter("alice");
  await alice.fill("#title", "Ping");
  await alice.click("#new-conversation button");
  await alice.waitForURL(/\/conversations\/[0-9a-f-]{36}$/);
  await alice.click("#members summary");
  await alice.fill("#username", "bob");
  await alice.click("#members button[type=submit]");
  await bob.click(".list-title");
  await bob.waitForSelector("#composer");

  const ms: number[] = [];
  for (let i = 1; i <= MESSAGES; i++) {
    const seen = bob.evaluate(
      (n) =>
        new Promise<number>((resolve) => {
          const look = () => document.querySelectorAll(".message").length >= n && resolve(Date.now());
          new MutationObserver(look).observe(document.querySelector("#messages")!, { childList: true });
        }),
      i,
    );
    await alice.fill("#body", `message ${i}`);
    await alice.evaluate(() =>
      document.addEventListener("keydown", () => (window.name = String(Date.now())), {
        once: true,
        capture: true,
      }),
    );
    await alice.press("#body", "Enter");
    const at = await seen;
    ms.push(at - Number(await alice.evaluate(() => window.name)));
  }
  ms.sort((a, b) => a - b);
  console.log(
    `Enter to the other person's page, ${MESSAGES} messages: median ${ms[MESSAGES / 2]} ms, worst ${ms.at(-1)} ms`,
  );
} finally {
  await browser.close();
}
