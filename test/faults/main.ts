import { parseArgs } from "node:util";
import { clients } from "./clients.ts";
import { clock } from "./clock.ts";
import { disk } from "./disk.ts";
import { kills } from "./kills.ts";
import { loads } from "./loads.ts";
import { locks } from "./locks.ts";
import { NEEDS, type Recipe } from "./recipe.ts";
import { restores } from "./restores.ts";
import { soaks } from "./soak.ts";

const RECIPES: Recipe[] = [
  ...disk,
  ...kills,
  ...clients,
  ...loads,
  ...clock,
  ...locks,
  ...soaks,
  ...restores,
].toSorted((a, b) => Number(a.id.slice(2)) - Number(b.id.slice(2)));

/** One line of what was done and came out. */
async function lineOf(
  { id, what, needs = [], run }: Recipe,
  minutes: number,
): Promise<{ line: string; ok: boolean }> {
  const head = `${id.padEnd(5)} ${what}`;
  const missing = needs.filter((need) => !NEEDS[need]());
  if (missing.length > 0) return { line: `${head}: NOT RUN: needs ${missing.join(", ")}`, ok: true };
  try {
    const { measured, faults } = await run(minutes);
    if (faults.length === 0) return { line: `${head}: ${measured}  ok`, ok: true };
    return { line: [`${head}: ${measured}  FAILED`, ...faults.slice(0, 20)].join("\n        "), ok: false };
  } catch (error) {
    return { line: `${head}: FAILED\n        ${error}`, ok: false };
  }
}

const { values } = parseArgs({
  options: { only: { type: "string" }, minutes: { type: "string", default: "3" } },
});
const wanted = values.only?.toUpperCase().split(",");
const chosen = RECIPES.filter(({ id }) => wanted?.includes(id) ?? true);
if (chosen.length === 0) throw new Error(`there is no ${values.only}`);
let isOk = true;
for (const recipe of chosen) {
  const { line, ok } = await lineOf(recipe, Number(values.minutes));
  console.log(line);
  isOk &&= ok;
}
process.exit(isOk ? 0 : 1);
