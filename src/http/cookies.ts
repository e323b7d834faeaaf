import { LIMITS } from "../limits.ts";
import type { IssuedTokens } from "../core/auth/sessions.ts";
import { isLanguage, type Language } from "../locales/index.ts";

/** The part of Elysia's `set` that cookies need; the only place that writes the header. */
type ResponseSettings = { headers: Record<string, unknown> };

export type Cookies = ReturnType<typeof createCookies>;

const LANGUAGE_COOKIE = "duet_language";
const ENDED_SECONDS = 10 * 60;
const SESSION_KEEP_SECONDS = LIMITS.sessionKeepMs / 1000;
const YEAR_SECONDS = 365 * 24 * 60 * 60;

/**
 * The three cookies of a signed-in browser (RFC 6265bis), and one that a browser keeps for minutes after. The access token goes everywhere and no script reads it;
 * the refresh token goes to `/auth` only; the generation, no secret, tells a tab that another one has refreshed.
 * Without `secure`, which is for http on localhost only, the names lose their prefix.
 */
export function createCookies(secure: boolean) {
  const names = {
    access: secure ? "__Host-duet_access" : "duet_access",
    refresh: secure ? "__Secure-duet_refresh" : "duet_refresh",
    generation: secure ? "__Host-duet_gen" : "duet_gen",
    ended: secure ? "__Host-duet_ended" : "duet_ended",
    stolen: secure ? "__Secure-duet_stolen" : "duet_stolen",
  };
  const cookie = (name: string, value: string, path: string, maxAgeSeconds: number, readable = false) =>
    `${name}=${value}; Path=${path}; Max-Age=${maxAgeSeconds}; SameSite=Lax${secure ? "; Secure" : ""}${readable ? "" : "; HttpOnly"}`;

  return {
    names,

    read: (request: Request) => ({
      accessToken: readCookie(request, names.access),
      refreshToken: readCookie(request, names.refresh),
    }),

    /** The session that this browser had last, if it has ended: for the sign-in page to say how. */
    endedSession: (request: Request): string | undefined => readCookie(request, names.ended),

    /** `clearEnded` with a sign-in, after which nobody asks how the session before it ended. */
    setTokens(set: ResponseSettings, issued: IssuedTokens, { clearEnded = false } = {}) {
      // The session is part of the value: after another sign-in the count starts at 1 again.
      const generation = `${issued.sessionId.slice(-12)}.${issued.generation}`;
      set.headers["set-cookie"] = [
        cookie(names.access, issued.accessToken, "/", issued.accessExpiresIn),
        // Longer than the token lives: it then says which session has expired, and opens nothing.
        cookie(names.refresh, issued.refreshToken, "/auth", issued.refreshExpiresIn + SESSION_KEEP_SECONDS),
        cookie(names.generation, generation, "/", issued.accessExpiresIn, true),
        ...(clearEnded ? [cookie(names.ended, "", "/", 0)] : []),
      ];
    },

    /** Only for a session that has ended: a refresh that merely failed must leave the cookies as they are. */
    clear(set: ResponseSettings, endedSessionId?: string) {
      set.headers["set-cookie"] = [
        cookie(names.access, "", "/", 0),
        cookie(names.refresh, "", "/auth", 0),
        cookie(names.generation, "", "/", 0, true),
        ...(endedSessionId ? [cookie(names.ended, endedSessionId, "/", ENDED_SECONDS)] : []),
      ];
    },

    /** Only notes that it has ended. */
    noteEnd(set: ResponseSettings, endedSessionId: string) {
      set.headers["set-cookie"] = [cookie(names.ended, endedSessionId, "/", ENDED_SECONDS)];
    },

    /** For somebody who has gone: what their tabs have stored goes too. */
    signOut(set: ResponseSettings, endedSessionId?: string) {
      this.clear(set, endedSessionId);
      set.headers["clear-site-data"] = '"cache", "storage"';
    },

    /** For the lab: the access token goes as it goes when its time is over. */
    expireAccess(set: ResponseSettings) {
      set.headers["set-cookie"] = [
        cookie(names.access, "", "/", 0),
        cookie(names.generation, "", "/", 0, true),
      ];
    },

    /** For the lab: a copy of the refresh token, put aside where no script reads it, as a thief would have one. */
    stolen: (request: Request): string | undefined => readCookie(request, names.stolen),
    setStolen(set: ResponseSettings, token: string) {
      set.headers["set-cookie"] = [cookie(names.stolen, token, "/auth/lab", ENDED_SECONDS)];
    },

    setLanguage(set: ResponseSettings, language: Language) {
      set.headers["set-cookie"] = [cookie(LANGUAGE_COOKIE, language, "/", YEAR_SECONDS)];
    },
  };
}

/** The language chosen on a page, if one was. */
export function chosenLanguage(request: Request): Language | undefined {
  const value = readCookie(request, LANGUAGE_COOKIE);
  return isLanguage(value) ? value : undefined;
}

/** The value of exactly that name. Two different values under one name are somebody's trick and count as none. */
function readCookie(request: Request, name: string): string | undefined {
  const values = new Set<string>();
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const [key, ...rest] = pair.trim().split("=");
    if (key === name) values.add(rest.join("="));
  }
  return values.size === 1 ? [...values][0] || undefined : undefined;
}
