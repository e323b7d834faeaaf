import { parseArgs } from "node:util";
import { agents, agentsWithKey, lateRequests } from "./agents.ts";
import { boundBrowser } from "./bound.ts";
import { revocation } from "./ending.ts";
import { clientClock, serverClock } from "./clocks.ts";
import { kills } from "./crash.ts";
import { createRandom, traces, type Finding, type Scenario } from "./kit.ts";
import { lostAnswers, thief, together } from "./rotation.ts";
import { storm, upgrades } from "./storm.ts";

export const SCENARIOS: Record<string, Scenario> = {
  together,
  lostAnswers,
  kills,
  thief,
  agents,
  lateRequests,
  agentsWithKey,
  revocation,
  boundBrowser,
  clientClock,
  serverClock,
  storm,
  upgrades,
};

/** Those that are about the rule and several processes; the others are about one process or a browser. */
const ON_POSTGRES = ["together", "lostAnswers", "kills", "thief", "agents", "lateRequests", "revocation"];

/** Everything that had to be zero and was not. */
export const faultsOf = (findings: Finding[]): string[] =>
  findings.flatMap(({ what, zeros }) =>
    Object.entries(zeros).flatMap(([name, n]) => (n === 0 ? [] : [`${what}: ${name}: ${n}`])),
  );

export function table(findings: Finding[]): string {
  const rows = findings.map(({ what, done, zeros, measured = "" }) => {
    const counted = Object.entries(zeros).map(([name, n]) => `${name}: **${n}**`);
    return `| ${what} | ${done} | ${counted.join(", ")} | ${measured} |`;
  });
  return [
    "| what happens | how often | must be zero | measured |",
    "| --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      scale: { type: "string", default: "1" },
      only: { type: "string" },
      database: { type: "string", default: "sqlite" },
      trace: { type: "string" },
    },
  });
  console.log(`seed ${values.seed}: to play it again, bun run prove --seed ${values.seed}\n`);
  const findings: Finding[] = [];
  process.env["PROVE_DATABASE"] = values.database;
  const names = values.database === "postgres" ? ON_POSTGRES : Object.keys(SCENARIOS);
  for (const name of values.only?.split(",") ?? names) {
    const from = performance.now();
    const scenario = SCENARIOS[name];
    if (!scenario) throw new Error(`there is no ${name}: ${Object.keys(SCENARIOS).join(", ")}`);
    findings.push(
      ...(await scenario({ scale: Number(values.scale), random: createRandom(Number(values.seed)) })),
    );
    console.error(`${name}: ${((performance.now() - from) / 1000).toFixed(0)} s`);
  }
  console.log(table(findings));
  const seen = traces.flatMap((trace) => trace.seen);
  if (values.trace) await Bun.write(values.trace, seen.map((each) => `${JSON.stringify(each)}\n`).join(""));
  const faults = faultsOf(findings);
  if (faults.length > 0) console.error(`\n${faults.join("\n")}`);
  process.exit(faults.length > 0 ? 1 : 0);
}
