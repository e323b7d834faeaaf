import { LIMITS } from "../limits.ts";
import type { DuetError, EndReason } from "../errors.ts";
import type { Elevated } from "../core/auth/step-up.ts";
import type { IssuedTokens } from "../core/auth/sessions.ts";
import type { TokenPair } from "../core/auth/tokens.ts";
import { isLanguage, type Language } from "../locales/index.ts";

/** The part of Elysia's `set` that cookies need; the only place that writes the header. */
type ResponseSettings = { headers: Record<string, unknown> };

export type Scheme = "light" | "dark";

export type Cookies = ReturnType<typeof createCookies>;

const LANGUAGE_COOKIE = "duet_language";
const SCHEME_COOKIE = "duet_scheme";
const ENDED_SECONDS = 10 * 60;
const SESSION_KEEP_SECONDS = LIMITS.sessionKeepMs / 1000;
const GUEST_PATH = "/lab/guest";
const YEAR_SECONDS = 365 * 24 * 60 * 60;

/**
 * The cookies of a signed-in browser (RFC 6265bis), and one that a browser keeps for minutes after. The access token goes
 * everywhere and no script reads it; the refresh token goes to `/auth` only; the generation, no secret, tells a tab that
 * another one has refreshed.
 *
 * A sibling subdomain can plant a refresh cookie, since one for a path has no `__Host-` prefix: on https it counts only
 * if it is of the session that the cookie `sid`, which has one, names. On http, which is for localhost, the names have no
 * prefix but the port, which cookies do not tell apart.
 */
export function createCookies(issuer: string) {
  const { protocol, port, hostname } = new URL(issuer);
  const secure = protocol === "https:";
  const suffix = secure || port === "" ? "" : `_${port}`;
  const names = {
    access: secure ? "__Host-duet_access" : `duet_access${suffix}`,
    refresh: secure ? "__Secure-duet_refresh" : `duet_refresh${suffix}`,
    generation: secure ? "__Host-duet_gen" : `duet_gen${suffix}`,
    sid: "__Host-duet_sid",
    ended: secure ? "__Host-duet_ended" : `duet_ended${suffix}`,
    stolen: secure ? "__Secure-duet_stolen" : `duet_stolen${suffix}`,
    guestAccess: secure ? "__Secure-duet_lab_access" : `duet_lab_access${suffix}`,
    guestRefresh: secure ? "__Secure-duet_lab_refresh" : `duet_lab_refresh${suffix}`,
    guestStolen: secure ? "__Secure-duet_lab_stolen" : `duet_lab_stolen${suffix}`,
  };
  const cookie = (name: string, value: string, path: string, maxAgeSeconds: number, readable = false) =>
    `${name}=${value}; Path=${path}; Max-Age=${maxAgeSeconds}; SameSite=Lax${secure ? "; Secure" : ""}${readable ? "" : "; HttpOnly"}`;

  return {
    names,

    accessToken: (request: Request): string | undefined => readCookie(request, names.access),

    /** Whether this browser was signed in, as far as cookies that go everywhere tell. */
    hasSession: (request: Request): boolean => readCookie(request, names.sid) !== undefined,

    /** Those that may be this browser's, more than one where another was planted. */
    refreshTokens(request: Request): string[] {
      const all = this.allRefreshTokens(request);
      if (!secure) return all;
      const sid = readCookie(request, names.sid) ?? "none";
      return all.filter((token) => sidIn(token) === sid);
    },

    /** With those that may not be, for signing out, which ends what it is shown. */
    allRefreshTokens: (request: Request): string[] => valuesOf(request, names.refresh),

    /** A token of the session that this browser had last, if it has ended: for the sign-in page to say how. */
    endedToken: (request: Request): string | undefined => readCookie(request, names.ended),

    /** `clearEnded` with a sign-in, after which nobody asks how the session before it ended. */
    setTokens(
      set: ResponseSettings,
      issued: IssuedTokens,
      { clearEnded = false, accessSeconds = issued.accessExpiresIn } = {},
    ) {
      set.headers["set-cookie"] = [
        cookie(names.access, issued.accessToken, "/", accessSeconds),
        // Longer than the token lives: it then says which session has expired, and opens nothing.
        cookie(names.refresh, issued.refreshToken, "/auth", issued.refreshExpiresIn + SESSION_KEEP_SECONDS),
        cookie(names.generation, generationOf(issued), "/", accessSeconds, true),
        ...(secure
          ? [cookie(names.sid, issued.sessionId, "/", issued.refreshExpiresIn + SESSION_KEEP_SECONDS)]
          : []),
        ...(clearEnded ? [cookie(names.ended, "", "/", 0)] : []),
      ];
    },

    /** An access token alone, for who has just proved who they are; the generation is as it was. */
    setAccess(
      set: ResponseSettings,
      { accessToken, accessExpiresIn }: Elevated,
      of: { sessionId: string; generation: number },
    ) {
      set.headers["set-cookie"] = [
        cookie(names.access, accessToken, "/", accessExpiresIn),
        cookie(names.generation, generationOf(of), "/", accessExpiresIn, true),
      ];
    },

    /**
     * Only for a session that has ended: a refresh that merely failed must leave the cookies as they are. `endedToken` is
     * one of it: an id, which stands in claims and logs, would show anybody how that session ended.
     */
    clear(set: ResponseSettings, endedToken?: string) {
      set.headers["set-cookie"] = [
        cookie(names.access, "", "/", 0),
        cookie(names.refresh, "", "/auth", 0),
        cookie(names.generation, "", "/", 0, true),
        ...(secure ? [cookie(names.sid, "", "/", 0)] : []),
        ...(endedToken ? [cookie(names.ended, endedToken, "/", ENDED_SECONDS)] : []),
      ];
    },

    /**
     * After a refusal: cleared only with a session that has ended, or whose user is gone; not after a new password or factor, which may
     * have come from this browser (those of its next session, then on their way, must not be cleared with the old ones), nor
     * where the end may be a clock's mistake.
     */
    refused(set: ResponseSettings, { code, details: { end } }: DuetError, held: string) {
      if (end && (isOwnChange(end.reason) || !end.isRecorded)) this.noteEnd(set, held);
      else if (end || code === "user_not_found") this.clear(set, end && held);
    },

    /** Only notes that it has ended. */
    noteEnd(set: ResponseSettings, endedToken: string) {
      set.headers["set-cookie"] = [cookie(names.ended, endedToken, "/", ENDED_SECONDS)];
    },

    /** Where there is more than one refresh cookie, clears those that a sibling may have planted for our parents. */
    clearPlanted(set: ResponseSettings, request: Request) {
      if (valuesOf(request, names.refresh).length < 2) return;
      const labels = hostname.split(".");
      const domains = labels.slice(0, -1).map((_, i) => labels.slice(i).join("."));
      const planted = domains.flatMap((domain) =>
        ["/", "/auth"].map((path) => `${cookie(names.refresh, "", path, 0)}; Domain=${domain}`),
      );
      set.headers["set-cookie"] = [
        ...((set.headers["set-cookie"] as string[] | undefined) ?? []),
        ...planted,
      ];
    },

    /** For somebody who has gone: what their tabs have stored goes too. */
    signOut(set: ResponseSettings, endedToken?: string) {
      this.clear(set, endedToken);
      set.headers["clear-site-data"] = '"cache", "storage"';
    },

    /** The access token goes as it goes when its time is over. */
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

    /** A guest's of the lab: names and a path of their own, so that no other route ever sees them. */
    guest: {
      accessToken: (request: Request): string | undefined => readCookie(request, names.guestAccess),
      refreshToken: (request: Request): string | undefined => readCookie(request, names.guestRefresh),
      stolen: (request: Request): string | undefined => readCookie(request, names.guestStolen),
      setTokens(set: ResponseSettings, issued: TokenPair) {
        set.headers["set-cookie"] = [
          cookie(names.guestAccess, issued.accessToken, GUEST_PATH, issued.accessExpiresIn),
          cookie(names.guestRefresh, issued.refreshToken, GUEST_PATH, issued.refreshExpiresIn),
        ];
      },
      expireAccess(set: ResponseSettings) {
        set.headers["set-cookie"] = [cookie(names.guestAccess, "", GUEST_PATH, 0)];
      },
      setStolen(set: ResponseSettings, token: string) {
        set.headers["set-cookie"] = [cookie(names.guestStolen, token, GUEST_PATH, ENDED_SECONDS)];
      },
    },

    /** `system` forgets what was chosen before. */
    setScheme(set: ResponseSettings, scheme: Scheme | "system") {
      const seconds = scheme === "system" ? 0 : YEAR_SECONDS;
      set.headers["set-cookie"] = [cookie(SCHEME_COOKIE, seconds > 0 ? scheme : "", "/", seconds)];
    },

    setLanguage(set: ResponseSettings, language: Language) {
      set.headers["set-cookie"] = [cookie(LANGUAGE_COOKIE, language, "/", YEAR_SECONDS)];
    },
  };
}

/** The session is part of the value: after another sign-in the count starts at 1 again. */
const generationOf = ({ sessionId, generation }: { sessionId: string; generation: number }) =>
  `${sessionId.slice(-12)}.${generation}`;

/** What whoever changed it goes on after, in a new session. */
const isOwnChange = (reason: EndReason) => reason === "password_changed" || reason === "factors_changed";

/** The language chosen on a page, if one was. */
export function chosenLanguage(request: Request): Language | undefined {
  const value = readCookie(request, LANGUAGE_COOKIE);
  return isLanguage(value) ? value : undefined;
}

/** How the pages are to look, if that was chosen on one. */
export function chosenScheme(request: Request): Scheme | null {
  const value = readCookie(request, SCHEME_COOKIE);
  return value === "light" || value === "dark" ? value : null;
}

/** The value of exactly that name. Two different values under one name are somebody's trick and count as none. */
function readCookie(request: Request, name: string): string | undefined {
  const values = valuesOf(request, name);
  return values.length === 1 ? values[0] : undefined;
}

/** The different values of exactly that name. */
function valuesOf(request: Request, name: string): string[] {
  const header = request.headers.get("cookie");
  const values: string[] = [];
  if (header === null) return values;
  for (const pair of header.split(";")) {
    const from = pair.search(/\S/);
    if (!pair.startsWith(name, from) || pair[from + name.length] !== "=") continue;
    const value = pair.slice(from + name.length + 1).trimEnd();
    if (value !== "" && !values.includes(value)) values.push(value);
  }
  return values;
}

/** Which session a token says it is of: a hint, nothing is checked. */
function sidIn(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).sid;
  } catch {
    return undefined;
  }
}
