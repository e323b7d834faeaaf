import { LIMITS } from "../limits.ts";
import type { Touched } from "./index.ts";

const CHANNEL = "duet";
/** What fits into one notification: PostgreSQL's own bound is 8000. */
const BYTES_MAX = 7900;
/** Things to tell that come within one of these go together. */
const GATHER_MS = 2;

/**
 * What processes that share a PostgreSQL hear from it and from each other, by `NOTIFY`, in lines: `touched WHAT ID`, which
 * its triggers send with the commit that takes back a yes, whoever made it (0001_start.postgres.sql); `told PROCESS TEXT`,
 * which is good to know soon; `ping PROCESS NUMBER`.
 *
 * What is remembered may be used only as long as nothing can have been missed. Notifications come in the order of their
 * commits; so a ping that was sent through the pool and came back through the listener shows that everything is here that
 * was committed before it was sent. That is good for less than a second from the sending: it ends by itself with a listener
 * that is lost, a pooler that hands none on, a primary that is no more, and a process that was stopped.
 */
export function createNews(sql: Bun.SQL, forget: (what: Touched, id: string) => void) {
  const me = crypto.randomUUID();
  const hearers: ((text: string | null) => void)[] = [];
  const hear = (text: string | null) => hearers.forEach((each) => each(text));

  let currentUntil = Number.NEGATIVE_INFINITY;
  let isListening = false;
  let isClosed = false;

  let pings = 0;
  let sent: { number: number; at: number } | undefined;
  let isPinging = false;

  /** By how much the database's clock is ahead of this machine's, as its quickest answer of late has it. */
  let skew: { ms: number; within: number; at: number } | undefined;

  function hearLine(line: string): void {
    const [kind, ...words] = line.split(" ");
    if (kind === "touched") return forget(words[0] as Touched, words[1] ?? "");
    if (words[0] !== me) return kind === "told" ? hear(words.slice(1).join(" ")) : undefined;
    if (kind === "ping" && Number(words[1]) === sent?.number)
      currentUntil = Math.max(currentUntil, sent.at + LIMITS.memoryLeaseMs);
  }

  const subscribed = sql
    .listen(
      CHANNEL,
      (text) => {
        for (const line of text.split("\n")) hearLine(line);
      },
      () => {
        // Whatever came in between is unknown.
        isListening = true;
        currentUntil = Number.NEGATIVE_INFINITY;
        forget("all", "");
        hear(null);
        void ping();
      },
    )
    .catch(() => undefined);

  async function ping(): Promise<void> {
    if (isPinging || isClosed || !isListening) return;
    isPinging = true;
    const at = performance.now();
    const wallAt = Date.now();
    sent = { number: ++pings, at };
    try {
      const [row] = await sql.unsafe(
        "SELECT pg_notify($1, $2), floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now",
        [CHANNEL, `ping ${me} ${pings}`],
      );
      noteClock(Number(row.now), wallAt, at);
    } catch {
      // The lease says it.
    } finally {
      isPinging = false;
    }
  }

  function noteClock(theirs: number, wallAt: number, at: number): void {
    const took = performance.now() - at;
    // A slow answer says little about the clock, unless there has been no better one for a while.
    if (skew && took > skew.within && at - skew.at < LIMITS.clockTrustMs) return;
    skew = { ms: theirs - (wallAt + took / 2), within: took, at };
  }

  const timer = setInterval(() => void ping(), LIMITS.memoryLeaseMs / 3);
  timer.unref();

  let gathered: string[] = [];
  function tell(text: string): void {
    gathered.push(`told ${me} ${text}`);
    if (gathered.length === 1) setTimeout(() => void flush(), GATHER_MS);
  }

  async function flush(): Promise<void> {
    const lines = gathered;
    gathered = [];
    // It was not promised: what is told here can be found in the database, later.
    await notify(sql, lines).catch(() => {});
  }

  return {
    tell,
    onTold: (listener: (text: string | null) => void) => void hearers.push(listener),
    isCurrent: () => performance.now() < currentUntil,
    now: () => Math.round(Date.now() + (skew?.ms ?? 0)),

    trouble(): string | undefined {
      const off = Math.abs(skew?.ms ?? 0);
      return off > LIMITS.clockSkewMaxMs
        ? `the clock is ${(off / 1000).toFixed(1)} s off the database's`
        : undefined;
    },

    async close(): Promise<void> {
      isClosed = true;
      clearInterval(timer);
      await flush();
      await (await subscribed)?.unlisten().catch(() => {});
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
