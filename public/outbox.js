// What was sent and has not arrived: one queue for each tab, delivered in order on whatever page the tab is, until the
// server has it. A key of its own makes a message that is sent twice one message.
(() => {
  "use strict";
  const { root, byId, ask, elementOf } = window.duet;
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
  };

  /** In order: `{ url, key, body }`, and for the time of this page the `item` that shows it. */
  const entries = JSON.parse(sessionStorage.getItem(place) ?? "[]");
  const keep = () => store(place, JSON.stringify(entries.map(({ url, key, body }) => ({ url, key, body }))));

  /** What the page that shows a conversation does; on other pages nothing is to be seen of it. */
  const view = {
    waiting() {},
    failed() {},
    arrived() {},
    /** Not to be sent as it is: back to where it can be changed. */
    refused: ({ url, body }) => drafts.set(url, [drafts.get(url), body].filter(Boolean).join("\n")),
  };

  const post = ({ url, key, body }) =>
    ask(url, {
      method: "POST",
      // Goes out even if the page is left at once; browsers allow it up to 64 KiB.
      keepalive: body.length < 5000,
      body: new URLSearchParams({ body, idempotency_key: key }),
    });

  /** What the server will never take as it is, in contrast to what it cannot take now. */
  const isRefused = ({ status }) => status >= 400 && status < 500 && status !== 401 && status !== 429;

  async function deliverFirst() {
    const [entry] = entries;
    view.waiting(entry);
    const response = await post(entry);
    const markup = await response.text();
    if (!response.ok && !isRefused(response)) throw new Error(`${response.status}`);
    if (entries[0] === entry) entries.shift();
    keep();
    if (response.ok) return view.arrived(entry, markup);
    if (response.status !== 422) byId("notice").replaceChildren(elementOf(markup));
    view.refused(entry, response.status === 422 ? markup : "");
  }

  let delivering = null;
  let failures = 0;
  let again;

  /** Delivers what waits, one after the other. What fails stops the rest, and all of it is tried again later. */
  function deliver() {
    clearTimeout(again);
    delivering ??= (async () => {
      try {
        while (entries.length > 0) await deliverFirst();
        failures = 0;
      } catch (error) {
        entries.forEach(view.failed);
        // Whoever would rather not sign in now is not asked again before they say so.
        if (error.name !== "AbortError")
          again = setTimeout(deliver, Math.min(1000 * 2 ** failures++, 30_000));
      }
    })().finally(() => (delivering = null));
    return delivering;
  }
  addEventListener("online", deliver);
  document.addEventListener("duet:signed-in", deliver);

  /** Not to be sent, after all. */
  function takeBack(entry) {
    if (!entries.includes(entry)) return;
    entries.splice(entries.indexOf(entry), 1);
    keep();
    view.refused(entry, "");
  }

  function add(entry) {
    entries.push(entry);
    keep();
    void deliver();
  }

  // The pages that show it take their places first.
  queueMicrotask(deliver);

  window.duet.outbox = { entries, drafts, view, add, takeBack, deliver };
})();
