import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folderOnDisk } from "../support/app.ts";
import { makeCertificate } from "../support/certificate.ts";
import { BINARY, freePort, ROOT, run } from "../support/process.ts";
import { overHttp1, overHttp2, type Client } from "./client.ts";

type Place = { port: number; duetPort: number; servicePort: number; folder: string; pem: string };

/** A proxy, and how the block of src/api/README.md becomes one that runs here. */
export type Kind = {
  program: string;
  /** Of the fence in the reference. */
  language: string;
  command(file: string): string[];
  /** What stands in the block, and what stands there here. */
  replaced(place: Place): [from: string, to: string][];
  /** What a whole file has around the block. */
  around?(place: Place): [before: string, after: string];
  /** How requests may fail that come while Duet starts; none does where they wait for it. */
  whileAway: { GET: number[]; POST: number[] };
  /** It looks once a second for who is back. */
  isBackLater?: true;
  /** Statuses beside 413 for a body that is too large and did not say so. */
  ofStreamedBodies?: number[];
};

const reference = readFileSync(join(ROOT, "src/api/README.md"), "utf8");

function configOf({ language, replaced, around }: Kind, place: Place): string {
  let config = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(reference)![1]!;
  for (const [from, to] of replaced(place)) {
    if (!config.includes(from)) throw new Error(`the block of ${language} says no ${from}`);
    config = config.replaceAll(from, to);
  }
  const ports = { "3000": place.duetPort, "4000": place.servicePort };
  const everywhere = config
    .replaceAll("/etc/ssl/duet.pem", place.pem)
    .replace(/(127\.0\.0\.1:)(3000|4000)\b/g, (_, host, port: keyof typeof ports) => host + ports[port]);
  const [before, after] = around?.(place) ?? ["", ""];
  return before + everywhere + after;
}

type Heard = { headers: Record<string, string>; method: string; path: string; body: string };

/** What stands beside Duet on the same host. */
function startService() {
  const heard: Heard[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname: path, search } = new URL(request.url);
      const headers = Object.fromEntries(request.headers);
      heard.push({ headers, method: request.method, path: path + search, body: await request.text() });
      return new Response(`hello ${headers["duet-username"]}`);
    },
  });
  return { heard, port: server.port!, stop: () => server.stop(true) };
}

/** Where it is not, its tests are not run, unless all must be. */
export const isThere = ({ program }: Kind): boolean =>
  Bun.which(program) !== null || process.env["BROWSER_TESTS"] === "required";

export type Proxied = Awaited<ReturnType<typeof startProxied>>;

/** Duet, a service, and a proxy with TLS before both. */
export async function startProxied(kind: Kind) {
  const [port, duetPort, folder, data] = [freePort(), freePort(), folderOnDisk(), folderOnDisk()];
  chmodSync(folder, 0o755);
  const url = `https://localhost:${port}`;
  const { key, cert: ca } = makeCertificate();
  const pem = join(folder, "duet.pem");
  // In one file, which all of them read.
  writeFileSync(pem, ca + key);
  const service = startService();
  const settings = ["--public-url", url, "--trusted-proxies", "127.0.0.1", "--rate-limits", "off"];
  const startDuet = () => run([BINARY, "--port", String(duetPort), "--data", data, ...settings]);
  let duet = await startDuet();
  const file = join(folder, "config");
  const place = { port, duetPort, servicePort: service.port, folder, pem };
  writeFileSync(file, configOf(kind, place));
  const proxy = Bun.spawn(kind.command(file), {
    env: { PATH: process.env["PATH"]!, HOME: folder },
    stdout: "ignore",
    stderr: "pipe",
  });
  while (!(await fetch(`${url}/healthz`, { tls: { ca } }).catch(() => null))?.ok) {
    if (proxy.exitCode !== null) {
      await duet[Symbol.asyncDispose]();
      throw new Error(await new Response(proxy.stderr).text());
    }
    await Bun.sleep(20);
  }
  const clients: Client[] = [];
  const client = (made: Client) => {
    clients.push(made);
    return made;
  };
  return {
    url,
    ca,
    duetPort,
    heard: service.heard,
    /** What Duet has said since its last start. */
    errors: () => duet.errors(),
    overHttp1: () => client(overHttp1(url, ca)),
    overHttp2: () => client(overHttp2(url, ca)),
    /** What comes is taken by the system, and answered by nobody. */
    pauseDuet: () => duet.process.kill("SIGSTOP"),
    async killDuet() {
      duet.process.kill("SIGKILL");
      await duet.process.exited;
    },
    async startDuet() {
      duet = await startDuet();
    },
    /** As an operator does for a new version. */
    async restartDuet() {
      duet.process.kill("SIGTERM");
      await duet.process.exited;
      duet = await startDuet();
    },
    async [Symbol.asyncDispose]() {
      for (const each of clients) each.close();
      // First what is behind: some proxies wait for the answers that are under way.
      await duet[Symbol.asyncDispose]();
      proxy.kill();
      await proxy.exited;
      await service.stop();
    },
  };
}
