// What was sent and has not arrived: one queue for each tab, delivered in order on whatever page the tab is, until the
// server has it. A key of its own makes a message that is sent twice one message.
(() => {
  "use strict";
  const { root, byId, tabs, ask, textOf } = window.duet;
  const { viewer } = root.dataset;
  if (!viewer) return;

  // Kept in this tab only, and gone with the sign-out (`Clear-Site-Data`).
  const place = `outbox:${viewer}`;
  const draftOf = (url) => `draft:${viewer}:${url}`;
  function store(name, text) {
    try {
      if (text) sessionStorage.setItem(name, text);
      else sessionStorage.removeItem(name);
    } catch {
      // It is full or forbidden: what is on the page is there all the same.
    }
  }
  const drafts = {
    get: (url) => sessionStorage.getItem(draftOf(url)) ?? "",
    set: (url, text) => store(draftOf(url), text),
    add: (url, text) => drafts.set(url, [drafts.get(url), text].filter(Boolean).join("\n")),
  };

  /** In order: `{ url, key, body }`, and for the time of this page the `item` that shows it, `isTried`, `failures`. */
  const entries = JSON.parse(sessionStorage.getItem(place) ?? "[]");
  const keep = () => store(place, JSON.stringify(entries.map(({ url, key, body }) => ({ url, key, body }))));
  function remove(entry) {
    if (entries.includes(entry)) entries.splice(entries.indexOf(entry), 1);
    keep();
  }

  /** Where the conversation is not open, it is told only what was refused: the text is there, and in a draft. */
  const elsewhere = {
    refused: ({ body }, reason) => (byId("notice").textContent = `${reason}: ${body}`),
  };
  const viewOf = ({ url }) => (outbox.view?.url === url ? outbox.view : elsewhere);

  const post = ({ url, key, body }) =>
    ask(url, {
      method: "POST",
      // Goes out even if the page is left at once; browsers allow it up to 64 KiB.
      keepalive: body.length < 5000,
      body: new URLSearchParams({ body, idempotency_key: key }),
    });

  /** Not of a proxy, a portal or a page of maintenance. */
  const isMessage = (markup) => markup.startsWith('<li id="message-');
  /** What the server will never take as it is, in contrast to what it cannot take now. */
  const isRefused = ({ status, headers }) =>
    headers.has("duet-error") && status >= 400 && status < 500 && status !== 401 && status !== 429;

  async function deliverOne(entry) {
    const view = viewOf(entry);
    entry.isTried = true;
    view.waiting?.(entry);
    const response = await post(entry);
    const markup = await response.text();
    if (response.ok && isMessage(markup)) {
      remove(entry);
      return view.arrived?.(entry, markup);
    }
    if (!isRefused(response)) throw new Error(`${response.status}`);
    // Back to where it can be changed.
    drafts.add(entry.url, entry.body);
    remove(entry);
    view.refused(entry, textOf(markup));
  }

  let delivering = null;
  let failures = 0;
  let again;

  /**
   * Delivers what waits, one after the other. What fails holds back the rest of its conversation, and all of that is
   * tried again later.
   */
  async function deliverAll() {
    const held = new Set();
    for (let entry; (entry = entries.find(({ url }) => !held.has(url)));)
      try {
        await deliverOne(entry);
      } catch (error) {
        // Whoever would rather not sign in now is not asked again before they say so.
        if (error.name === "AbortError") return entries.forEach((each) => viewOf(each).failed?.(each));
        held.add(entry.url);
        for (const each of entries) if (each.url === entry.url) viewOf(each).failed?.(each);
      }
    failures = held.size > 0 ? failures + 1 : 0;
    if (held.size > 0) again = setTimeout(deliver, Math.min(500 * 2 ** failures, 30_000));
  }

  function deliver() {
    clearTimeout(again);
    delivering ??= deliverAll().finally(() => (delivering = null));
    return delivering;
  }
  addEventListener("online", deliver);
  document.addEventListener("duet:signed-in", deliver);

  /** Not to be sent, after all; nor by a tab that was made from this one. */
  function takeBack(entry) {
    remove(entry);
    tabs.postMessage({ takenBack: entry.key });
  }
  tabs.addEventListener("message", ({ data }) => {
    const entry = data.takenBack && entries.find(({ key }) => key === data.takenBack);
    if (!entry) return;
    entry.item?.remove();
    remove(entry);
  });

  function add(entry) {
    entries.push(entry);
    keep();
    void deliver();
  }

  /** `view`: of the conversation that is open. */
  const outbox = { entries, drafts, view: null, add, takeBack, deliver };
  window.duet.outbox = outbox;
  // The page that shows it takes its place first.
  queueMicrotask(deliver);
})();
