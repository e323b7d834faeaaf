import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BINARY, bareEnvironment, ROOT, run, type Running } from "../support/process.ts";
import { folderOnDisk } from "../support/app.ts";
import { load, type Load } from "./load.ts";

/** Something to measure: a server in a process of its own, and what to ask it. */
export type Side = {
  name: string;
  server: Running;
  url: string;
  headers?: Record<string, string>;
  body?: string;
};

export type Figures = Load & { name: string; perSecond: number; cpuMicros: number };

const TICKS_PER_SECOND = 100;

/** Processor time that a process has taken, in milliseconds. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Short rounds, the sides by turns, so that whatever else the machine does meets all of them; medians. */
export async function measure(
  sides: Side[],
  { rounds = 5, seconds = 1, connections = 32 } = {},
): Promise<Figures[]> {
  const taken = new Map<Side, (Load & { cpuMicros: number })[]>(sides.map((side) => [side, []]));
  for (let round = -1; round < rounds; round++)
    for (const side of sides) {
      const { pid } = side.server.process;
      const before = cpuMs(pid);
      const { headers, body } = side;
      const one = await load(side.url, {
        connections,
        seconds,
        ...(headers && { headers }),
        ...(body && { body }),
      });
      const cpuMicros = ((cpuMs(pid) - before) * 1000) / one.requests;
      // The first warms up.
      if (round >= 0) taken.get(side)!.push({ ...one, cpuMicros });
      if (one.failed > 0) throw new Error(`${side.name}: ${one.failed} of ${one.requests} were refused`);
    }
  return sides.map((side) => {
    const all = taken.get(side)!;
    const of = (value: (one: Load & { cpuMicros: number }) => number) => median(all.map(value));
    return {
      name: side.name,
      requests: of((one) => one.requests),
      seconds,
      p50: of((one) => one.p50),
      p99: of((one) => one.p99),
      failed: 0,
      perSecond: of((one) => one.requests / one.seconds),
      cpuMicros: of((one) => one.cpuMicros),
    };
  });
}

export const startDuet = (...flags: string[]) =>
  run([BINARY, "--port", "0", "--data", folderOnDisk(), "--rate-limits", "off", "--log", "warn", ...flags]);

/** A script of this folder, compiled, as Duet is. */
export async function startBeside(name: string, environment: Record<string, string>): Promise<Running> {
  const outfile = join(ROOT, "dist", `bench-${name}`);
  const source = join(import.meta.dir, `${name}.ts`);
  const built = Bun.spawnSync(["bun", "build", "--compile", "--minify", source, "--outfile", outfile]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
  return run([outfile], { env: bareEnvironment(environment) });
}

export async function post(url: string, path: string, body: unknown, authorization?: string): Promise<any> {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...(authorization && { authorization }) },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

export const machine = () => {
  const { model } = /model name\s+: (?<model>.+)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.groups ?? {};
  return `${navigator.hardwareConcurrency} × ${model}, bun ${Bun.version}`;
};

export function print(title: string, figures: Figures[], reference: Figures) {
  console.log(`\n${title}`);
  for (const { name, perSecond, cpuMicros, p50, p99 } of figures)
    console.log(
      [
        `  ${name.padEnd(38)}`,
        `${perSecond.toFixed(0).padStart(7)}/s`,
        `${(perSecond / reference.perSecond).toFixed(2).padStart(6)} ×`,
        `${cpuMicros.toFixed(1).padStart(8)} µs`,
        `p50 ${p50.toFixed(2)} ms`,
        `p99 ${p99.toFixed(2)} ms`,
      ].join("  "),
    );
}
