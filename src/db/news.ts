import { DuetError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { inTime } from "./in-time.ts";
import { createSharedClock } from "./shared-clock.ts";
import type { Touched } from "./index.ts";

const CHANNEL = "duet";
/** What fits into one notification: PostgreSQL's own bound is 8000. */
const BYTES_MAX = 7900;
/** Things to tell that come within one of these go together. */
const GATHER_MS = 2;
const LISTEN_AGAIN_MS = 500;
const PING = "SELECT pg_notify($1, $2), floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now";

/**
 * What processes that share a PostgreSQL hear from it and from each other, by `NOTIFY`, in lines: `touched WHAT ID`, which
 * its triggers send with the commit that takes back a yes, whoever made it (0001_start.postgres.sql); `told PROCESS TEXT`,
 * which is good to know soon; `ping PROCESS NUMBER`; `mark PROCESS NUMBER`, which every other one answers by `heard`.
 *
 * What is remembered may be used only as long as nothing can have been missed. Notifications come in the order of their
 * commits; so a ping that was sent through the pool and came back through the listener shows that everything is here that
 * was committed before it was sent. That is good for less than a second from the sending: it ends by itself with a listener
 * that is lost, a pooler that hands none on, a primary that is no more, and a process that was stopped.
 */
export function createNews(
  connections: () => Bun.SQL,
  deps: { forget: (what: Touched, id: string) => void; renew: () => void },
) {
  const { forget } = deps;
  const me = crypto.randomUUID();
  const hearers: ((text: string | null) => void)[] = [];
  const hear = (text: string | null) => hearers.forEach((each) => each(text));

  let currentUntil = Number.NEGATIVE_INFINITY;
  let currentSince = 0;
  let primaryUntil = Number.NEGATIVE_INFINITY;
  let listeningSince = Number.POSITIVE_INFINITY;
  let isClosed = false;

  let pings = 0;
  let sent: { number: number; at: number; wallAt: number } | undefined;

  /** When each of the other processes was last heard of. */
  const others = new Map<string, number>();
  let markCount = 0;
  const marks = new Map<number, { isBack(): void; heardBy(other: string): void }>();

  const clock = createSharedClock();

  function hearLine(line: string): void {
    const [kind, ...words] = line.split(" ");
    if (kind === "touched") return forget(words[0] as Touched, words[1] ?? "");
    const [from, number] = words as [string, string];
    if (kind === "heard" && words[1] === me) return marks.get(Number(words[2]))?.heardBy(from);
    if (from === me) {
      if (kind === "mark") marks.get(Number(number))?.isBack();
      if (kind === "ping" && Number(number) === sent?.number) {
        currentUntil = sent.at + LIMITS.memoryLeaseMs;
        currentSince = sent.wallAt;
      }
      return;
    }
    if (kind === "told") hear(words.slice(1).join(" "));
    else if (kind === "ping") others.set(from, performance.now());
    else if (kind === "mark") send(`heard ${me} ${from} ${number}`);
  }

  /** Again and again until it listens; the driver does so by itself where it is cut off later. */
  async function listen(): Promise<void> {
    const sql = connections();
    while (!isClosed && connections() === sql)
      try {
        subscription = await sql.listen(CHANNEL, hearAll, begin);
        return;
      } catch {
        await Bun.sleep(LISTEN_AGAIN_MS);
      }
  }

  /** Whoever may connect may say anything. */
  function hearAll(text: string): void {
    for (const line of text.split("\n"))
      try {
        hearLine(line);
      } catch {
        // Not one of ours.
      }
  }

  /** It listens from here on: whatever came before is unknown. */
  function begin(): void {
    listeningSince = performance.now();
    currentUntil = Number.NEGATIVE_INFINITY;
    forget("all", "");
    hear(null);
    pingQuietly();
  }

  let subscription: { unlisten(): Promise<void> } | undefined;
  void listen();

  function renew(): void {
    deps.renew();
    void listen();
  }

  /** Through the pool, to which no standby answers: it can send no notification. */
  async function ping(): Promise<void> {
    const at = performance.now();
    sent = { number: ++pings, at, wallAt: Date.now() };
    const [row] = await inTime(() => connections().unsafe(PING, [CHANNEL, `ping ${me} ${pings}`]), renew);
    primaryUntil = at + LIMITS.memoryLeaseMs;
    clock.note(Number(row.now), at);
    const forgottenAt = at - LIMITS.clockTrustMs;
    for (const [other, heardAt] of others) if (heardAt < forgottenAt) others.delete(other);
  }

  let pinging: Promise<void> | undefined;
  const pingOnce = () => (pinging ??= ping().finally(() => (pinging = undefined)));
  /** What fails shows by itself: nothing is proven by it. */
  const pingQuietly = () => void (isClosed || pingOnce().catch(() => {}));

  const timer = setInterval(pingQuietly, LIMITS.memoryLeaseMs / 3);
  timer.unref();

  let gathered: string[] = [];
  function send(line: string): void {
    gathered.push(line);
    if (gathered.length === 1) setTimeout(() => void flush(), GATHER_MS);
  }

  async function flush(): Promise<void> {
    const lines = gathered;
    gathered = [];
    // It was not promised: what is told here can be found in the database, later.
    await notify(connections(), lines).catch(() => {});
  }

  /**
   * Resolves when no process says yes any more to what was committed before: each has answered that it has come so far,
   * or has not been heard of for as long as what it remembers is good.
   */
  async function everybodyKnows(): Promise<void> {
    const number = ++markCount;
    const { promise, resolve } = Promise.withResolvers<void>();
    const silent = Bun.sleep(LIMITS.memoryLeaseMs);
    let missing: Set<string> | undefined;
    const early = new Set<string>();
    const settle = () => missing?.size === 0 && resolve();
    marks.set(number, {
      // Whoever has pinged before is known by now, since all hear all in one order; unless it was while nothing was heard.
      isBack() {
        const since = performance.now() - LIMITS.memoryLeaseMs;
        if (listeningSince > since) return;
        missing = new Set([...others].filter(([, at]) => at > since).map(([other]) => other));
        for (const other of early) missing.delete(other);
        settle();
      },
      heardBy(other) {
        early.add(other);
        missing?.delete(other);
        settle();
      },
    });
    // Nothing is heard of one that does not get through.
    notify(connections(), [`mark ${me} ${number}`]).catch(() => {});
    await Promise.race([promise, silent]);
    marks.delete(number);
  }

  return {
    everybodyKnows,
    tell: (text: string) => send(`told ${me} ${text}`),
    onTold: (listener: (text: string | null) => void) => void hearers.push(listener),
    /** Whoever is there is heard of within that time. */
    async others(): Promise<number> {
      // What is said before it listens is not heard.
      const giveUpAt = performance.now() + LIMITS.databaseWaitMs;
      while (performance.now() >= currentUntil) {
        if (performance.now() > giveUpAt)
          throw new DuetError("unavailable", { cause: "no notification comes through" });
        await Bun.sleep(GATHER_MS);
      }
      await Bun.sleep(LIMITS.memoryLeaseMs);
      const since = performance.now() - LIMITS.memoryLeaseMs;
      return [...others.values()].filter((at) => at > since).length;
    },
    /** By both clocks: the one that is not set may stand still while the machine sleeps. */
    isCurrent: () =>
      performance.now() < currentUntil && Math.abs(Date.now() - currentSince) < LIMITS.memoryLeaseMs,
    /** Rejects unless the pool's connections were the primary's a moment ago: a standby may be behind. */
    async assertPrimary(): Promise<void> {
      if (performance.now() >= primaryUntil) await pingOnce();
    },
    now: clock.now,

    trouble(): string | undefined {
      const off = clock.off();
      if (off <= LIMITS.clockSkewMaxMs) return undefined;
      return `the clock is ${(off / 1000).toFixed(1)} s off the database's`;
    },

    async close(): Promise<void> {
      isClosed = true;
      clearInterval(timer);
      await flush();
      await subscription?.unlisten().catch(() => {});
    },
  };
}

/** Sends lines, as many together as fit. */
async function notify(through: Pick<Bun.SQL, "unsafe">, lines: string[]): Promise<void> {
  for (let rest = [...new Set(lines)]; rest.length > 0;) {
    let bytes = 0;
    let count = 0;
    while (count < rest.length && (bytes += Buffer.byteLength(rest[count]!) + 1) <= BYTES_MAX) count++;
    const some = rest.slice(0, Math.max(count, 1)).join("\n");
    rest = rest.slice(Math.max(count, 1));
    await through.unsafe("SELECT pg_notify($1, $2)", [CHANNEL, some]);
  }
}
