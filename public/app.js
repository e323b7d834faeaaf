// What htmx lacks: one refresh for all requests and all tabs, a sign-in over the page where it was, and small comforts.
// Loaded in one script with htmx, after it; outbox.js, thread.js, live.js and lab.js follow. Everything here is an extra: every page works without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const generationCookie = root.dataset.generationCookie;
  const byId = (id) => document.getElementById(id);

  const DATE_AND_TIME = { dateStyle: "medium", timeStyle: "short" };

  // --- The two tokens -------------------------------------------------------------------------------------------
  // The script reads neither. It sees the generation: absent when the access token has expired, another one when
  // anything (this tab, another, a navigation) has refreshed since.

  const generation = () => {
    const cookie = document.cookie.split("; ").find((pair) => pair.startsWith(`${generationCookie}=`));
    return cookie?.slice(generationCookie.length + 1) ?? "";
  };
  /** The session in front of the generation: another sign-in is another one. */
  const session = generation().split(".")[0];
  const isNewer = (seen) => generation() !== "" && generation() !== seen;

  class SessionEnded extends Error {
    constructor({ reason, reason_detail, ended_at, ended_by }) {
      const when = ended_at && new Intl.DateTimeFormat(root.lang, DATE_AND_TIME).format(new Date(ended_at));
      super([reason_detail, when, ended_by?.device, ended_by?.ip].filter(Boolean).join(" · "));
      this.isTheft = reason === "reuse_detected";
    }
  }

  let refreshing = null;

  /** Sees to it that a newer generation than `seen` is there: one request, however many ask, in however many tabs. */
  function refresh(seen) {
    if (isNewer(seen)) return Promise.resolve();
    refreshing ??= navigator.locks
      .request("duet-refresh", async () => {
        if (isNewer(seen)) return;
        const response = await fetch("/auth/refresh", {
          method: "POST",
          signal: AbortSignal.timeout(15_000),
        });
        if (response.ok) return;
        // Only a refusal ends the session; a failing server or network does not.
        if (response.status !== 401) throw new Error(`refresh: ${response.status}`);
        throw new SessionEnded(await response.json());
      })
      .finally(() => (refreshing = null));
    return refreshing;
  }

  let asking = null;

  /** Asks for the password over the page. Resolves when the same person is back; rejects when they would rather not. */
  function signInAgain({ message, isTheft }) {
    asking ??= new Promise((resolve, reject) => {
      const dialog = byId("sign-in-again");
      if (!dialog)
        return location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
      const banner = dialog.querySelector("[data-reason]");
      banner.textContent = message;
      banner.hidden = !message;
      banner.className = isTheft ? "banner warning" : "banner info";
      const signedIn = ({ target, detail }) => {
        if (detail.userId !== root.dataset.viewer) return location.assign("/conversations");
        resolve();
        if (dialog.contains(target)) tabs.postMessage({ viewer: detail.userId });
        dialog.close();
      };
      document.addEventListener("duet:signed-in", signedIn, { once: true });
      dialog.addEventListener(
        "close",
        () => {
          document.removeEventListener("duet:signed-in", signedIn);
          dialog.querySelector("form").reset();
          for (const old of dialog.querySelectorAll(".error")) old.remove();
          reject(new DOMException("not now", "AbortError"));
        },
        { once: true },
      );
      dialog.showModal();
    }).finally(() => (asking = null));
    return asking;
  }

  async function renew(seen, context) {
    try {
      await refresh(seen);
    } catch (error) {
      if (!(error instanceof SessionEnded)) throw error;
      clearTimeout(context.requestTimeout); // a person takes longer than a server
      await signInAgain(error);
    }
  }

  const asksForRefresh = (response) =>
    response.status === 401 && /error="invalid_token"/.test(response.headers.get("www-authenticate") ?? "");

  /** Sends a request with a good token: refreshes where it must, then sends the same request again, body and all. */
  async function send(url, options, context, inner) {
    let seen = generation();
    if (!seen && options.method !== "GET") {
      await renew(seen, context); // known to be expired: do not upload twice
      seen = generation();
    }
    let response = await inner(url, options);
    for (let attempt = 0; attempt < 2 && asksForRefresh(response); attempt++) {
      await response.body?.cancel();
      await renew(seen, context);
      options.signal?.throwIfAborted();
      seen = generation();
      response = await inner(url, options);
    }
    return response;
  }

  /** What the scripts ask by themselves. The time limit is the server's, not that of a person who signs in meanwhile. */
  const ask = (url, options) => {
    const headers = { "HX-Request": "true", "Duet-Viewer": root.dataset.viewer };
    const limited = (to, asked) => fetch(to, { ...asked, signal: AbortSignal.timeout(20_000) });
    return send(url, { method: "GET", ...options, headers }, {}, limited);
  };

  // --- htmx -----------------------------------------------------------------------------------------------------

  const refuse = () => {
    throw new Error("strings are not evaluated here");
  };

  // Trusted Types: markup from our own server may be inserted, scripts in it may not run.
  const policy = self.trustedTypes?.createPolicy("htmx", {
    createHTML: (markup) => markup,
    createScript: (script) => (script.trim() ? refuse() : script),
  });

  /** The one element that a fragment of our own server is; alive to htmx a moment later, when it is in its place. */
  function elementOf(markup) {
    const template = document.createElement("template");
    template.innerHTML = policy ? policy.createHTML(markup) : markup;
    const element = template.content.firstElementChild;
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
      // What more there is comes after the item before it.
      returnTo = isFocused && (around.matches(".more") ? around.previousElementSibling : around)?.id;
      underWay++;
      showBusy();
      byId("notice").replaceChildren();
      const { pathname } = new URL(ctx.request.action, location.href);
      if (!generationCookie || pathname === "/login") return;
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
      const edited = document.querySelector(".editing textarea:focus");
      edited?.setSelectionRange(edited.value.length, edited.value.length);
      // Whoever changed a message goes on from there, and from the composer where there is nothing left to change.
      if (!returnTo || document.activeElement !== document.body) return;
      const controls = "[aria-invalid], textarea, .tool, :scope > a, input:not([type=hidden])";
      (byId(returnTo)?.querySelector(controls) ?? byId("body"))?.focus();
      returnTo = undefined;
    },
  });

  // --- All tabs -------------------------------------------------------------------------------------------------

  const tabs = new BroadcastChannel("duet");
  tabs.addEventListener("message", ({ data }) => {
    // At the sign-in, somebody has signed in in another tab.
    if (!generationCookie && data.viewer && location.pathname === "/login")
      location.replace(document.forms.namedItem("sign-in").elements.namedItem("next").value);
    if (!generationCookie) return;
    // Only if the cookies are really gone: a sign-out may fail.
    if (data.signedOut && generation() === "") location.replace("/login");
    if (data.viewer && data.viewer !== root.dataset.viewer) location.replace("/conversations");
    // Signed in again in one tab is signed in again in all of them.
    if (data.viewer)
      document.dispatchEvent(new CustomEvent("duet:signed-in", { detail: { userId: data.viewer } }));
  });
  if (root.dataset.viewer) tabs.postMessage({ viewer: root.dataset.viewer });
  document.addEventListener(
    "submit",
    (event) => {
      const { target } = event;
      if (target.dataset.confirm && !confirm(target.dataset.confirm)) {
        event.preventDefault();
        event.stopImmediatePropagation();
      } else if (target.matches("[data-sign-out]"))
        addEventListener("pagehide", () => tabs.postMessage({ signedOut: true }));
    },
    true,
  );

  // What the browser does for a page that is on its way, for a phone that shows nothing of it.
  addEventListener("beforeunload", () => {
    underWay++;
    setTimeout(showBusy, 300);
    setTimeout(() => underWay-- && showBusy(), 10_000); // it was a download
  });
  addEventListener("offline", () => (byId("notice").textContent = byId("notice").dataset.offline));
  addEventListener("online", () => byId("notice").replaceChildren());

  // A page brought back by the back button after its session is gone asks the server again.
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted && generationCookie && generation().split(".")[0] !== session) location.reload();
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
  const isTyping = (target) => target.matches("input, textarea, select, [contenteditable]");

  /** Moves the focus along the links of a list. */
  function moveAlong(list, from, step) {
    const links = [...list.querySelectorAll(":scope > li > a")];
    links[Math.min(Math.max(links.indexOf(from) + step, 0), links.length - 1)]?.focus();
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

  let today;

  function localizeTimes(within = document) {
    today = new Date().toDateString();
    for (const time of within.querySelectorAll("time:not([data-local])")) {
      const at = new Date(time.dateTime);
      const isToday = at.toDateString() === today;
      const timeStyle = "precise" in time.dataset ? "medium" : "short";
      const style = isToday ? { timeStyle } : DATE_AND_TIME;
      time.textContent = new Intl.DateTimeFormat(root.lang, style).format(at);
      time.title = new Intl.DateTimeFormat(root.lang, { dateStyle: "full", timeStyle: "long" }).format(at);
      time.dataset.local = "";
    }
  }
  localizeTimes();
  // After midnight what was today's has a date.
  setInterval(() => {
    if (new Date().toDateString() === today) return;
    for (const time of document.querySelectorAll("time")) delete time.dataset.local;
    localizeTimes();
  }, 60_000);

  // For the scripts that follow in the same file.
  window.duet = {
    root,
    byId,
    tabs,
    generation,
    refresh,
    signInAgain,
    ask,
    elementOf,
    isComposing,
    sendsByEnter,
    SessionEnded,
  };
})();
