import lighthouse from "lighthouse";
import { folderOnDisk } from "../support/app.ts";
import { chromiumPath } from "../support/chromium.ts";
import { BINARY, freePort, run } from "../support/process.ts";

// What Lighthouse says of the pages that people see first, from the executable, in the Chromium of the tests.

if (!chromiumPath) throw new Error("no Chromium was found (Debian: apt-get install chromium)");

await using server = await run([BINARY, "--port", "0", "--data", folderOnDisk()]);
const json = { "content-type": "application/json" };
const credentials = JSON.stringify({ username: "alice", password: "tulips on the windowsill 4" });
const registered = await fetch(`${server.url}/api/auth/register`, {
  method: "POST",
  headers: json,
  body: credentials,
});
const { access_token: token } = (await registered.json()) as { access_token: string };
for (const title of ["Ferry times", "周末爬山"])
  await fetch(`${server.url}/api/conversations`, {
    method: "POST",
    headers: { ...json, authorization: `Bearer ${token}` },
    body: JSON.stringify({ title }),
  });

const port = freePort();
const profile = folderOnDisk();
const chromium = Bun.spawn(
  [
    chromiumPath,
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    `--remote-debugging-port=${port}`,
    `--user-data-dir=${profile}`,
    "about:blank",
  ],
  { stdout: "ignore", stderr: "ignore" },
);
try {
  while (!(await fetch(`http://127.0.0.1:${port}/json/version`).catch(() => null))?.ok) await Bun.sleep(50);
  let worst = 100;
  for (const [path, cookie] of [
    ["/", undefined],
    ["/login", undefined],
    ["/lab/guest", undefined],
    ["/lab/run/10r0u200l3800r3000u200s5000r2000u200b13000", undefined],
    ["/conversations", `duet_access=${token}; duet_gen=x.1`],
  ] as const) {
    const result = await lighthouse(server.url + path, {
      port,
      output: "json",
      logLevel: "error",
      onlyCategories: ["performance", "accessibility", "best-practices", ...(cookie ? [] : ["seo"])],
      ...(cookie && { extraHeaders: { Cookie: cookie }, disableStorageReset: true }),
    });
    const scores = Object.values(result!.lhr.categories).map(({ id, score }) => [
      id,
      Math.round((score ?? 0) * 100),
    ]);
    for (const [, score] of scores) worst = Math.min(worst, Number(score));
    console.log(`${path.slice(0, 15).padEnd(16)}${scores.map(([id, score]) => `${id} ${score}`).join("  ")}`);
  }
  process.exitCode = worst < 100 ? 1 : 0;
} finally {
  chromium.kill();
  await chromium.exited;
}
