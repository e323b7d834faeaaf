// The page: what htmx lacks, and small comforts. outbox.js, thread.js, changes.js, live.js and lab.js follow in the same script.
// Everything here is an extra: every page works without it.
(() => {
  "use strict";
  const { root, byId, send } = window.duet;

  const DATE_AND_TIME = { dateStyle: "medium", timeStyle: "short" };

  // --- htmx -----------------------------------------------------------------------------------------------------

  const refuse = () => {
    throw new Error("strings are not evaluated here");
  };

  // Trusted Types: markup from our own server may be inserted, scripts in it may not run.
  const policy = self.trustedTypes?.createPolicy("htmx", {
    createHTML: (markup) => markup,
    createScript: (script) => (script.trim() ? refuse() : script),
  });

  function fragmentOf(markup) {
    const template = document.createElement("template");
    template.innerHTML = policy ? policy.createHTML(markup) : markup;
    return template.content;
  }

  const textOf = (markup) => fragmentOf(markup).textContent;

  /** The one element that a fragment of our own server is; alive to htmx a moment later, when it is in its place. */
  function elementOf(markup) {
    const element = fragmentOf(markup).firstElementChild;
    queueMicrotask(() => htmx.process(element));
    localizeTimes(element);
    return element;
  }

  /** Where the focus is to be after what has it now is replaced. */
  let returnTo;
  let underWay = 0;
  const showBusy = () => root.toggleAttribute("data-busy", underWay > 0);

  htmx.registerExtension("duet", {
    init(api) {
      api.initSecurity(policy, refuse, refuse);
    },

    htmx_before_request(element, { ctx }) {
      const around = element.closest(".more, .message, #members, #new-conversation");
      const isFocused = around?.contains(document.activeElement);
      returnTo = isFocused && around;
      // What more there is comes after the item before it; older messages before the first.
      if (isFocused && around.matches(".more"))
        returnTo = around.previousElementSibling ?? around.closest(".scroll");
      underWay++;
      showBusy();
      byId("notice").replaceChildren();
      const { pathname } = new URL(ctx.request.action, location.href);
      if (!root.dataset.generationCookie || pathname === "/login") return;
      ctx.request.headers["Duet-Viewer"] = root.dataset.viewer;
      const inner = ctx.fetch ?? window.fetch.bind(window);
      ctx.fetch = (url, options) => send(url, options, ctx, inner);
    },

    /** The network failed, not the session: say so, keep everything. */
    htmx_error(element, { error }) {
      if (error?.name !== "AbortError") byId("notice").textContent = byId("notice").dataset.offline;
    },

    htmx_finally_request() {
      underWay--;
      showBusy();
    },

    htmx_after_swap() {
      localizeTimes();
      const edited = document.querySelector(".editing textarea:focus:not([data-begun])");
      edited?.setSelectionRange(edited.value.length, edited.value.length);
      edited?.setAttribute("data-begun", "");
      // Whoever changed a message goes on from there, and from the composer where there is nothing left to change.
      if (!returnTo || document.activeElement !== document.body) return;
      const controls = "[aria-invalid], textarea, .tool, :scope > a, input:not([type=hidden])";
      const place = returnTo.isConnected ? returnTo : byId(returnTo.id);
      (place?.matches(".scroll") ? place : (place?.querySelector(controls) ?? byId("body")))?.focus();
      returnTo = undefined;
    },
  });

  // --- Comforts -------------------------------------------------------------------------------------------------

  document.addEventListener(
    "submit",
    (event) => {
      const question = event.target.dataset.confirm;
      if (!question || confirm(question)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );

  // What the browser does for a page that is on its way, for a phone that shows nothing of it.
  addEventListener("beforeunload", () => {
    if (!document.activeElement?.download) root.setAttribute("data-busy", "");
  });
  addEventListener("offline", () => (byId("notice").textContent = byId("notice").dataset.offline));
  addEventListener("online", () => byId("notice").replaceChildren());

  // What is being put right is no longer called wrong.
  document.addEventListener("input", ({ target }) => {
    byId(`${target.id}-error`)?.remove();
    target.removeAttribute("aria-invalid");
  });

  document.addEventListener("click", ({ target }) => {
    if (target.closest("[data-close]")) target.closest("dialog").close();
    if (target.closest("#notice")) byId("notice").replaceChildren();
    for (const open of document.querySelectorAll("details.menu[open]"))
      if (!open.contains(target)) open.open = false;
  });

  /** Keys belong to whoever writes Chinese until the word is chosen; Safari says so by the key code alone. */
  const isComposing = (event) => event.isComposing || event.keyCode === 229;
  /** On a telephone there is no Shift+Enter, so Enter starts a line there. */
  const sendsByEnter = ({ key, shiftKey }) =>
    key === "Enter" && !shiftKey && matchMedia("(pointer: fine)").matches;
  const isTyping = (target) => target.matches("input, textarea");

  /** Moves the focus along the links of a list. */
  function moveAlong(list, from, step) {
    const links = [...list.querySelectorAll(":scope > li > a")];
    links[links.indexOf(from) + step]?.focus();
  }

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (isComposing(event)) return;
    if (key === "/" && !isTyping(target) && !event.ctrlKey && !event.metaKey && byId("q")) {
      event.preventDefault();
      byId("q").select();
    }
    const list = target.closest?.(".list");
    const editing = target.closest?.(".editing");
    if (editing && key === "Escape") editing.querySelector("a").click();
    if (editing && key === "Enter" && isTyping(target) && sendsByEnter(event)) {
      event.preventDefault();
      editing.querySelector("form").requestSubmit();
    }
    if (list && (key === "ArrowDown" || key === "ArrowUp")) {
      event.preventDefault();
      moveAlong(list, target.closest("a"), key === "ArrowDown" ? 1 : -1);
    }
    if (key === "ArrowDown" && target.id === "q") {
      event.preventDefault();
      (document.querySelector("#found .list a") ?? document.querySelector("#conversations a"))?.focus();
    }
    if (key !== "Escape") return;
    byId("notice").replaceChildren();
    if (target.id === "q" && target.value) {
      target.value = "";
      target.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const open = document.querySelector("details.menu[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  // --- Times in the reader's zone and language --------------------------------------------------------------------

  let today = new Date().toDateString();

  function localizeTimes(within = document) {
    for (const time of within.querySelectorAll("time:not([data-local])")) {
      const at = new Date(time.dateTime);
      const isToday = at.toDateString() === today;
      const timeStyle = "precise" in time.dataset ? "medium" : "short";
      const style = isToday ? { timeStyle } : DATE_AND_TIME;
      time.textContent = at.toLocaleString(root.lang, style);
      time.title = at.toLocaleString(root.lang, { dateStyle: "full", timeStyle: "medium" });
      time.dataset.local = "";
    }
  }
  localizeTimes();
  // After midnight what was today's has a date.
  setInterval(() => {
    if (new Date().toDateString() === today) return;
    today = new Date().toDateString();
    for (const time of document.querySelectorAll("time")) delete time.dataset.local;
    localizeTimes();
  }, 60_000);

  Object.assign(window.duet, { elementOf, textOf, isComposing, sendsByEnter });
})();
