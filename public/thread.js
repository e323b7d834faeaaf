// The composer: what is sent shows at once, what fails stays and can be sent again, what was typed survives a reload.
// Without this script it is a form.
(() => {
  "use strict";
  const { byId, elementOf, isComposing, sendsByEnter, outbox } = window.duet;
  const composer = byId("composer");
  if (!composer) return;

  const text = composer.elements.namedItem("body");
  const error = byId("composer-error");
  const list = byId("messages");
  const words = composer.dataset;
  const url = new URL(composer.action).pathname;

  // --- Drafts -----------------------------------------------------------------------------------------------------

  if (!text.value) text.value = outbox.drafts.get(url);
  text.addEventListener("input", () => {
    outbox.drafts.set(url, text.value);
    complain("");
  });

  function complain(message) {
    error.textContent = message;
    if (message) text.setAttribute("aria-invalid", "true");
    else text.removeAttribute("aria-invalid");
  }

  // --- Sending ----------------------------------------------------------------------------------------------------

  function draw(entry) {
    const item = document.createElement("li");
    item.className = "message own pending";
    const head = item.appendChild(document.createElement("div"));
    head.className = "message-head";
    const author = head.appendChild(document.createElement("span"));
    author.className = "author";
    author.textContent = words.you;
    const state = head.appendChild(document.createElement("span"));
    state.className = "state muted small";
    const body = item.appendChild(document.createElement("p"));
    body.className = "body";
    body.dir = "auto";
    body.textContent = entry.body;
    entry.item = item;
    list.append(item);
    byId("no-messages")?.remove();
    scrollDown();
  }

  function show(entry, state, isFailed) {
    const { item } = entry;
    item.classList.toggle("failed", isFailed);
    const status = item.querySelector(".state");
    status.textContent = state;
    if (!isFailed) return;
    for (const [word, act] of [
      [words.again, outbox.deliver],
      [words.back, () => outbox.takeBack(entry)],
    ]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.textContent = word;
      button.addEventListener("click", act);
      status.append(" ", button);
    }
  }

  /** In the order of their ids, which is that of time (UUIDv7). */
  const shown = () => [...list.querySelectorAll("[id^=message-]")];

  /** Where it belongs: one's own answer may come before what others said a moment earlier, or after it. */
  function insert(item) {
    const next = shown().find(({ id }) => id > item.id) ?? list.querySelector(".pending");
    if (next) next.before(item);
    else list.append(item);
    byId("no-messages")?.remove();
    // The event stream was faster than the answer: one message is not shown twice until that comes.
    const said = item.matches(".own") && item.querySelector(".body").textContent;
    const waiting = outbox.entries.find((entry) => entry.item && entry.body === said);
    waiting?.item.remove();
    if (waiting) waiting.item = undefined;
  }

  const { refused } = outbox.view;
  Object.assign(outbox.view, {
    waiting: (entry) => entry.item && show(entry, words.sending, false),
    failed: (entry) => entry.item && show(entry, words.failed, true),
    /** The event stream may have brought it already. */
    arrived({ item }, markup) {
      // On a page from the middle it has no place.
      if (document.querySelector(".latest")) return location.assign(url);
      if (!item) return;
      const wasAtEnd = isAtEnd();
      item.remove();
      const fresh = elementOf(markup);
      if (!byId(fresh.id)) insert(fresh);
      if (wasAtEnd) scrollDown();
    },
    refused(entry, message) {
      refused(entry);
      if (!entry.item) return;
      entry.item.remove();
      text.value = outbox.drafts.get(url);
      complain(message);
      text.focus();
    },
  });

  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    if (text.value.trim() === "") return;
    const entry = { url, key: crypto.randomUUID(), body: text.value };
    draw(entry);
    text.value = "";
    outbox.drafts.set(url, "");
    outbox.add(entry);
  });

  text.addEventListener("keydown", (event) => {
    if (!sendsByEnter(event) || isComposing(event)) return;
    event.preventDefault();
    composer.requestSubmit();
  });

  const scroller = document.querySelector(".scroll");
  /** It is laid out from its end: there its position is 0. */
  const isAtEnd = () => Math.abs(scroller.scrollTop) < 80;
  const scrollDown = () => scroller.scrollTo({ top: 0 });

  // What a reload or a closed laptop has cut off is shown again, and goes on.
  for (const entry of outbox.entries) if (entry.url === url) draw(entry);

  // A tap on the button does not close the telephone's keyboard.
  composer.querySelector("button").addEventListener("pointerdown", (event) => {
    if (document.activeElement === text) event.preventDefault();
  });

  const isTaken = location.hash || document.querySelector("[autofocus]");
  if (matchMedia("(pointer: fine)").matches && !isTaken) text.focus();

  window.duet.thread = { shown, insert, scroller, isAtEnd, scrollDown };
})();
