// What was sent and has not arrived: one queue for each tab, delivered in order on whatever page the tab is, until the
// server has it. A key of its own makes a message that is sent twice one message. Nothing of the page is used here.

export type Entry = {
  /** Where it is posted to: the conversation. */
  url: string;
  key: string;
  body: string;
  /** Since this page was opened. */
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
};

/** As much of `sessionStorage` as is needed: what is kept is this tab's only, and gone with the sign-out. */
export type Keep = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export type Outbox = ReturnType<typeof createOutbox>;

const RETRY_MS_MAX = 30_000;
/** What has failed as often may be what cannot pass (a proxy's limit): from then on it holds nothing back. */
const HOLDS_MISSES = 4;

export function createOutbox(deps: {
  viewer: string;
  keep: Keep;
  /** Tries to deliver one. An AbortError says that its author would rather not sign in now. */
  post: (entry: Entry) => Promise<Outcome>;
  /** What shows a conversation now; where it is not open, at least a refusal is shown. */
  viewOf: (url: string) => OutboxView;
  later: (work: () => void, ms: number) => () => void;
}) {
  const { viewer, keep, post, viewOf, later } = deps;
  const place = `outbox:${viewer}`;
  const draftOf = (url: string) => `draft:${viewer}:${url}`;

  function store(name: string, text: string) {
    try {
      if (text) keep.setItem(name, text);
      else keep.removeItem(name);
    } catch {
      // It is full or forbidden: what is on the page is there all the same.
    }
  }

  /** What is typed and not sent, by conversation. */
  const drafts = {
    get: (url: string) => keep.getItem(draftOf(url)) ?? "",
    set: (url: string, text: string) => store(draftOf(url), text),
    add: (url: string, text: string) => drafts.set(url, [drafts.get(url), text].filter(Boolean).join("\n")),
  };

  const entries = JSON.parse(keep.getItem(place) ?? "[]") as Entry[];
  const save = () => store(place, JSON.stringify(entries.map(({ url, key, body }) => ({ url, key, body }))));
  function remove(entry: Entry) {
    if (entries.includes(entry)) entries.splice(entries.indexOf(entry), 1);
    save();
  }
  const fail = (entry: Entry) => viewOf(entry.url).failed?.(entry);

  async function deliverOne(entry: Entry) {
    entry.isTried = true;
    const view = viewOf(entry.url);
    view.waiting?.(entry);
    const outcome = await post(entry);
    remove(entry);
    if ("markup" in outcome) return view.arrived?.(entry, outcome.markup);
    // Back to where it can be changed.
    drafts.add(entry.url, entry.body);
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

  return {
    /** In order. */
    entries: entries as readonly Entry[],
    drafts,
    /** Tries now, and resolves when everything was tried once. */
    deliver,

    add(entry: Entry) {
      entries.push(entry);
      save();
      void deliver();
    },

    /** Not to be sent, after all. Answers the entry, if it was still waiting. */
    takeBack(key: string): Entry | undefined {
      const entry = entries.find((each) => each.key === key);
      if (entry) remove(entry);
      return entry;
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
