import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { folderOnDisk } from "../support/app.ts";
import { Stream } from "../support/stream.ts";
import { wireTo } from "../support/wire.ts";
import { until, type Outcome, type Recipe } from "./recipe.ts";
import { Site } from "./site.ts";
import { messageInHalves, openLine } from "./sockets.ts";
import { Talker } from "./talker.ts";

const METRICS_TOKEN = "what a test shows at the metrics' door";

/** Resident memory. */
export const megabytesOf = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;

const streamsOpen = async (site: Site) => {
  const { text } = await site.ask("GET", "/metrics", undefined, METRICS_TOKEN);
  return Number(/^duet_streams (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
};

/** F-22: of each, so many: half an upload, a request whose asker is gone before the answer, a stream that is left. */
export async function aborts(times: number): Promise<Outcome> {
  await using site = await new Site({ DUET_METRICS_TOKEN: METRICS_TOKEN }).start();
  const alice = await Talker.register(site, "alice");
  const faults: string[] = [];
  const width = 20;
  /** Somebody sends this and goes, at once or as soon as something comes back. */
  const sendAndGo = async (text: string, isAfterAnswer = false) => {
    const line = await openLine(site);
    line.send(text);
    if (isAfterAnswer)
      await new Promise((resolve) => line.socket.once("data", resolve).once("close", resolve));
    else await new Promise((resolve) => line.socket.write("", resolve));
    line.socket.resetAndDestroy();
  };
  const many = async (work: (n: number) => Promise<void>) => {
    for (let n = 0; n < times; n += width)
      await Promise.all(Array.from({ length: Math.min(width, times - n) }, (_, i) => work(n + i)));
  };
  const get = `GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${alice.accessToken}\r\n\r\n`;
  const round = async (name: string) => {
    await many((n) => sendAndGo(messageInHalves(alice, `half ${n}`)[0]));
    await many((n) => sendAndGo(messageInHalves(alice, `${name} ${n}`).join("")));
    await many(() => sendAndGo(get, true));
    await until("streams are closed", async () => (await streamsOpen(site)) === 0);
  };
  await round("first");
  const before = megabytesOf(site.pid);
  await round("second");
  const grown = megabytesOf(site.pid) - before;
  const left = await streamsOpen(site);
  const stored = site.read<{ body: string }>("SELECT body FROM messages").map(({ body }) => body);
  const partial = stored.filter((body) => !/^(?:first|second) \d+$/.test(body));
  if (partial.length > 0) faults.push(`stored in part: ${partial.slice(0, 5).join(", ")}`);
  if (new Set(stored).size < stored.length) faults.push("stored twice");
  // Who goes at once may be gone before the server has looked.
  for (const text of stored) alice.unknown.add(text);
  // A leak of one connection each would be 16 KB at the least.
  if (grown > Math.max(30, times / 25)) faults.push(`grown by ${Math.round(grown)} MB`);
  const openFiles = Bun.spawnSync(["ls", `/proc/${site.pid}/fd`])
    .stdout.toString()
    .split("\n").length;
  if (openFiles > 60) faults.push(`${openFiles} files are open`);
  // Twenty is the most that one person may have: no place is taken by those who have gone.
  const fetchHere = (path: string, init?: RequestInit) => fetch(site.url + path, init);
  const streams = await Promise.all(
    Array.from({ length: 20 }, () => Stream.open(fetchHere, alice.accessToken)),
  );
  await Promise.all(streams.map((stream) => stream.close()));
  faults.push(...(await alice.check()));
  const measured = `3 × ${times} twice: ${stored.length} of ${2 * times} whole ones stored, ${partial.length} in part; streams left ${left}, memory ${grown < 0 ? "" : "+"}${grown.toFixed(1)} MB`;
  return { measured, faults };
}

/** F-23: the connection is cut as soon as the first byte of the answer is there; the client tries again. */
export async function cutAnswers(times: number): Promise<Outcome> {
  await using site = await new Site({ DUET_PROGRAM_OVERLAP: "0" }).start();
  const alice = await Talker.register(site, "alice");
  await using wire = wireTo(site.port);
  let cuts = 0;
  wire.watch = () => {
    cuts++;
    return "cut";
  };
  const direct = site.ask;
  let isCut = false;
  const through = new Proxy(site, {
    get: (target, name) =>
      name === "url" && isCut ? `http://127.0.0.1:${wire.port}` : Reflect.get(target, name),
  });
  site.ask = direct.bind(through);
  for (let n = 0; n < times; n++) {
    const [text, generation] = [`message ${n}`, alice.generation];
    isCut = true;
    const said = await alice.sayAs(text);
    const refreshed = await alice.refresh();
    isCut = false;
    if (said !== 0 || refreshed !== 0) alice.faults.push(`not cut: ${said}, ${refreshed}`);
    if ((await alice.sayAs(text)) !== 201) alice.faults.push(`${text} is refused when it is sent again`);
    await alice.refresh();
    if (alice.generation !== generation + 1) alice.faults.push(`from ${generation} to ${alice.generation}`);
    await alice.me();
  }
  const faults = await alice.check();
  if (alice.stored !== times) faults.push(`${alice.stored} messages`);
  return {
    measured: `${cuts} answers cut: messages ${times} = ${alice.stored} rows, generations ${alice.generation - 1}`,
    faults,
  };
}

/** F-25: whoever reads the log has stopped, but holds it open; each line of it is as long as a path can be. */
export async function stoppedReader(requests: number): Promise<Outcome> {
  await using site = new Site({ DUET_LOG: "debug" });
  const pipe = join(folderOnDisk(), "log");
  Bun.spawnSync(["mkfifo", pipe]);
  const reader = openSync(pipe, constants.O_RDWR);
  try {
    await site.start({ before: ["bash", "-c", `exec "$@" 2> ${pipe}`, "bash"] });
    const faults: string[] = [];
    const before = megabytesOf(site.pid);
    let answers = 0;
    for (; answers < requests && faults.length === 0; answers++) {
      const asked = site.ask("GET", `/${"x".repeat(4000)}`);
      const answer = await Promise.race([asked, Bun.sleep(5000).then(() => null)]);
      if (answer?.status !== 404) faults.push(`request ${answers}: ${answer?.status ?? "no answer in 5 s"}`);
    }
    const grown = megabytesOf(site.pid) - before;
    // Of all the lines; some of them may wait.
    const said = (requests * 4) / 1024;
    if (grown > 60 + said / 10)
      faults.push(`grown by ${grown.toFixed(0)} MB, for ${said.toFixed(0)} MB that nobody read`);
    return { measured: `${answers} answered, memory +${grown.toFixed(0)} MB`, faults };
  } finally {
    closeSync(reader);
  }
}

/** F-25: what is written comes to nothing, each time. */
export async function fullLog(): Promise<Outcome> {
  await using site = new Site({ DUET_LOG: "debug" });
  await site.start({ before: ["bash", "-c", 'exec "$@" 2> /dev/full', "bash"] });
  const alice = await Talker.register(site, "alice");
  for (let n = 0; n < 20; n++) await alice.say();
  return { measured: `a full log: ${alice.told}`, faults: await alice.check() };
}

/** F-25: whoever read the first line of standard output has gone. */
export async function closedOutput(): Promise<Outcome> {
  await using site = new Site();
  const shell = 'exec "$@" > >(head -1 >&2)';
  const child = Bun.spawn(["bash", "-c", shell, "bash", ...site.command()], {
    env: site.environment(),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  try {
    if ((await site.backMs()) === Infinity) return { measured: "", faults: ["not ready"] };
    const alice = await Talker.register(site, "alice");
    for (let n = 0; n < 20; n++) await alice.say();
    const faults = await alice.check();
    child.kill("SIGTERM");
    if ((await child.exited) !== 0) faults.push(`exit code ${child.exitCode}`);
    return { measured: `| head -1: ${alice.told}`, faults };
  } finally {
    child.kill("SIGKILL");
  }
}

export const clients: Recipe[] = [
  { id: "F-22", what: "clients that go in the middle", needs: ["Linux"], run: () => aborts(1000) },
  { id: "F-23", what: "answers that are cut", run: () => cutAnswers(200) },
  { id: "F-25", what: "a log that nobody takes", needs: ["Linux"], run: () => stoppedReader(50_000) },
];
