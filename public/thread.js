// The composer: what is sent shows at once, what fails stays and can be sent again, what was typed survives a reload.
// Without this script it is a form.
(() => {
  "use strict";
  const { root, byId, send, elementOf } = window.duet;
  const composer = byId("composer");
  if (!composer) return;

  const text = composer.elements.namedItem("body");
  const error = byId("composer-error");
  const list = byId("messages");
  const words = composer.dataset;
  const url = composer.getAttribute("action");

  /** Kept in this tab only, and gone with the sign-out (`Clear-Site-Data`). */
  const stored = (name) => `${name}:${root.dataset.viewer}:${url}`;
  const store = (name, value) =>
    value ? sessionStorage.setItem(stored(name), value) : sessionStorage.removeItem(stored(name));

  // --- Drafts -----------------------------------------------------------------------------------------------------

  if (!text.value) text.value = sessionStorage.getItem(stored("draft")) ?? "";
  text.addEventListener("input", () => {
    store("draft", text.value);
    complain("");
  });

  function complain(message) {
    error.textContent = message;
    text.toggleAttribute("aria-invalid", message !== "");
    if (message) text.setAttribute("aria-invalid", "true");
  }

  // --- Sending ----------------------------------------------------------------------------------------------------

  /** What has not arrived yet, in order: `{ key, body }`. The key makes a message that is sent twice one message. */
  const outbox = JSON.parse(sessionStorage.getItem(stored("outbox")) ?? "[]");
  const keep = () =>
    store("outbox", outbox.length > 0 ? JSON.stringify(outbox.map(({ key, body }) => ({ key, body }))) : "");

  function draw(entry) {
    const item = document.createElement("li");
    item.className = "message own pending";
    const head = item.appendChild(document.createElement("div"));
    head.className = "message-head";
    const author = head.appendChild(document.createElement("span"));
    author.className = "author";
    author.textContent = words.you;
    const state = head.appendChild(document.createElement("span"));
    state.className = "muted small";
    state.setAttribute("role", "status");
    const body = item.appendChild(document.createElement("p"));
    body.className = "body";
    body.dir = "auto";
    body.textContent = entry.body;
    entry.item = item;
    list.append(item);
    byId("no-messages")?.remove();
    scrollDown();
    return entry;
  }

  function show(entry, words_, again) {
    const state = entry.item.querySelector("[role=status]");
    state.textContent = words_;
    entry.item.classList.toggle("failed", !!again);
    if (!again) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = words.again;
    button.addEventListener("click", () => deliver(entry));
    state.append(" ", button);
  }

  async function deliver(entry) {
    show(entry, words.sending);
    const options = {
      method: "POST",
      headers: { "HX-Request": "true", "Duet-Viewer": root.dataset.viewer },
      body: new URLSearchParams({ body: entry.body, idempotency_key: entry.key }),
    };
    try {
      const response = await send(url, options, {}, fetch);
      const markup = await response.text();
      if (response.ok) return arrived(entry, markup);
      if (response.status === 422) return takeBack(entry, markup);
      if (response.status === 404 || response.status === 409) {
        byId("notice").replaceChildren(elementOf(markup));
        return takeBack(entry, "");
      }
      show(entry, words.failed, true);
    } catch (failure) {
      // Rather not signed in again now: it waits where it was typed.
      if (failure.name === "AbortError") takeBack(entry, "");
      else show(entry, words.failed, true);
    }
  }

  const shown = () => [...list.querySelectorAll("[id^=message-]")];

  /** Where it belongs: one's own answer may come before what others said a moment earlier, or after it. */
  function insert(item) {
    const next = shown().find(({ id }) => id > item.id) ?? list.querySelector(".pending");
    if (next) next.before(item);
    else list.append(item);
    byId("no-messages")?.remove();
  }

  function forget(entry) {
    entry.item.remove();
    outbox.splice(outbox.indexOf(entry), 1);
    keep();
  }

  /** The event stream may have brought it already. */
  function arrived(entry, markup) {
    const item = elementOf(markup);
    if (!byId(item.id)) insert(item);
    forget(entry);
    scrollDown();
  }

  /** Not to be sent as it is: back to where it can be changed. */
  function takeBack(entry, message) {
    forget(entry);
    text.value = text.value ? `${entry.body}\n${text.value}` : entry.body;
    store("draft", text.value);
    complain(message);
    text.focus();
  }

  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    if (text.value.trim() === "") return;
    const entry = draw({ key: crypto.randomUUID(), body: text.value });
    outbox.push(entry);
    keep();
    text.value = "";
    store("draft", "");
    void deliver(entry);
  });

  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    composer.requestSubmit();
  });

  const scroller = document.querySelector(".scroll");
  /** It is laid out from its end: there its position is 0. */
  const isAtEnd = () => Math.abs(scroller.scrollTop) < 80;
  const scrollDown = () => scroller.scrollTo({ top: 0 });

  // What a reload or a closed laptop has cut off goes on, in order.
  outbox.forEach(draw);
  (async () => {
    for (const entry of outbox.slice()) await deliver(entry);
  })();
  addEventListener("online", () => {
    for (const entry of outbox.slice()) if (entry.item.classList.contains("failed")) void deliver(entry);
  });

  if (matchMedia("(pointer: fine)").matches && !location.hash) text.focus();

  window.duet.thread = { shown, insert, isAtEnd, scrollDown };
})();
