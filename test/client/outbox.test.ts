import { describe, expect, setSystemTime, test } from "bun:test";
import { createShelf, type Store } from "../../src/client/shelf.ts";
import { createOutbox, outcomeOf, type Entry, type Outcome } from "../../src/client/outbox.ts";

const [PLANS, OTHER] = ["/conversations/plans", "/conversations/other"];

type Listener = Parameters<Store["hear"]>[0];

/** What the tabs of a browser share: each hears what the others change. */
function createBrowser() {
  const kept = new Map<string, string>();
  const tabs: Listener[][] = [];
  return {
    kept,
    openStore(): Store {
      const own: Listener[] = [];
      tabs.push(own);
      const changed = (key: string, text: string | null) => {
        for (const tab of tabs) if (tab !== own) for (const listener of tab) listener(key, text, null);
      };
      const keep = {
        getItem: (key: string) => kept.get(key) ?? null,
        setItem(key: string, text: string) {
          kept.set(key, text);
          changed(key, text);
        },
        removeItem(key: string) {
          if (kept.delete(key)) changed(key, null);
        },
        key: (i: number) => [...kept.keys()][i] ?? null,
        get length() {
          return kept.size;
        },
      };
      return { keep: () => keep, hear: (listener) => void own.push(listener) };
    },
  };
}

/** A tab of alice's: what it posts is answered by `answer`, what it shows is told in `shown`. */
function openTab(answer: (entry: Entry) => Outcome, browser = createBrowser(), store = browser.openStore()) {
  const drafts = new Map<string, string>();
  const posted: string[] = [];
  const shown: string[] = [];
  const retries: { work: () => void; ms: number }[] = [];
  const tell = (what: string) => (entry: Entry) => void shown.push(`${what} ${entry.body}`);
  const outbox = createOutbox({
    unsent: createShelf(store, "unsent:alice:"),
    post: async (entry) => {
      posted.push(entry.body);
      return answer(entry);
    },
    viewOf: () => ({
      waiting: tell("waiting"),
      failed: tell("failed"),
      arrived: tell("arrived"),
      refused: tell("refused"),
      added: tell("added"),
      dropped: tell("dropped"),
    }),
    putBack: ({ url, body }) => void drafts.set(url, body),
    later(work, ms) {
      const retry = { work, ms };
      retries.push(retry);
      return () => void retries.splice(retries.indexOf(retry), 1);
    },
  });
  let n = 0;
  const send = (body: string, url = PLANS!) => outbox.add({ url, key: `key ${++n}`, body });
  return { outbox, browser, drafts, posted, shown, retries, send };
}

const ARRIVED: Outcome = { markup: '<li id="message-1">' };
const gone = (): never => {
  throw new TypeError("Failed to fetch");
};

describe("what was sent and has not arrived", () => {
  test("arrives in order, one after the other", async () => {
    const { outbox, posted, shown, send } = openTab(() => ARRIVED);
    for (const text of ["one", "two", "three"]) send(text);
    await outbox.deliver();
    expect(posted).toEqual(["one", "two", "three"]);
    expect(shown.filter((what) => what.startsWith("arrived"))).toEqual([
      "arrived one",
      "arrived two",
      "arrived three",
    ]);
    expect(outbox.entries).toEqual([]);
  });

  test("holds nothing back for ever: what cannot pass stays, what comes after it arrives", async () => {
    const { outbox, posted, shown, retries, send } = openTab((entry) =>
      entry.body === "too long for the proxy" ? gone() : ARRIVED,
    );
    send("too long for the proxy");
    send("after it");
    await outbox.deliver();
    expect(posted).toEqual(["too long for the proxy"]);
    for (let i = 0; i < 3; i++) {
      retries[0]!.work();
      await outbox.deliver();
    }
    expect(shown.at(-1)).toBe("arrived after it");
    expect(outbox.entries.map(({ body }) => body)).toEqual(["too long for the proxy"]);
    expect(retries).toHaveLength(1);
  });

  test("is still there after a reload, with the same key, and goes on", async () => {
    const before = openTab(gone);
    before.send("one");
    before.send("two");
    await before.outbox.deliver();
    const after = openTab(() => ARRIVED, before.browser);
    expect(after.outbox.entries).toMatchObject([
      { url: PLANS!, key: "key 1", body: "one" },
      { url: PLANS!, key: "key 2", body: "two" },
    ]);
    await after.outbox.deliver();
    expect(after.posted).toEqual(["one", "two"]);
    expect(openTab(gone, before.browser).outbox.entries).toEqual([]);
  });

  test("holds back what follows it in its conversation, and no other conversation", async () => {
    const { outbox, posted, shown, send } = openTab(({ url }) => (url === PLANS ? gone() : ARRIVED));
    send("stuck");
    send("behind it");
    send("elsewhere", OTHER);
    await outbox.deliver();
    expect(posted).toEqual(["stuck", "elsewhere"]);
    expect(shown.slice(1)).toEqual([
      "failed stuck",
      "failed behind it",
      "waiting elsewhere",
      "arrived elsewhere",
    ]);
    expect(outbox.entries.map(({ body }) => body)).toEqual(["stuck", "behind it"]);
  });

  test("is tried again by itself, less and less often, and at once when asked", async () => {
    let isUp = false;
    const { outbox, posted, retries, send } = openTab(() => (isUp ? ARRIVED : gone()));
    send("hello");
    await outbox.deliver();
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      const [retry] = retries;
      waits.push(retry!.ms);
      retry!.work();
      await outbox.deliver();
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    isUp = true;
    await outbox.deliver();
    expect(outbox.entries).toEqual([]);
    expect(retries).toEqual([]);
    expect(posted.length).toBe(9);
  });

  test("is asked for once, however many ask for it", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let posts = 0;
    const tab = openTab(() => ARRIVED);
    const outbox = createOutbox({
      unsent: createShelf(tab.browser.openStore(), "unsent:alice:"),
      post: async () => {
        posts++;
        await promise;
        return ARRIVED;
      },
      viewOf: () => ({ refused() {} }),
      later: () => () => {},
      putBack() {},
    });
    outbox.add({ url: PLANS!, key: "k", body: "once" });
    const asked = [outbox.deliver(), outbox.deliver()];
    resolve();
    await Promise.all(asked);
    expect(posts).toBe(1);
  });

  test("goes back to where it was typed if it is refused", async () => {
    const { outbox, drafts, shown, send } = openTab(() => ({ reason: "too long" }));
    send("a long story");
    await outbox.deliver();
    expect([...drafts]).toEqual([[PLANS!, "a long story"]]);
    expect(shown).toEqual(["waiting a long story", "refused a long story"]);
    expect(outbox.entries).toEqual([]);
  });

  test("waits without another try while its author would rather not sign in", async () => {
    const { outbox, posted, shown, retries, send } = openTab(() => {
      throw new DOMException("", "AbortError");
    });
    send("one");
    send("two", OTHER);
    await outbox.deliver();
    expect(posted).toEqual(["one"]);
    expect(shown).toEqual(["waiting one", "failed one", "failed two"]);
    expect(retries).toEqual([]);
  });

  test("is taken back once, in all tabs", async () => {
    const { outbox, browser, drafts, send } = openTab(gone);
    send("oh no");
    await outbox.deliver();
    const twin = openTab(gone, browser);
    const [entry] = outbox.entries;
    outbox.takeBack(entry!);
    outbox.takeBack(entry!);
    expect([...drafts]).toEqual([[PLANS!, "oh no"]]);
    expect(twin.shown.at(-1)).toBe("dropped oh no");
    expect(twin.outbox.entries).toEqual([]);
    expect(openTab(gone, browser).outbox.entries).toEqual([]);
  });

  test("is in every tab, and another delivers it where the one that sent it was closed", async () => {
    const first = openTab(gone);
    const second = openTab(() => ARRIVED, first.browser);
    first.send("hello");
    await first.outbox.deliver();
    expect(second.shown).toEqual(["added hello"]);
    expect(second.posted).toEqual([]);
    second.retries[0]!.work();
    await second.outbox.deliver();
    expect(second.posted).toEqual(["hello"]);
    expect(first.shown.at(-1)).toBe("dropped hello");
    expect(first.outbox.entries).toEqual([]);
  });

  test("keeps its order when the clock is set back", async () => {
    const { browser, send } = openTab(gone);
    send("one");
    setSystemTime(Date.now() - 60_000);
    send("two");
    setSystemTime();
    expect(openTab(gone, browser).outbox.entries.map(({ body }) => body)).toEqual(["one", "two"]);
  });

  test("is a draft again when the server may have forgotten its key", async () => {
    const { browser, send } = openTab(gone);
    send("last week");
    setSystemTime(Date.now() + 6 * 24 * 60 * 60 * 1000 + 1);
    const later = openTab(() => ARRIVED, browser);
    setSystemTime();
    await later.outbox.deliver();
    expect([...later.drafts]).toEqual([[PLANS!, "last week"]]);
    expect(later.posted).toEqual([]);
    expect(browser.kept.size).toBe(0);
  });

  test("is another person's where another person is signed in", async () => {
    const { outbox, browser, send } = openTab(gone);
    send("alice's");
    await outbox.deliver();
    expect([...browser.kept.keys()]).toEqual(["unsent:alice:key 1"]);
  });

  test("goes on where nothing can be kept", async () => {
    const store = createBrowser().openStore();
    const full: Store = {
      ...store,
      keep: () => ({
        ...store.keep(),
        setItem() {
          throw new DOMException("full", "QuotaExceededError");
        },
      }),
    };
    const { outbox, posted, send } = openTab(() => ARRIVED, undefined, full);
    send("hello");
    await outbox.deliver();
    expect(posted).toEqual(["hello"]);
  });
});

describe("an answer", () => {
  const textOf = (markup: string) => markup.replaceAll(/<[^>]+>/g, "");
  const ours = (code: string) => ({ "duet-error": code });

  test("is the message, if it is one of ours", async () => {
    const markup = '<li id="message-0199" class="message own">hello</li>';
    expect(await outcomeOf(new Response(markup), textOf)).toEqual({ markup });
  });

  test.each([
    ["too long", 422, ours("validation_failed")],
    ["somebody else has signed in", 409, ours("viewer_changed")],
    ["the conversation has gone", 404, ours("not_found")],
    ["it is too large for a proxy", 413, {}],
  ])("that says %s is final", async (_, status, headers) => {
    const response = new Response("<p>not <b>so</b></p>", { status, headers });
    expect(await outcomeOf(response, textOf)).toEqual({ reason: "not so" });
  });

  test.each([
    ["a proxy's 404", 404, {}, "404 page not found"],
    ["a page of maintenance", 200, {}, "<h1>We are updating</h1>"],
    ["a portal's sign-in", 200, {}, '<form id="message-1">'],
    ["our limit", 429, ours("rate_limited"), "slower"],
    ["our token", 401, ours("token_expired"), ""],
    ["our database", 503, ours("unavailable"), "later"],
    ["a failure", 500, ours("internal_error"), ""],
  ])("of %s is neither the message nor a refusal", async (_, status, headers, body) => {
    const response = new Response(body, { status, headers: headers as Record<string, string> });
    await expect(outcomeOf(response, textOf)).rejects.toThrow(String(status));
  });
});
