import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { populate } from "../../src/cli/demo.ts";
import { UNLIMITED } from "../support/app.ts";
import { closeBrowser, open, serve } from "../support/browser.ts";
import { ROOT } from "../support/process.ts";
import { MAIL_TO_NOWHERE } from "../support/mail.ts";
import { factorsTour, operatorsTour, tour } from "../support/tour.ts";

// `bun run screens`: every page in every state, in both languages, both schemes and three widths, as pictures to be looked at.
// `bun run screens icon`: public/icon.png, of the favicon.
// `bun run screens readme`: those that the README shows, of the demo. Chinese needs a font (Debian: fonts-wqy-microhei).

const README = join(ROOT, "public/screens");

async function everyState(folder: string): Promise<number> {
  let taken = 0;
  for (const locale of ["en-US", "zh-CN"])
    for (const colorScheme of ["light", "dark"] as const)
      for (const width of [390, 820, 1280]) {
        await using site = await serve({ ...UNLIMITED, DUET_REFRESH_OVERLAP: "0" });
        await using alice = await open(site, "alice", {
          locale,
          colorScheme,
          viewport: { width, height: 844 },
        });
        let step = 0;
        await tour(site, alice, async (state) => {
          const name = [++step, state.replaceAll(/\W+/g, "-"), locale.slice(0, 2), colorScheme, width].join(
            "_",
          );
          await alice.page.screenshot({ path: join(folder, `${name}.png`) });
          taken++;
        });
        await using closed = await serve({ ...UNLIMITED, DUET_REGISTRATION: "closed" });
        await using carol = await open(closed, "carol", {
          locale,
          colorScheme,
          viewport: { width, height: 844 },
        });
        await operatorsTour(closed, carol, async (state) => {
          const words = state.replaceAll(/\W+/g, "-");
          const name = ["operators", words, locale.slice(0, 2), colorScheme, width].join("_");
          await carol.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
          taken++;
        });
        await using lettered = await serve({ ...UNLIMITED, ...MAIL_TO_NOWHERE });
        await using dave = await open(lettered, "dave", {
          locale,
          colorScheme,
          viewport: { width, height: 844 },
        });
        await factorsTour(lettered, dave, async (state) => {
          const words = state.replaceAll(/\W+/g, "-");
          const name = ["factors", words, locale.slice(0, 2), colorScheme, width].join("_");
          await dave.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
          taken++;
        });
      }
  return taken;
}

async function ofTheReadme(folder: string): Promise<number> {
  await using site = await serve(UNLIMITED);
  const { people, stop } = await populate(site.app);
  const { password } = people.find(({ name }) => name === "alice")!;
  for (const [name, colorScheme, width, path] of [
    ["light", "light", 1280, "/conversations"],
    ["dark", "dark", 1280, "/conversations"],
    ["phone", "light", 390, "/conversations"],
    ["lab", "light", 1280, "/lab?step=6"],
  ] as const) {
    const viewport = { width, height: width === 390 ? 844 : 800 };
    await using alice = await open(site, "alice", { colorScheme, viewport });
    const { page } = alice;
    await page.goto(`/login?next=${encodeURIComponent(path)}`);
    await page.fill("#identifier", "alice");
    await page.fill("#password", password);
    await page.click("main button[type=submit]");
    await page.waitForURL(`**${path}`);
    if (path === "/conversations") {
      await page.click("text=Saturday on the island");
      await page.waitForSelector(".message");
    } else
      for (const [act, says] of [
        ["refresh", "generation 2"],
        ["lose", "the response was lost"],
        ["refresh", "The same successor again"],
        ["steal", "A thief copied"],
      ] as const) {
        await page.click(`[data-act=${act}] button:enabled`);
        await page.waitForSelector(`#lab-latest:has-text("${says}")`);
        // For something to be seen between them.
        await page.waitForTimeout(1500);
      }
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }
  stop();
  return 4;
}

/** The icon of a home screen: the favicon on a ground that a mask may cut to any shape. */
async function ofTheIcon(): Promise<number> {
  await using site = await serve(UNLIMITED);
  await using alice = await open(site, "alice", { viewport: { width: 512, height: 512 } });
  const favicon = await Bun.file(join(ROOT, "public/favicon.svg")).text();
  await alice.page.setContent(`<body style="margin:0;padding:60px;background:#f6f5f2">${favicon}</body>`);
  await alice.page.screenshot({ path: join(ROOT, "public/icon.png") });
  return 1;
}

const isForReadme = process.argv[2] === "readme";
const isIcon = process.argv[2] === "icon";
const folder = isForReadme || isIcon ? README : (process.argv[2] ?? join(tmpdir(), "duet-screens"));
mkdirSync(folder, { recursive: true });
const taken = await (isIcon ? ofTheIcon : isForReadme ? ofTheReadme : everyState)(folder);
await closeBrowser();
console.log(`${taken} pictures in ${folder}`);
