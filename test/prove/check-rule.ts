import { parseArgs } from "node:util";
import { CHANGES, find } from "./changes.ts";
import { shareGivenAway, shortestUnseen } from "./costs.ts";
import { explore, PROPERTIES, type Property } from "./model.ts";
import { replay, type Seen } from "./replay.ts";
import { SETUPS, SMALL } from "./setups.ts";

// bun run check-rule: every order of events, by the real rule. --replay FILE: whether what clients saw (bun run prove
// --trace FILE) is a way that the rule allows.

const { values } = parseArgs({ options: { replay: { type: "string" } } });
const count = (n: number) => n.toLocaleString("en-US");
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
let faults = 0;

if (values.replay) {
  const lines = (await Bun.file(values.replay).text()).trim().split("\n");
  const trace = lines.map((line) => JSON.parse(line) as Seen);
  const sessions = new Set(trace.map(({ session }) => session)).size;
  const unexplained = replay(trace);
  console.log(
    `${count(trace.length)} answers in ${count(sessions)} sessions, not allowed by the rule: ${unexplained.length}`,
  );
  for (const each of unexplained) console.log(`  ${each}`);
  process.exit(unexplained.length > 0 ? 1 : 0);
}

let states = 0;
const found = new Map<Property, string>();
for (const setup of SETUPS) {
  const from = performance.now();
  const result = explore(setup);
  states += result.states;
  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  console.log(`${setup.name}: ${count(result.states)} states, ${count(result.steps)} steps, ${seconds} s`);
  for (const [property, way] of Object.entries(result.broken))
    found.set(
      property as Property,
      `  in "${setup.name}":\n${way.map((event) => `    ${event}`).join("\n")}`,
    );
}
console.log(`\n${count(states)} states in all`);
for (const [property, text] of Object.entries(PROPERTIES) as [Property, string][]) {
  const way = found.get(property);
  console.log(`${way ? "BROKEN" : "held  "}  (${property}) ${text}${way ? `\n${way}` : ""}`);
  if (way) faults++;
}

console.log("\nplanted changes of the rule");
for (const change of CHANGES) {
  const way = await find(change, SMALL);
  console.log(`${way ? `found, ${way.length} events ` : "NOT FOUND"}  (${change.breaks}) ${change.what}`);
  if (!way) faults++;
}

console.log("\nthe shortest way on which a thief is not seen who refreshed first, and uses what he got");
for (const [name, overlap, usesAtOnce] of [
  ["only after its owner has come, whatever W", 0, false],
  ["at once, W is 0", 0, true],
  ["at once, with an overlap", 2, true],
] as const) {
  const way = shortestUnseen(overlap, usesAtOnce);
  console.log(
    `${name}:\n${(way.length > 0 ? way : ["there is none"]).map((event) => `    ${event}`).join("\n")}`,
  );
}
console.log(
  "\na thief shows the newest token some time before its owner does, and uses what he gets: given away by the",
);
console.log("owner's next refresh, with an access token that lives for 30 minutes");
for (const seconds of [0, 10, 60, 120, 300, 600, 1799])
  console.log(
    `    W ${String(seconds).padStart(4)} s  ${percent(shareGivenAway(seconds, 1800)).padStart(7)} of all moments`,
  );

process.exit(faults > 0 ? 1 : 0);
