import { chromium, type Browser } from "playwright-core";

/** The shell is the same engine without windows and menus, at half the price. */
const NAMES = [
  "chromium-headless-shell",
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
];

/** undefined where there is none. */
export const chromiumPath =
  process.env["CHROME_PATH"] ?? NAMES.map((name) => Bun.which(name)).find(Boolean) ?? undefined;

export const OPTIONS = {
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
  // Playwright turns the back/forward cache off; people have it on.
  ignoreDefaultArgs: ["--disable-back-forward-cache"],
};

/** The one that is shared by a whole run (suite.ts), else one of one's own. */
export function launch(): Promise<Browser> {
  const shared = process.env["CHROMIUM_SERVER"];
  return shared ? chromium.connect(shared) : chromium.launch({ ...OPTIONS, executablePath: chromiumPath! });
}
