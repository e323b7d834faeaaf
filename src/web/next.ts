/**
 * Where to go on to: a path of our own, or `fallback`. What counts is where a browser would end up, so the path is
 * resolved first and the result is checked: `/..//evil.example` becomes `//evil.example`. `/auth` is left out, for
 * it would only come back here.
 */
export function safeNext(next: string | null | undefined, fallback = "/conversations"): string {
  if (!next?.startsWith("/")) return fallback;
  const base = "http://duet.invalid";
  const url = URL.parse(next, base);
  if (!url || url.origin !== base) return fallback;
  const path = url.pathname + url.search;
  const isOwn = /^\/(?![/\\])/.test(path) && URL.parse(path, base)?.origin === base;
  return isOwn && !/^\/auth(?:[/?]|$)/.test(path) ? path : fallback;
}

/** What stands in a link that invites, if that is where somebody wants to go. */
export function inviteIn(next: string): string | null {
  const url = URL.parse(next, "http://duet.invalid");
  return url?.pathname === "/join" ? url.searchParams.get("token") : null;
}

/** The page that a form was on: unlike the form's own address it can be gone to. */
export function refererOf(request: Request): string {
  const referer = URL.parse(request.headers.get("referer") ?? "");
  return safeNext(referer && referer.pathname + referer.search);
}

/** Where to go where a refresh was refused: to sign in, and then on. Where nobody was signed in at all, the lab is open. */
export const signInUrl = (next: string, isNobody = false): string =>
  isNobody && /^\/lab(?:\?|$)/.test(next)
    ? next.replace("/lab", "/lab/guest")
    : `/login?${new URLSearchParams({ next })}`;
