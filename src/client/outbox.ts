// What was sent and has not arrived: one queue for all tabs of a browser, delivered in order on whatever page they are,
// also after they were closed, until the server has it. A key of its own makes a message that is sent twice, by two tabs
// for instance, one message. Nothing of the page is used here.

import type { Shelf } from "./shelf.ts";

export type Entry = {
  /** Where it is posted to: the conversation. */
  url: string;
  key: string;
  body: string;
  /** When it was sent, in epoch milliseconds, and after the one before it. */
  at?: number;
  /** Since this page was opened, by this tab or, maybe, by another. */
  isTried?: boolean;
  /** In a row, of the tries to post it. */
  misses?: number;
  failures?: number;
};

/** What came of one try: the message, or why it is refused. What is neither is thrown, and tried again. */
export type Outcome = { markup: string } | { reason: string };

/** Whatever shows the entries of one conversation. */
export type OutboxView = {
  waiting?(entry: Entry): void;
  failed?(entry: Entry): void;
  arrived?(entry: Entry, markup: string): void;
  /** Its text is in the draft again. */
  refused(entry: Entry, reason: string): void;
  /** Sent in another tab. */
  added?(entry: Entry): void;
  /** Arrived, or taken back, in another tab. */
  dropped?(entry: Entry): void;
};

export type Outbox = ReturnType<typeof createOutbox>;

const RETRY_MS_MAX = 30_000;
const TAKE_OVER_MS = 60_000;
/** Less than the server keeps an idempotency key. */
const KEY_KEPT_MS = 6 * 24 * 60 * 60 * 1000;
/** What has failed as often may be what cannot pass (a proxy's limit): from then on it holds nothing back. */
const HOLDS_MISSES = 4;

export function createOutbox(deps: {
  /** By key: what waits, as all tabs see it. */
  unsent: Shelf;
  /** Tries to deliver one. An AbortError says that its author would rather not sign in now. */
  post: (entry: Entry) => Promise<Outcome>;
  /** What shows a conversation now; where it is not open, at least a refusal is shown. */
  viewOf: (url: string) => OutboxView;
  later: (work: () => void, ms: number) => () => void;
  /** Puts a text back to where it was typed. */
  putBack: (entry: Entry) => void;
}) {
  const { unsent, post, viewOf, later, putBack } = deps;

  const entries = unsent
    .names()
    .map((key) => ({ key, ...(JSON.parse(unsent.get(key)) as Pick<Entry, "url" | "body" | "at">) }))
    .toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0)) as Entry[];

  /** Whether this tab is the first to know. */
  function remove(entry: Entry): boolean {
    const isFirst = entries.includes(entry);
    if (isFirst) entries.splice(entries.indexOf(entry), 1);
    unsent.set(entry.key, "");
    return isFirst;
  }
  // The server may have it, and has forgotten the key by now: its author decides.
  for (const entry of entries.filter(({ at = 0 }) => at < Date.now() - KEY_KEPT_MS)) {
    remove(entry);
    putBack(entry);
  }

  const fail = (entry: Entry) => viewOf(entry.url).failed?.(entry);

  async function deliverOne(entry: Entry) {
    entry.isTried = true;
    const view = viewOf(entry.url);
    view.waiting?.(entry);
    const outcome = await post(entry);
    const isFirst = remove(entry);
    if ("markup" in outcome) return view.arrived?.(entry, outcome.markup);
    if (isFirst) putBack(entry);
    view.refused(entry, outcome.reason);
  }

  let delivering: Promise<void> | null = null;
  let failures = 0;
  let cancelRetry = () => {};

  /**
   * Delivers what waits, one after the other. What fails holds back the rest of its conversation, for some tries, and all
   * of that is tried again later.
   */
  async function deliverAll() {
    const tried = new Set<Entry>();
    const held = new Set<string>();
    let hasFailed = false;
    for (let entry; (entry = entries.find((each) => !held.has(each.url) && !tried.has(each)));) {
      tried.add(entry);
      try {
        await deliverOne(entry);
      } catch (error) {
        // Whoever would rather not sign in now is not asked again before they say so.
        if (error instanceof Error && error.name === "AbortError") return entries.forEach(fail);
        hasFailed = true;
        entry.misses = (entry.misses ?? 0) + 1;
        fail(entry);
        if (entry.misses >= HOLDS_MISSES) continue;
        const { url } = entry;
        held.add(url);
        entries.filter((each) => each.url === url && !tried.has(each)).forEach(fail);
      }
    }
    failures = hasFailed ? failures + 1 : 0;
    if (hasFailed) cancelRetry = later(() => void deliver(), Math.min(500 * 2 ** failures, RETRY_MS_MAX));
  }

  function deliver(): Promise<void> {
    cancelRetry();
    delivering ??= deliverAll().finally(() => (delivering = null));
    return delivering;
  }

  unsent.hear((key, text) => {
    const known = entries.find((entry) => entry.key === key);
    if (known && !text) {
      remove(known);
      viewOf(known.url).dropped?.(known);
    } else if (!known && text) {
      const entry = { key, ...JSON.parse(text), isTried: true } as Entry;
      entries.push(entry);
      viewOf(entry.url).added?.(entry);
      // If that tab is closed before it has delivered it.
      later(() => void deliver(), TAKE_OVER_MS);
    }
  });

  return {
    /** In order. */
    entries: entries as readonly Entry[],
    /** Tries now, and resolves when everything was tried once. */
    deliver,

    add(entry: Entry) {
      entry.at = Math.max(Date.now(), (entries.at(-1)?.at ?? 0) + 1);
      const { url, body, at } = entry;
      entries.push(entry);
      unsent.set(entry.key, JSON.stringify({ url, body, at }));
      void deliver();
    },

    /** Not to be sent, after all: back to where it was typed, if it was still waiting. */
    takeBack(entry: Entry) {
      if (remove(entry)) putBack(entry);
    },
  };
}

/** A message of ours, and no page of a proxy or a portal. */
const isMessage = (markup: string) => markup.startsWith('<li id="message-');

/** What the server will never take as it is, in contrast to what it cannot take now. */
const isRefused = ({ status, headers }: Response) =>
  headers.has("duet-error") && status >= 400 && status < 500 && status !== 401 && status !== 429;

/** What an answer means. Throws if it is none of Duet's, or one that says to try again; that it is too large is final, whoever says so. */
export async function outcomeOf(response: Response, textOf: (markup: string) => string): Promise<Outcome> {
  const markup = await response.text();
  if (response.ok && isMessage(markup)) return { markup };
  if (isRefused(response) || response.status === 413) return { reason: textOf(markup) };
  throw new Error(`${response.status}`);
}
