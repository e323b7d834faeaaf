import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromiumPath, launch } from "../support/chromium.ts";
import { folderOnDisk } from "../support/app.ts";
import {
  Api,
  count,
  generationOf,
  must,
  notDone,
  Server,
  type Finding,
  type Refusal,
  type Run,
  type Scenario,
} from "./kit.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Browsers whose clocks are a year off talk through many lives of their access tokens. */
export const clientClock: Scenario = async ({ scale }) => {
  const what = "the browser's clock is wrong by a year, either way";
  if (!chromiumPath) return [notDone(what, "no Chromium (Debian: apt-get install chromium)")];
  const messages = Math.max(3, Math.round(30 * scale));
  await using server = await new Server({ DUET_ACCESS_TTL: "2s", DUET_REFRESH_OVERLAP: "0" }).start();
  const zeros = { "sign-outs": 0, "messages lost or doubled": 0 };
  const browser = await launch();
  let refreshes = 0;
  try {
    const talk = async (name: string, years: number) => {
      const page = await (await browser.newContext({ baseURL: server.url })).newPage();
      await page.clock.install({ time: Date.now() + years * 365 * DAY * 1000 });
      await page.clock.resume();
      page.on("response", (response) => void (response.url().endsWith("/auth/refresh") && refreshes++));
      await page.goto("/register");
      await page.fill("#username", name);
      await page.fill("#password", `the umbrella stand of ${name} 9`);
      await page.click("main button[type=submit]");
      // Strict as it is, a page that is left while it renews would be a reuse.
      await page.waitForResponse((response) => response.url().endsWith("/auth/refresh"));
      await page.fill("#title", name);
      await page.click("#new-conversation button");
      await page.waitForURL(/\/conversations\/[0-9a-f-]{36}$/);
      for (let i = 1; i <= messages; i++) {
        // The page asks for a new pair as the access token expires.
        await page.waitForResponse((response) => response.url().endsWith("/auth/refresh"));
        await page.fill("#body", `message ${i}`);
        await page.press("#body", "Enter");
        await page
          .locator(".message:not(.pending)")
          .nth(i - 1)
          .waitFor({ timeout: 5000 })
          .catch(() => zeros["sign-outs"]++);
      }
      await page.reload();
      const shown = await page.locator(".message .body").allTextContents();
      const expected = Array.from({ length: messages }, (_, i) => `message ${i + 1}`);
      if (shown.join() !== expected.join()) zeros["messages lost or doubled"]++;
    };
    await Promise.all([talk("anna", 1), talk("bert", -1)]);
  } finally {
    await browser.close();
  }
  const done = `2 × ${count(messages)} messages, each with another pair of tokens`;
  return [{ what, done, zeros, measured: `${count(refreshes)} refreshes` }];
};

/** The executable's clock jumps about, by a library that Debian has. */
export const serverClock: Scenario = (run) =>
  onMovedClock(JUMPS, run, (api, setClock) => jumpAbout(api, setClock, run, { isSeen: true }));

type Moved = (api: Api, setClock: (seconds: number) => void, run: Run) => Promise<Finding[]>;

/** Does `work` against the executable, whose clock it may set. */
export async function onMovedClock(what: string, run: Run, work: Moved): Promise<Finding[]> {
  const library = findLibfaketime();
  if (!library) return [notDone(what, "no libfaketime (Debian: apt-get install libfaketime)")];
  const file = join(folderOnDisk(), "clock");
  const setClock = (seconds: number) => {
    // In one step: a file that is empty for a moment is another time.
    writeFileSync(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(`${file}.new`, file);
  };
  setClock(0);
  const clock = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  await using server = await new Server({}, clock).start();
  return await work(new Api(server.url), setClock, run);
}

const JUMPS = "the server's clock jumps back and forth";

/**
 * By up to two days either way, while clients refresh and lose answers. `setClock` takes seconds from the present. A clock
 * whose jumps the server has seen ends nothing for good; time that went by does.
 */
export async function jumpAbout(
  api: Api,
  setClock: (seconds: number) => void,
  { scale, random }: Run,
  { isSeen = false } = {},
): Promise<Finding[]> {
  const jumps = Math.max(5, Math.round(200 * scale));
  const zeros = { "sign-outs": 0, "ended sessions that came to life": 0, "errors of the server": 0 };
  const ended = await api.register("ended");
  must(await api.ask("POST", "/api/auth/logout", { token: ended.access_token }));
  const clients = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const pair = await api.register(`user${i}`);
      return { token: pair.refresh_token, choose: random.fork() };
    }),
  );
  const told = new Set<string>();
  const signedOut = (refusal: Refusal | string) => {
    zeros["sign-outs"]++;
    told.add(JSON.stringify(refusal));
  };
  let refreshes = 0;
  for (let jump = 0; jump < jumps; jump++) {
    setClock(random.below(4 * DAY) - 2 * DAY);
    await Promise.all(
      clients.map(async (client) => {
        for (let i = 0; i < 5; i++) {
          const answer = await api.refresh(client.token);
          refreshes++;
          if (!answer.ok && answer.status !== 401) zeros["errors of the server"]++;
          else if (!answer.ok) signedOut(answer);
          else if (client.choose.chance(0.5)) {
            if (generationOf(answer.body.refresh_token) < generationOf(client.token))
              signedOut("an old token");
            client.token = answer.body.refresh_token;
            const used = await api.me(answer.body.access_token);
            // A jump forward expires access tokens; the next refresh is what must not be refused.
            if (!used.ok && used.code !== "token_expired") signedOut(used);
          }
        }
      }),
    );
    if ((await api.refresh(ended.refresh_token)).ok) zeros["ended sessions that came to life"]++;
  }
  // Ten days on everybody has idled too long and is refused; whether for good shows when the clock comes back.
  setClock(10 * DAY);
  for (const { token } of clients)
    if ((await api.refresh(token)).ok) zeros["ended sessions that came to life"]++;
  setClock(0);
  for (const { token } of clients) {
    const answer = await api.refresh(token);
    if (answer.ok && !isSeen) zeros["ended sessions that came to life"]++;
    if (!answer.ok && isSeen) signedOut(answer);
  }
  return [
    {
      what: JUMPS,
      done: `${count(jumps)} jumps of up to 2 days, ${count(refreshes)} refreshes`,
      zeros,
      measured: [...told].join(),
    },
  ];
}

function findLibfaketime(): string | undefined {
  const root = "/usr/lib";
  const folders = existsSync(root) ? readdirSync(root).map((name) => join(root, name, "faketime")) : [];
  return folders.map((folder) => join(folder, "libfaketime.so.1")).find((path) => existsSync(path));
}
