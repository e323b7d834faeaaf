// The composer: what is sent shows at once, what fails stays and can be sent again, what was typed survives a reload.
// Without this script it is a form.
(() => {
  "use strict";
  const { byId, elementOf, isComposing, sendsByEnter, outbox } = window.duet;
  const composer = byId("composer");
  if (!composer) return;

  const text = byId("body");
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

  const make = (parent, name, className, text) => {
    const element = parent.appendChild(document.createElement(name));
    element.className = className;
    element.textContent = text;
    return element;
  };

  function draw(entry) {
    const item = make(list, "li", "message own pending", "");
    const head = make(item, "div", "message-head", "");
    make(head, "span", "author", words.you);
    make(head, "span", "state muted small", words.sending);
    for (const [word, act] of [
      [words.again, outbox.deliver],
      [words.back, () => takeBack(entry)],
    ]) {
      const button = make(head, "button", "quiet", word);
      button.type = "button";
      button.addEventListener("click", act);
    }
    make(item, "p", "body", entry.body).dir = "auto";
    entry.item = item;
    byId("no-messages")?.remove();
    scrollDown();
  }

  function show(entry, state, isFailed) {
    if (!entry.item) return;
    entry.item.classList.toggle("failed", isFailed);
    entry.item.querySelector(".state").textContent = state;
  }

  /** Back to where it was typed. */
  function takeBack(entry) {
    outbox.takeBack(entry);
    outbox.drafts.add(url, entry.body);
    outbox.view.refused(entry, "");
  }

  /** In the order of their ids, which is that of time (UUIDv7). */
  const shown = () => [...list.querySelectorAll("[id^=message-]")];

  /** Where it belongs: one's own answer may come before what others said a moment earlier, or after it. */
  function insert(item) {
    const next = shown().find(({ id }) => id > item.id) ?? list.querySelector(".pending");
    if (next) next.before(item);
    else list.append(item);
    byId("no-messages")?.remove();
  }

  /** What the event stream brings. If it is faster than the answer, one message is not shown twice until that comes. */
  function receive(item) {
    insert(item);
    const said = item.matches(".own") && item.querySelector(".body").textContent;
    const own = outbox.entries.find((entry) => entry.item && entry.isTried && entry.body === said);
    own?.item.remove();
    if (own) Object.assign(own, { item: undefined, failures: 0 });
  }

  outbox.view = {
    url,
    waiting: (entry) => show(entry, words.sending, false),
    failed(entry) {
      // Its like came by the stream. If it goes on failing, that was another one.
      if (!entry.item && ++entry.failures > 3) draw(entry);
      show(entry, words.failed, true);
    },
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
    refused({ item }, reason) {
      item?.remove();
      text.value = outbox.drafts.get(url);
      complain(reason);
      text.focus();
    },
  };

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

  const isTaken = location.hash || document.querySelector("main [autofocus]");
  if (matchMedia("(pointer: fine)").matches && !isTaken) text.focus();

  window.duet.thread = { shown, receive, scroller, isAtEnd, scrollDown };
})();
