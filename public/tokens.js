// The two tokens in a browser: one refresh for all requests and all tabs, and a sign-in over the page where it was.
// No script reads a token. It sees the generation: absent when the access token has expired, another one when anything
// (this tab, another, a navigation) has refreshed since. Loaded in one script after htmx, before app.js.
(() => {
  "use strict";
  const root = document.documentElement;
  const generationCookie = root.dataset.generationCookie;
  const byId = (id) => document.getElementById(id);

  const generation = () => {
    const cookie = document.cookie.split("; ").find((pair) => pair.startsWith(`${generationCookie}=`));
    return cookie?.slice(generationCookie.length + 1) ?? "";
  };
  /** The session in front of the generation: another sign-in is another one. */
  const session = generation().split(".")[0];
  const isNewer = (seen) => generation() !== "" && generation() !== seen;

  class SessionEnded extends Error {
    constructor(problem) {
      const { reason, reason_detail, ended_at, ended_by } = problem;
      const style = { dateStyle: "medium", timeStyle: "short" };
      const when = ended_at && new Date(ended_at).toLocaleString(root.lang, style);
      super([reason_detail, when, ended_by?.device, ended_by?.ip].filter(Boolean).join(" · "));
      this.isTheft = reason === "reuse_detected";
      this.problem = problem;
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
      if (!dialog) {
        const goes = document.dispatchEvent(new Event("duet:session-ended", { cancelable: true }));
        if (goes) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
        return reject(new DOMException("elsewhere", "AbortError"));
      }
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

  // --- All tabs -------------------------------------------------------------------------------------------------

  const tabs = new BroadcastChannel("duet");
  tabs.addEventListener("message", ({ data }) => {
    // At the sign-in, somebody has signed in in another tab.
    if (!generationCookie && data.viewer && location.pathname === "/login")
      location.replace(document.querySelector("main [name=next]").value);
    if (!generationCookie) return;
    // Only if the cookies are really gone: a sign-out may fail.
    if (data.signedOut && generation() === "") location.replace("/login");
    if (data.viewer && data.viewer !== root.dataset.viewer) location.replace("/conversations");
    // Signed in again in one tab is signed in again in all of them.
    if (data.viewer)
      document.dispatchEvent(new CustomEvent("duet:signed-in", { detail: { userId: data.viewer } }));
  });
  if (root.dataset.viewer) tabs.postMessage({ viewer: root.dataset.viewer });
  document.addEventListener("submit", ({ target, defaultPrevented }) => {
    if (!defaultPrevented && target.matches("[data-sign-out]"))
      addEventListener("pagehide", () => tabs.postMessage({ signedOut: true }));
  });

  // A page brought back by the back button after its session is gone asks the server again.
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted && generationCookie && generation().split(".")[0] !== session) location.reload();
  });

  window.duet = { root, byId, tabs, generation, refresh, signInAgain, send, ask, SessionEnded };
})();
