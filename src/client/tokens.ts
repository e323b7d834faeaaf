// The two tokens in a browser: one refresh for all requests and all tabs, and a sign-in over the page where it was.
// No script reads a token. It sees the generation: absent when the access token has expired, another one when anything
// (this tab, another, a navigation) has refreshed since.
//
// DOM: dialog#sign-in-again [data-reason], where the page has one; form[data-sign-out]; on the sign-in page the form's
// [name=next].

import { byId, root, viewer } from "./page.ts";
import { asksForProof, prove } from "./proving.ts";
import { tabs } from "./tabs.ts";
import { DATE_AND_TIME } from "./times.ts";
import type { EndedSession } from "./wire.ts";

const generationCookie = root.dataset["generationCookie"];

/** The generation cookie, `<end of the session's id>.<generation>`; empty without a good access token. */
export function generation(): string {
  const cookie = document.cookie.split("; ").find((pair) => pair.startsWith(`${generationCookie}=`));
  return cookie?.slice(generationCookie!.length + 1) ?? "";
}

/** Its first part, which changes with each sign-in. */
export const sessionIn = (cookie: string) => cookie.split(".")[0];
const session = sessionIn(generation());
const isNewer = (seen: string) => generation() !== "" && generation() !== seen;

export class SessionEnded extends Error {
  constructor(readonly ended: EndedSession) {
    const { reason_detail, ended_at, ended_by } = ended;
    const when = ended_at && new Date(ended_at).toLocaleString(root.lang, DATE_AND_TIME);
    super([reason_detail, when, ended_by?.device, ended_by?.ip].filter(Boolean).join(" · "));
  }
}

let refreshing: Promise<void> | null = null;

/**
 * Sees to it that a newer generation than `seen` is there: one request, however many ask, in however many tabs.
 * Rejects with SessionEnded if the session is over, with anything else if that is not known.
 */
export function refresh(seen: string): Promise<void> {
  if (isNewer(seen)) return Promise.resolve();
  refreshing ??= inTurn(async () => {
    if (isNewer(seen)) return;
    const response = await fetch("/auth/refresh", { method: "POST", signal: AbortSignal.timeout(15_000) });
    if (response.ok) return;
    // Only a refusal ends the session; a failing server or network does not.
    if (response.status !== 401) throw new Error(`refresh: ${response.status}`);
    throw new SessionEnded((await response.json()) as EndedSession);
  }).finally(() => (refreshing = null));
  return refreshing;
}

/**
 * One tab after the other, but not for ever: a tab may have been put to sleep in its turn. Two at once get the same
 * successor from the server, so that waiting saves a request and is never needed.
 */
async function inTurn(work: () => Promise<void>) {
  let isOurs = false;
  const turn = () => ((isOurs = true), work());
  try {
    await navigator.locks.request("duet-refresh", { signal: AbortSignal.timeout(3000) }, turn);
  } catch (error) {
    if (isOurs) throw error;
    await work();
  }
}

/** Somebody would rather not sign in now: nothing failed. */
const putOff = () => new DOMException("", "AbortError");

let asking: Promise<void> | null = null;

/** Asks for the password over the page. Resolves when the same person is back; rejects when they would rather not. */
export function signInAgain({ message, ended }: SessionEnded): Promise<void> {
  asking ??= new Promise<void>((resolve, reject) => {
    const dialog = byId<HTMLDialogElement>("sign-in-again");
    if (!dialog) {
      const goes = document.dispatchEvent(new Event("duet:session-ended", { cancelable: true }));
      if (goes) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
      return reject(putOff());
    }
    const banner = dialog.querySelector<HTMLElement>("[data-reason]")!;
    banner.textContent = message;
    banner.hidden = !message;
    banner.className = `banner ${ended.reason === "reuse_detected" ? "warning" : "info"}`;
    const signedIn = ({ target, detail }: DocumentEventMap["duet:signed-in"]) => {
      if (detail.userId !== viewer) return location.assign("/conversations");
      resolve();
      if (dialog.contains(target as Node)) tabs.tell({ viewer: detail.userId });
      dialog.close();
    };
    document.addEventListener("duet:signed-in", signedIn, { once: true });
    dialog.addEventListener(
      "close",
      () => {
        document.removeEventListener("duet:signed-in", signedIn);
        dialog.querySelector("form")!.reset();
        for (const old of dialog.querySelectorAll(".error")) old.remove();
        reject(putOff());
      },
      { once: true },
    );
    dialog.showModal();
  }).finally(() => (asking = null));
  return asking;
}

async function renew(seen: string, timeout: number | undefined) {
  try {
    await refresh(seen);
  } catch (error) {
    if (!(error instanceof SessionEnded)) throw error;
    clearTimeout(timeout); // a person takes longer than a server
    await signInAgain(error);
  }
}

const asksForRefresh = (response: Response) =>
  response.status === 401 && /error="invalid_token"/.test(response.headers.get("www-authenticate") ?? "");

export type Fetch = (url: string, options: RequestInit) => Promise<Response>;

/**
 * Sends a request with a good token: refreshes where it must, then sends the same request again, body and all. The
 * timer `timeout` is stopped while a person signs in. Where a proof of who it is is asked for, that comes first.
 */
export async function send(url: string, options: RequestInit, inner: Fetch, timeout?: number) {
  let seen = generation();
  if (!seen && options.method !== "GET") {
    await renew(seen, timeout); // known to be expired: do not upload twice
    seen = generation();
  }
  let response = await inner(url, options);
  for (let attempt = 0; attempt < 2 && asksForRefresh(response); attempt++) {
    await response.body?.cancel();
    await renew(seen, timeout);
    options.signal?.throwIfAborted();
    seen = generation();
    response = await inner(url, options);
  }
  if (!asksForProof(response)) return response;
  clearTimeout(timeout);
  return (await prove()) ? inner(url, options) : response;
}

/** What the scripts ask by themselves. The time limit is the server's, not that of a person who signs in meanwhile. */
export function ask(url: string, options: RequestInit = {}): Promise<Response> {
  const headers = { "HX-Request": "true", "Duet-Viewer": viewer! };
  const limited: Fetch = (to, asked) => fetch(to, { ...asked, signal: AbortSignal.timeout(20_000) });
  return send(url, { method: "GET", ...options, headers }, limited);
}

/** Follows what happens to the session in the other tabs of this browser, and what comes back by the back button. */
export function startTokens() {
  tabs.hear(({ viewer: other, signedOut }) => {
    // At the sign-in, somebody has signed in in another tab.
    if (!generationCookie && other && location.pathname === "/login")
      location.replace(document.querySelector<HTMLInputElement>("main [name=next]")!.value);
    if (!generationCookie) return;
    // Only if the cookies are really gone: a sign-out may fail.
    if (signedOut && generation() === "") location.replace("/login");
    if (other && other !== viewer) location.replace("/conversations");
    // Signed in again in one tab is signed in again in all of them.
    if (other) document.dispatchEvent(new CustomEvent("duet:signed-in", { detail: { userId: other } }));
  });
  if (viewer) tabs.tell({ viewer });
  document.addEventListener("submit", ({ target, defaultPrevented }) => {
    if (defaultPrevented || !(target as Element).matches("[data-sign-out]")) return;
    addEventListener("pagehide", () => {
      tabs.tell({ signedOut: true });
      // What was typed goes too; over plain http no header does that.
      if (generation() === "") localStorage.clear();
    });
  });

  // A page brought back by the back button after its session is gone asks the server again.
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted && generationCookie && sessionIn(generation()) !== session) location.reload();
  });
}
