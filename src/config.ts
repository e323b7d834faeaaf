import { ALGORITHMS, type Algorithm } from "./core/keys.ts";
import { networks } from "./core/addresses.ts";
import { StartError } from "./core/errors.ts";
import { LIMITS } from "./core/limits.ts";
import { LOG_LEVELS, type LogLevel } from "./core/log.ts";

/** Reads one setting's text; throws an Error that says what it should be. */
type Parse<T> = (text: string) => T;
type Setting<T> = { parse: Parse<T>; default: string | undefined; doc: string };

const setting = <T>(parse: Parse<T>, defaultText: string, doc: string): Setting<T> => ({
  parse,
  default: defaultText,
  doc,
});
const optional = <T>(parse: Parse<T>, doc: string): Setting<T | undefined> => ({
  parse,
  default: undefined,
  doc,
});

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

/** Every setting: `DUET_<NAME>` in the environment, `--<name>` on the command line, which wins. */
export const SETTINGS = {
  port: setting(integer(0, 65_535), "3000", "Port to listen on; 0 takes a free one"),
  host: setting(text, "127.0.0.1", "Address to listen on"),
  data: setting(text, "./duet-data", "Data folder: database, secret, lock"),
  public_url: optional(
    origin,
    "Origin that browsers use (default http://localhost:PORT); issuer of the tokens",
  ),
  secret: optional(
    secret,
    "Seals the signing keys, 32 characters or more (default: written to the data folder)",
  ),
  access_ttl: setting(duration(1, DAY), "30m", "Life of an access token"),
  refresh_ttl: setting(
    duration(2, LIMITS.refreshTtlDaysMax * DAY),
    "7d",
    "Life of a refresh token: how long a session may idle",
  ),
  session_ttl: setting(duration(2, 3650 * DAY), "90d", "Life of a session, however often it is refreshed"),
  refresh_overlap: setting(
    duration(0, 60),
    "10s",
    "How long a refresh token still answers after its successor's first use; 0 is strict",
  ),
  jwt_alg: setting(oneOf(ALGORITHMS), "EdDSA", "Signature algorithm: EdDSA, ES256 or HS256"),
  key_rotation: setting(
    duration(60 * MINUTE, 3650 * DAY),
    "90d",
    "How long a key signs before the next one does; nobody is signed out by it",
  ),
  password_min: setting(integer(8, 64), "8", "Least characters in a new password"),
  registration: setting(
    oneOf(["open", "closed"]),
    "open",
    "Whether new accounts can be made: open or closed",
  ),
  introspection_secret: optional(
    secret,
    "What resource servers authenticate with at /oauth/introspect (default: an access token)",
  ),
  trusted_proxies: optional(
    addresses,
    "Proxies whose X-Forwarded-For is believed: addresses or networks, comma-separated (default: none)",
  ),
  rate_limits: setting(
    oneOf(["on", "off"]),
    "on",
    "Limits on sign-ins, refreshes, messages and streams: on or off",
  ),
  event_retention: setting(duration(60 * MINUTE, 3650 * DAY), "90d", "How long security events are kept"),
  log: setting(oneOf(LOG_LEVELS), "info", "Least level that is logged: silent, error, warn, info or debug"),
} satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;

export type Config = {
  port: number;
  host: string;
  data: string;
  publicUrl: string | undefined;
  secret: string | undefined;
  accessTtlSeconds: number;
  refreshTtlSeconds: number;
  sessionTtlSeconds: number;
  refreshOverlapSeconds: number;
  jwtAlg: Algorithm;
  keyRotationSeconds: number;
  passwordMin: number;
  registration: "open" | "closed";
  introspectionSecret: string | undefined;
  trustedProxies: string[] | undefined;
  rateLimits: "on" | "off";
  eventRetentionSeconds: number;
  log: LogLevel;
};

export const variableOf = (name: string) => `DUET_${name.toUpperCase()}`;
export const flagOf = (name: string) => `--${name.replaceAll("_", "-")}`;

/** The only place that looks at the environment. */
export const environment = (): Record<string, string | undefined> => process.env;

/**
 * Reads every setting once. All faults are reported together, in one StartError with a line each; a value is
 * never repeated in them, since it may be a secret.
 */
export function readConfig(env: Record<string, string | undefined>, args: string[] = []): Config {
  const faults: string[] = [];
  const given = { ...readEnvironment(env, faults), ...readFlags(args, faults) };

  function read<T>(name: SettingName, { parse, default: fallback }: Setting<T>): T {
    const source = given[name];
    try {
      return source ? parse(source.text) : fallback === undefined ? (undefined as T) : parse(fallback);
    } catch (error) {
      faults.push(`${source?.label ?? name}: ${(error as Error).message}`);
      return undefined as T;
    }
  }

  const config: Config = {
    port: read("port", SETTINGS.port),
    host: read("host", SETTINGS.host),
    data: read("data", SETTINGS.data),
    publicUrl: read("public_url", SETTINGS.public_url),
    secret: read("secret", SETTINGS.secret),
    accessTtlSeconds: read("access_ttl", SETTINGS.access_ttl),
    refreshTtlSeconds: read("refresh_ttl", SETTINGS.refresh_ttl),
    sessionTtlSeconds: read("session_ttl", SETTINGS.session_ttl),
    refreshOverlapSeconds: read("refresh_overlap", SETTINGS.refresh_overlap),
    jwtAlg: read("jwt_alg", SETTINGS.jwt_alg),
    keyRotationSeconds: read("key_rotation", SETTINGS.key_rotation),
    passwordMin: read("password_min", SETTINGS.password_min),
    registration: read("registration", SETTINGS.registration) as Config["registration"],
    introspectionSecret: read("introspection_secret", SETTINGS.introspection_secret),
    trustedProxies: read("trusted_proxies", SETTINGS.trusted_proxies),
    rateLimits: read("rate_limits", SETTINGS.rate_limits) as Config["rateLimits"],
    eventRetentionSeconds: read("event_retention", SETTINGS.event_retention),
    log: read("log", SETTINGS.log),
  };
  if (config.refreshOverlapSeconds >= config.accessTtlSeconds)
    faults.push(`${variableOf("refresh_overlap")}: must be shorter than ${variableOf("access_ttl")}`);
  if (config.accessTtlSeconds > config.refreshTtlSeconds)
    faults.push(`${variableOf("access_ttl")}: must not be longer than ${variableOf("refresh_ttl")}`);
  if (config.refreshTtlSeconds > config.sessionTtlSeconds)
    faults.push(`${variableOf("refresh_ttl")}: must not be longer than ${variableOf("session_ttl")}`);
  if (faults.length > 0) throw new StartError(faults.join("\n"));
  return config;
}

type Given = Partial<Record<string, { text: string; label: string }>>;

function readEnvironment(env: Record<string, string | undefined>, faults: string[]): Given {
  const given: Given = {};
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith("DUET_") || value === undefined || value === "") continue;
    const name = variable.slice("DUET_".length).toLowerCase();
    if (Object.hasOwn(SETTINGS, name) && variable === variableOf(name))
      given[name] = { text: value, label: variable };
    else faults.push(`${variable}: there is no such setting`);
  }
  return given;
}

function readFlags(args: string[], faults: string[]): Given {
  const given: Given = {};
  for (let i = 0; i < args.length; i++) {
    const [flag, inline] = splitOnce(args[i]!, "=");
    const hasNext = inline === undefined && args[i + 1] !== undefined && !args[i + 1]!.startsWith("--");
    const value = hasNext ? args[++i] : inline;
    const name = flag.slice(2).replaceAll("-", "_");
    if (!Object.hasOwn(SETTINGS, name) || flag !== flagOf(name))
      faults.push(`${flag}: there is no such flag`);
    else if (value === undefined) faults.push(`${flag}: a value is missing`);
    else given[name] = { text: value, label: flag };
  }
  return given;
}

function splitOnce(value: string, separator: string): [string, string | undefined] {
  const at = value.indexOf(separator);
  return at < 0 ? [value, undefined] : [value.slice(0, at), value.slice(at + 1)];
}

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
