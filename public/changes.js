// What is on the page follows what happens: each event of the stream, and what it does to what is shown.
(() => {
  "use strict";
  const { root, byId, ask, elementOf, thread } = window.duet;
  if (root.dataset.place === undefined) return;

  const open = root.dataset.conversation;
  const isSeen = () => document.visibilityState === "visible";
  /** A page from the middle, which ends before the latest messages. */
  const isOlderPage = !!document.querySelector(".latest");
  /** What is on a screen that somebody can see has been read. */
  const showsLatest = () => isSeen() && !isOlderPage && thread.isAtEnd();

  /** Not on every page: the others listen for the end of their session. */
  const items = byId("conversations");
  let title = document.title;

  /** The list has the newest activity first. What belongs further down than is loaded stays out of it. */
  function showItem({ conversation, item }) {
    if (!items) return;
    const fresh = elementOf(item);
    const old = byId(fresh.id);
    if (conversation === open) {
      fresh.querySelector("a").setAttribute("aria-current", "page");
      if (showsLatest()) fresh.querySelector(".unread")?.remove();
    }
    const hadFocus = old?.contains(document.activeElement);
    old?.remove();
    const isOlder = ({ dataset }) => Number(dataset.updated) < Number(fresh.dataset.updated);
    const next = [...items.children].find((each) => each.matches(".more") || isOlder(each));
    if (old || !next?.matches(".more")) items.insertBefore(fresh, next ?? null);
    if (hadFocus) fresh.querySelector("a").focus();
    byId("no-conversations")?.remove();
    countUnread();
  }

  function countUnread() {
    const n = items?.querySelectorAll(".unread").length;
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
    if (isOlderPage || (first?.id > fresh.id && document.querySelector("#messages > .more"))) return;
    const wasAtEnd = thread.isAtEnd();
    thread.receive(fresh);
    if (!wasAtEnd) return offerNewer();
    thread.scrollDown();
    void markRead();
  }

  function offerNewer() {
    if (byId("newer")) return;
    const button = document.createElement("button");
    button.id = "newer";
    button.type = "button";
    button.textContent = byId("composer").dataset.newer;
    button.addEventListener("click", () => {
      thread.scroller.focus();
      thread.scrollDown();
    });
    byId("composer").before(button);
  }
  thread?.scroller.addEventListener("scroll", () => {
    if (!thread.isAtEnd() || (hasRead && !byId("newer"))) return;
    byId("newer")?.remove();
    void markRead();
  });

  let hasRead = false;
  let reading = false;
  let isReadAgain = false;

  /** What comes while a mark is under way is marked by a second one. */
  async function markRead() {
    if (!open || !showsLatest()) return;
    hasRead = true;
    isReadAgain = reading;
    if (reading) return;
    reading = true;
    await ask(`/conversations/${open}/read`, { method: "POST" }).catch(() => undefined);
    reading = false;
    if (isReadAgain) void markRead();
  }
  document.addEventListener("visibilitychange", markRead);

  /** An invitation that is being typed is not taken away. */
  async function showMembers() {
    const members = byId("members");
    if (members.open) return members.addEventListener("toggle", showMembers, { once: true });
    const hadFocus = members.contains(document.activeElement);
    await htmx.ajax("GET", `/conversations/${open}/members`, { target: "#members", swap: "outerHTML" });
    if (hadFocus) byId("members").querySelector("summary").focus();
  }

  /** Whoever is on their way to another page is not sent to a third. */
  let leaving = false;
  document.addEventListener("submit", ({ defaultPrevented }) => {
    if (defaultPrevented) return;
    leaving = true;
    setTimeout(() => (leaving = false), 10_000);
  });

  /** What was deleted is back, or one is in it again. */
  function comeBack() {
    const button = byId("composer").querySelector("button");
    if (button.disabled) byId("notice").replaceChildren();
    button.disabled = false;
  }

  const SHOW = {
    message(data) {
      showItem(data);
      showMessage(data);
    },
    conversation(data) {
      if (data.conversation === open) {
        comeBack();
        byId("thread-title").textContent = data.title;
        title = `${data.title} · Duet`;
      }
      showItem(data);
    },
    members(data) {
      showItem(data);
      if (data.conversation !== open) return;
      comeBack();
      void showMembers();
    },
    read: showItem,
    conversation_removed({ conversation }) {
      byId(`conversation-${conversation}`)?.remove();
      countUnread();
      if (conversation !== open || leaving) return;
      const composer = byId("composer");
      if (byId("body").value.trim() === "") return location.replace("/conversations?gone=1");
      // What is being typed stays for as long as the page does.
      byId("notice").textContent = composer.dataset.gone;
      composer.querySelector("button").disabled = true;
    },
    heartbeat() {},
    reset: () => location.reload(),
  };

  countUnread();
  // Where the address names a message, the browser has gone to it by then.
  addEventListener("load", markRead);

  window.duet.changes = { show: SHOW, isSeen, isLeaving: () => leaving };
})();
