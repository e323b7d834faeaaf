import { describe, expect, test } from "bun:test";
import { createOutbox, outcomeOf, type Entry, type Outcome } from "../../src/client/outbox.ts";

const [PLANS, OTHER] = ["/conversations/plans", "/conversations/other"];

/** What a tab keeps, until it is closed. */
function createKeep() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, text: string) => void kept.set(name, text),
    removeItem: (name: string) => void kept.delete(name),
  };
}

/** A tab of alice's: what it posts is answered by `answer`, what it shows is told in `shown`. */
function openTab(answer: (entry: Entry) => Outcome, keep = createKeep()) {
  const posted: string[] = [];
  const shown: string[] = [];
  const retries: { work: () => void; ms: number }[] = [];
  const tell = (what: string) => (entry: Entry) => void shown.push(`${what} ${entry.body}`);
  const outbox = createOutbox({
    viewer: "alice",
    keep,
    post: async (entry) => {
      posted.push(entry.body);
      return answer(entry);
    },
    viewOf: () => ({
      waiting: tell("waiting"),
      failed: tell("failed"),
      arrived: tell("arrived"),
      refused: tell("refused"),
    }),
    later(work, ms) {
      const retry = { work, ms };
      retries.push(retry);
      return () => void retries.splice(retries.indexOf(retry), 1);
    },
  });
  let n = 0;
  const send = (body: string, url = PLANS!) => outbox.add({ url, key: `key ${++n}`, body });
  return { outbox, keep, posted, shown, retries, send };
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
    const after = openTab(() => ARRIVED, before.keep);
    expect(after.outbox.entries).toEqual([
      { url: PLANS!, key: "key 1", body: "one" },
      { url: PLANS!, key: "key 2", body: "two" },
    ]);
    await after.outbox.deliver();
    expect(after.posted).toEqual(["one", "two"]);
    expect(openTab(gone, before.keep).outbox.entries).toEqual([]);
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
      viewer: "alice",
      keep: tab.keep,
      post: async () => {
        posts++;
        await promise;
        return ARRIVED;
      },
      viewOf: () => ({ refused() {} }),
      later: () => () => {},
    });
    outbox.add({ url: PLANS!, key: "k", body: "once" });
    const asked = [outbox.deliver(), outbox.deliver()];
    resolve();
    await Promise.all(asked);
    expect(posts).toBe(1);
  });

  test("goes back to where it was typed if it is refused, behind what is typed there", async () => {
    const { outbox, shown, send } = openTab(() => ({ reason: "too long" }));
    outbox.drafts.set(PLANS!, "already there");
    send("a long story");
    await outbox.deliver();
    expect(outbox.drafts.get(PLANS!)).toBe("already there\na long story");
    expect(outbox.drafts.get(OTHER!)).toBe("");
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

  test("is taken back by its key, once", async () => {
    const { outbox, keep, send } = openTab(gone);
    send("oh no");
    await outbox.deliver();
    expect(outbox.takeBack("key 1")?.body).toBe("oh no");
    expect(outbox.takeBack("key 1")).toBeUndefined();
    expect(openTab(gone, keep).outbox.entries).toEqual([]);
  });

  test("is another person's where another person is signed in", async () => {
    const { outbox, keep, send } = openTab(gone);
    send("alice's");
    await outbox.deliver();
    expect([...keep.kept.keys()]).toEqual(["outbox:alice"]);
  });

  test("goes on where nothing can be kept", async () => {
    const keep = createKeep();
    const full = {
      ...keep,
      setItem() {
        throw new DOMException("full", "QuotaExceededError");
      },
    };
    const { outbox, posted, send } = openTab(() => ARRIVED, full);
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
