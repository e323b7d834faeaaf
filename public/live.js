// One event stream for all tabs of a browser: the tab that holds the lock reads it and tells the others. A browser has six
// connections to a host over HTTP/1.1, so a stream in each tab would leave nothing for the pages.
(() => {
  "use strict";
  const { root, byId, tabs, generation, refresh, signInAgain, send, elementOf, SessionEnded, thread } =
    window.duet;
  if (root.dataset.place === undefined) return;

  /** Everything up to this change is on the page. */
  let place = Number(root.dataset.place);
  const open = root.dataset.conversation;
  const channel = new BroadcastChannel(`duet-live-${root.dataset.viewer}`);

  // --- What an event does to the page ---------------------------------------------------------------------------------

  /** Not on every page: the others listen for the end of their session. */
  const items = byId("conversations");
  const title = document.title;

  function showItem({ conversation, item }, moves) {
    if (!items) return;
    const fresh = elementOf(item);
    const old = byId(fresh.id);
    if (conversation === open) {
      fresh.querySelector("a").setAttribute("aria-current", "page");
      fresh.querySelector(".unread")?.remove();
    }
    const hadFocus = old?.contains(document.activeElement);
    const isNewer = !old || Number(fresh.dataset.updated) > Number(old.dataset.updated);
    if (moves && isNewer) {
      old?.remove();
      items.prepend(fresh);
    } else old?.replaceWith(fresh);
    if (hadFocus) fresh.querySelector("a").focus();
    byId("no-conversations")?.remove();
    countUnread();
  }

  function countUnread() {
    const n = items.querySelectorAll(".unread").length;
    document.title = n > 0 ? `(${n}) ${title}` : title;
  }

  function showMessage({ conversation, html }) {
    if (conversation !== open) return;
    const fresh = elementOf(html);
    const old = byId(fresh.id);
    // What is being changed here is shown by the answer to that.
    if (old?.matches(".editing, :has(.htmx-request)")) return;
    if (old) {
      const hadFocus = old.contains(document.activeElement);
      old.replaceWith(fresh);
      if (hadFocus) (fresh.querySelector(".tool") ?? byId("body")).focus();
      return;
    }
    const [first] = thread.shown();
    // Of an older page, or one that was changed far above, nothing is shown here.
    if (
      document.querySelector(".latest") ||
      (first?.id > fresh.id && document.querySelector("#messages > .more"))
    )
      return;
    const wasAtEnd = thread.isAtEnd();
    thread.insert(fresh);
    if (wasAtEnd) thread.scrollDown();
    else offerNewer();
    markRead();
  }

  function offerNewer() {
    if (byId("newer")) return;
    const button = document.createElement("button");
    button.id = "newer";
    button.type = "button";
    button.textContent = byId("composer").dataset.newer;
    button.addEventListener("click", () => {
      thread.scrollDown();
      button.remove();
    });
    byId("composer").before(button);
  }

  let reading = null;

  /** What is on a screen that somebody can see has been read. */
  function markRead() {
    if (!open || document.visibilityState !== "visible") return;
    reading ??= send(
      `/conversations/${open}/read`,
      { method: "POST", headers: { "HX-Request": "true", "Duet-Viewer": root.dataset.viewer } },
      {},
      fetch,
    )
      .catch(() => undefined)
      .finally(() => (reading = null));
  }
  document.addEventListener("visibilitychange", markRead);

  /** Whoever is on their way to another page is not sent to a third. */
  let leaving = false;
  document.addEventListener("submit", (event) => (leaving ||= !event.defaultPrevented));

  const SHOW = {
    message(data) {
      showItem(data, true);
      showMessage(data);
    },
    conversation(data) {
      showItem(data, true);
      if (data.conversation !== open) return;
      byId("thread-title").textContent = data.title;
    },
    members(data) {
      showItem(data, true);
      if (data.conversation === open && !byId("members").open)
        htmx.ajax("GET", `/conversations/${open}/members`, { target: "#members", swap: "outerHTML" });
    },
    read: (data) => showItem(data, false),
    conversation_removed({ conversation }) {
      byId(`conversation-${conversation}`)?.remove();
      if (items) countUnread();
      if (conversation === open && !leaving) location.replace("/conversations");
    },
    reset: () => location.reload(),
  };

  function apply({ kind, id, data }) {
    if (id <= place && kind !== "reset") return;
    place = id;
    SHOW[kind]?.(data);
  }

  // --- Who reads, and how the others know -------------------------------------------------------------------------------

  /** What the reader has told lately, for a tab that comes later. */
  let told = [];
  let begunAt = Infinity;
  let source = null;
  let failures = 0;

  function tell(event) {
    told = [...told.slice(-499), event];
    channel.postMessage({ event });
    apply(event);
  }

  function listen(from) {
    source?.close();
    begunAt = from;
    told = [];
    const seen = generation();
    source = new EventSource(`/live?after=${from}`);
    for (const kind of Object.keys(SHOW))
      source.addEventListener(kind, ({ lastEventId, data }) =>
        tell({ kind, id: Number(lastEventId), data: JSON.parse(data) }),
      );
    source.addEventListener("ready", () => (failures = 0));
    source.addEventListener("token_expired", () => renew(seen));
    source.addEventListener("session_ended", ({ data }) => {
      channel.postMessage({ ended: JSON.parse(data) });
      ended(JSON.parse(data));
    });
    // While it reconnects by itself there is nothing to do; a refusal ends it.
    source.addEventListener("error", ({ target }) => {
      if (target === source && target.readyState === EventSource.CLOSED) renew(seen);
    });
  }

  /** A good token, then the stream again from where the page is. */
  async function renew(seen) {
    source?.close();
    try {
      await new Promise((resolve) =>
        setTimeout(resolve, failures === 0 ? 0 : Math.min(500 * 2 ** failures, 15_000)),
      );
      failures++;
      await refresh(seen);
    } catch (error) {
      if (error instanceof SessionEnded) return ended(error);
    }
    listen(place);
  }

  async function ended(why) {
    source?.close();
    if (why.reason === "logout" && generation() === "") return location.replace("/login");
    const refusal = why instanceof SessionEnded ? why : new SessionEnded(why);
    try {
      await signInAgain(refusal);
      if (source) listen(place);
    } catch {
      // Not now: the next thing that needs a token will ask again.
    }
  }

  channel.addEventListener("message", ({ data }) => {
    if (data.event) apply(data.event);
    if (data.ended) void ended(data.ended);
    if (data.hello !== undefined && source) {
      // A page that is older than what is kept here: once more from there, for all.
      if (data.hello < begunAt) listen(data.hello);
      else for (const event of told) if (event.id > data.hello) channel.postMessage({ event });
    }
    if (data.whoIsThere) channel.postMessage({ hello: place });
  });

  /** Reads for all, for as long as the tab lives or until another one takes over. */
  function lead(options = {}) {
    navigator.locks
      .request("duet-live", options, () => {
        listen(place);
        channel.postMessage({ whoIsThere: true });
        return new Promise(() => {});
      })
      .catch(() => {
        source?.close();
        source = null;
        lead();
      });
  }
  lead();
  // A tab that nobody sees may be put to sleep with the lock in its hand: the one that is looked at takes it.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && !source) lead({ steal: true });
  });
  channel.postMessage({ hello: place });
  tabs.addEventListener("message", ({ data }) => {
    if (data.signedOut) source?.close();
  });
  markRead();
})();
