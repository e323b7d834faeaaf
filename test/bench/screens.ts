import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UNLIMITED } from "../support/app.ts";
import { closeBrowser, open, serve } from "../support/browser.ts";
import { tour } from "../support/tour.ts";

// Every page in every state, in both languages, both schemes and three widths, as pictures to be looked at.

const folder = process.argv[2] ?? join(tmpdir(), "duet-screens");
mkdirSync(folder, { recursive: true });
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
    }
await closeBrowser();
console.log(`${taken} pictures in ${folder}`);
