// Has verifiers that nobody here wrote judge real tokens of the executable, and prints what they did: `bun run verifiers`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/app.ts";
import { freePort } from "../support/process.ts";
import { startSecureFront } from "../support/secure.ts";
import { startService, type Service } from "../support/service.ts";
import { issue, type Issued } from "../support/tokens.ts";
import { isTaken, judge, takes, watchRotation, type Judgement } from "./judgement.ts";
import { VERIFIERS, type Verifier } from "./list.ts";
import { tableOf, type Row } from "./table.ts";

const ALGORITHMS = ["ES256", "EdDSA", "RS256"];

type Running = { row: Row; service: Service };
type Prepared = Row & { verifier: Verifier; command: string[] | null };

/** In a folder of their own, at exactly these versions; its path, or null where they could not be had. */
async function installPackages(): Promise<string | null> {
  const names = VERIFIERS.flatMap(({ version }) => ("npm" in version ? version.npm : []));
  const dependencies = Object.fromEntries(names.map((name) => name.split(/(?<=.)@/)));
  const folder = temporaryFolder();
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  const command = [process.execPath, "install", "--ignore-scripts", "--silent"];
  const install = Bun.spawn(command, { cwd: folder, stdout: "ignore", stderr: "inherit" });
  return (await install.exited) === 0 ? folder : null;
}

/** As Debian's package manager knows it; null where it is not installed. */
function versionOf({ version }: Verifier): string | null {
  if ("npm" in version) return version.npm[0]!.split("@").at(-1)!;
  if (!Bun.which("dpkg-query")) return null;
  const { exitCode, stdout } = Bun.spawnSync(["dpkg-query", "-W", "-f", "${Version}", version.debian]);
  return exitCode === 0 && stdout.length > 0 ? `${stdout} (Debian)` : null;
}

async function start({ command, verifier }: Prepared, t: Issued, algorithm: string, secure: string) {
  const keys = "/.well-known/jwks.json";
  const expected = { ISSUER: t.url, AUDIENCE: t.url, JWKS: t.url + keys, ALG: algorithm };
  const env = { ...expected, SECURE_JWKS: secure + keys, ...verifier.env?.() };
  return startService(command!, { cwd: temporaryFolder(), env });
}

/** All, or those that are named. */
const wanted = process.argv.slice(2);
const isFor = (row: Row, algorithm: string) => takes(row.judgements.get(algorithm)!);

const npm = await installPackages();
const rows: Prepared[] = [];
for (const verifier of VERIFIERS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const version = versionOf(verifier);
  const isThere = version !== null && (npm !== null || "debian" in verifier.version);
  const command = isThere ? await verifier.prepare(npm ?? "") : null;
  const { name, told } = verifier;
  rows.push({ verifier, command, name, told, version, judgements: new Map<string, Judgement>() });
}

const running = rows.filter(({ command }) => command !== null);

/** Has all of them run, one after the other, while `work` is done with each, and then `after` with all. */
async function withServices(
  t: Issued,
  algorithm: string,
  work: (row: Row, service: Service) => Promise<void>,
  after?: (services: Running[]) => Promise<void>,
) {
  await using front = running.some(({ verifier }) => verifier.isSecure)
    ? await startSecureFront(freePort())
    : null;
  if (front) front.target = t.url;
  const services: Running[] = [];
  try {
    for (const row of running) {
      const service = await start(row, t, algorithm, front?.url ?? "");
      services.push({ row, service });
      await work(row, service);
    }
    await after?.(services);
  } finally {
    for (const { service } of services) await service[Symbol.asyncDispose]();
  }
}

for (const algorithm of ALGORITHMS) {
  await using t = await issue(algorithm);
  await t.expired();
  const ask = async (row: Row, service: Service) => {
    row.judgements.set(algorithm, await judge(service, t));
    console.error(`${algorithm}: ${row.name}: ${JSON.stringify(row.judgements.get(algorithm))}`);
  };
  // What it does with new keys has nothing to do with the algorithm.
  const rotate = (services: Running[]) =>
    watchRotation(
      services.filter(({ row }) => isFor(row, algorithm)),
      t,
    );
  await withServices(t, algorithm, ask, algorithm === ALGORITHMS[0] ? rotate : undefined);
}

{
  const [old, other] = ALGORITHMS as [string, string];
  await using t = await issue(old);
  await t.moveTo(other);
  const { keys } = (await (await fetch(`${t.url}/.well-known/jwks.json`)).json()) as {
    keys: { alg: string }[];
  };
  if (new Set(keys.map(({ alg }) => alg)).size < 2) throw new Error("the keys are of one algorithm");
  await withServices(t, old, async (row, service) => {
    row.isFineAmongOthers = await isTaken(service, t.good);
  });
}
console.log(tableOf(rows, ALGORITHMS));
