import { networks } from "./core/addresses.ts";
import { ALGORITHMS } from "./core/auth/keys.ts";
import { LOG_LEVELS } from "./core/log.ts";
import { LIMITS } from "./limits.ts";

/** Reads one setting's text; throws an Error that says what it should be. */
type Parse<T> = (text: string) => T;

export type Setting<T> = { parse: Parse<T>; default: string | undefined; doc: string };

const setting = <T>(parse: Parse<T>, fallback: string, doc: string): Setting<T> => ({
  parse,
  default: fallback,
  doc,
});
const optional = <T>(parse: Parse<T>, doc: string): Setting<T | undefined> => ({
  parse,
  default: undefined,
  doc,
});

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

/**
 * Every setting, once: name, type with its bounds, default, and what it is for. `accessTtlSeconds` is
 * `DUET_ACCESS_TTL` in the environment and `--access-ttl` on the command line, which wins.
 */
export const SETTINGS = {
  port: setting(integer(0, 65_535), "3000", "Port to listen on; 0 takes a free one"),
  host: setting(text, "127.0.0.1", "Address to listen on"),
  data: setting(text, "./duet-data", "Data folder: database, secret, lock"),
  databaseUrl: optional(
    postgresUrl,
    "PostgreSQL instead of the data folder, for any number of servers: postgres://user:password@host/database",
  ),
  publicUrl: optional(
    origin,
    "Origin that browsers use (default http://localhost:PORT); issuer of the tokens",
  ),
  secret: optional(
    secret,
    "Seals the signing keys, 32 characters or more (default: written to the data folder)",
  ),
  accessTtlSeconds: setting(
    duration(1, LIMITS.accessTtlHoursMax * 60 * MINUTE),
    "30m",
    "Life of an access token",
  ),
  refreshTtlSeconds: setting(
    duration(2, LIMITS.refreshTtlDaysMax * DAY),
    "7d",
    "Life of a refresh token: how long a session may idle",
  ),
  sessionTtlSeconds: setting(
    duration(2, 3650 * DAY),
    "90d",
    "Life of a session, however often it is refreshed",
  ),
  refreshOverlapSeconds: setting(
    duration(0, 60),
    "10s",
    "How long a refresh token still answers after its successor's first use, in sessions of a browser; 0 is strict",
  ),
  programOverlapSeconds: setting(
    duration(0, LIMITS.accessTtlHoursMax * 60 * MINUTE),
    "2m",
    "The same in sessions of programs, of which several may hold one token; 0 is strict",
  ),
  keyOverlapSeconds: optional(
    duration(0, LIMITS.refreshTtlDaysMax * DAY),
    "The same for programs that prove the key which holds their session (default: without end)",
  ),
  jwtAlg: optional(
    oneOf(ALGORITHMS),
    "Signature of access tokens: ES256, EdDSA or RS256 (default: as the folder has it, a new one ES256)",
  ),
  keyRotationSeconds: setting(
    duration(60 * MINUTE, 3650 * DAY),
    "90d",
    "How long a key signs before the next one does; nobody is signed out by it",
  ),
  passwordMin: setting(integer(8, 64), "8", "Least characters in a new password"),
  registration: setting(
    oneOf(["open", "closed"]),
    "open",
    "Whether new accounts can be made: open or closed",
  ),
  introspectionSecret: optional(
    secret,
    "What resource servers authenticate with at /oauth/introspect (default: an access token)",
  ),
  metricsToken: optional(
    secret,
    "What Prometheus shows at /metrics, 32 characters or more (default: there is none)",
  ),
  tracesUrl: optional(
    httpUrl,
    "Where spans of requests are sent: a collector's OTLP address over HTTP, such as http://127.0.0.1:4318/v1/traces (default: nowhere)",
  ),
  securityContact: optional(
    contact,
    "Whom to tell of a weakness, in /.well-known/security.txt: mailto:… or https://… (default: there is none)",
  ),
  smtpUrl: optional(
    smtpUrl,
    "Mail server: smtp://user:password@host:587 or smtps://… (default: none, and nothing that needs one is shown)",
  ),
  mailFrom: optional(mailbox, "Sender of letters: duet@example.com, or Duet <duet@example.com>"),
  allowedOrigins: optional(
    origins,
    "Origins of browser apps that may use the API with tokens, comma-separated (default: none)",
  ),
  trustedProxies: optional(
    addresses,
    "Proxies whose X-Forwarded-For is believed: addresses or networks, comma-separated (default: none)",
  ),
  rateLimits: setting(
    oneOf(["on", "off"]),
    "on",
    "Limits on sign-ins, refreshes, messages and streams: on or off",
  ),
  eventRetentionSeconds: setting(
    duration(60 * MINUTE, 3650 * DAY),
    "90d",
    "How long security events are kept",
  ),
  backupEverySeconds: optional(
    duration(60, 365 * DAY),
    "How often a backup of the data folder is made by itself (default: never)",
  ),
  backupFolder: optional(text, "Where to (default: backups in the data folder)"),
  backupsKept: setting(integer(1, 1000), "7", "How many of these are kept"),
  log: setting(oneOf(LOG_LEVELS), "info", "Least level that is logged: silent, error, warn, info or debug"),
} satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;

/** The settings as they are used: each of the type that its parser answers. */
export type Config = { [K in SettingName]: ReturnType<(typeof SETTINGS)[K]["parse"]> };

/** `accessTtlSeconds` → `access_ttl`: the unit is a word of the code, not of the setting. */
const wordsOf = (name: string) =>
  name.replace(/Seconds$/, "").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
export const variableOf = (name: SettingName) => `DUET_${wordsOf(name).toUpperCase()}`;
export const flagOf = (name: SettingName) => `--${wordsOf(name).replaceAll("_", "-")}`;

// What a setting's text can be. Each throws an Error that says so.

function text(value: string): string {
  if (value.trim() === "") throw new Error("must not be empty");
  return value;
}

function integer(min: number, max: number): Parse<number> {
  return (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max)) throw new Error(`must be a whole number from ${min} to ${max}`);
    return number;
  };
}

const UNIT_SECONDS: Record<string, number> = { "": 1, s: 1, m: MINUTE, h: 60 * MINUTE, d: DAY };

/** `30m`, `7d`, `10s`, `12h` or plain seconds. */
function duration(minSeconds: number, maxSeconds: number): Parse<number> {
  return (value) => {
    const [, digits, unit] = /^(\d{1,9})([smhd]?)$/.exec(value) ?? [];
    const seconds = Number(digits) * UNIT_SECONDS[unit ?? ""]!;
    if (!(seconds >= minSeconds && seconds <= maxSeconds))
      throw new Error(
        `must be a time from ${minSeconds} to ${maxSeconds} seconds, such as 90, 30m, 12h or 7d`,
      );
    return seconds;
  };
}

function httpUrl(value: string): string {
  const url = URL.parse(value);
  if (!url || !/^https?:$/.test(url.protocol)) throw new Error("must be a URL with http or https");
  return url.href;
}

function smtpUrl(value: string): string {
  const url = URL.parse(value);
  const isSmtp = url !== null && /^smtps?:$/.test(url.protocol) && url.hostname !== "";
  if (!isSmtp || !/^\/?$/.test(url.pathname))
    throw new Error("must be a URL such as smtp://user:password@host:587 or smtps://user:password@host");
  return url.href;
}

function mailbox(value: string): string {
  // oxlint-disable-next-line no-control-regex -- what ends a header
  if (!/^(?:[^<>@,;:"\x00-\x1f]+ <)?[^\s<>@,;:"\x00-\x1f]+@[^\s<>@,;:"\x00-\x1f]+>?$/.test(value))
    throw new Error("must be an address such as duet@example.com, or Duet <duet@example.com>");
  return value;
}

/** RFC 9116 section 2.5.3. */
function contact(value: string): string {
  const url = URL.parse(value);
  if (!url || !["mailto:", "https:", "tel:"].includes(url.protocol))
    throw new Error("must be an address such as mailto:security@example.com or https://example.com/security");
  return url.href;
}

function oneOf<const T extends string>(choices: readonly T[]): Parse<T> {
  return (value) => {
    const choice = choices.find((each) => each === value);
    if (choice === undefined) throw new Error(`must be one of ${choices.join(", ")}`);
    return choice;
  };
}

function origin(value: string): string {
  const url = URL.parse(value);
  const isOrigin = url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  if (!isOrigin) throw new Error("must be an origin such as https://duet.example.com, without a path");
  // Browsers keep `Secure` cookies and fetch metadata off plain http, except on the machine itself.
  if (url.protocol === "http:" && !/^(localhost|127\.0\.0\.1|\[::1\]|.*\.localhost)$/.test(url.hostname))
    throw new Error("must be https; plain http is for localhost only");
  return url.origin;
}

/** Exact ones; plain http only on the machine itself, as for our own. */
function origins(value: string): string[] {
  return value.split(",").map((each) => origin(each.trim()));
}

function postgresUrl(value: string): string {
  const url = URL.parse(value);
  const isPostgres = url !== null && /^postgres(?:ql)?:$/.test(url.protocol) && url.hostname !== "";
  if (!isPostgres) throw new Error("must be a URL such as postgres://user:password@host:5432/database");
  return value;
}

/** Checked here, understood in core. */
function addresses(value: string): string[] {
  const list = value.split(",").map((each) => each.trim());
  networks(list);
  return list;
}

function secret(value: string): string {
  if (value.length < 32) throw new Error("must have 32 characters or more");
  return value;
}
