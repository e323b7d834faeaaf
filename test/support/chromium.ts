import { chromium, type Browser } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** undefined where there is none. */
export const chromiumPath =
  process.env["CHROME_PATH"] ?? NAMES.map((name) => Bun.which(name)).find(Boolean) ?? undefined;

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath!,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    // Playwright turns the back/forward cache off; people have it on.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
