import { parseArgs } from "node:util";
import { networks } from "./core/addresses.ts";
import { ALGORITHMS } from "./core/auth/keys.ts";
import { LOG_LEVELS } from "./core/log.ts";
import { StartError } from "./errors.ts";
import { LIMITS } from "./limits.ts";

/** Reads one setting's text; throws an Error that says what it should be. */
type Parse<T> = (text: string) => T;

type Setting<T> = { parse: Parse<T>; default: string | undefined; doc: string };

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
  publicUrl: optional(
    origin,
    "Origin that browsers use (default http://localhost:PORT); issuer of the tokens",
  ),
  secret: optional(
    secret,
    "Seals the signing keys, 32 characters or more (default: written to the data folder)",
  ),
  accessTtlSeconds: setting(duration(1, DAY), "30m", "Life of an access token"),
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
    "How long a refresh token still answers after its successor's first use; 0 is strict",
  ),
  jwtAlg: setting(oneOf(ALGORITHMS), "EdDSA", "Signature algorithm: EdDSA, ES256 or HS256"),
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

/** The only place that looks at the environment. */
export const environment = (): Record<string, string | undefined> => process.env;

/** Who signs the tokens, and the origin of cookies and forms. A free port is known too late to be part of the name. */
export const issuerOf = ({ publicUrl, port }: Config): string =>
  publicUrl ?? `http://localhost${port === 0 ? "" : `:${port}`}`;

/**
 * Reads every setting once. All faults are reported together, in one StartError with a line each; a value is
 * never repeated in them, since it may be a secret.
 */
export function readConfig(env: Record<string, string | undefined>, args: string[] = []): Config {
  const faults: string[] = [];
  const given = new Map([...readEnvironment(env, faults), ...readFlags(args, faults)]);
  const config = {} as Config;
  const read = <K extends SettingName>(name: K) => {
    const { parse, default: fallback }: Setting<unknown> = SETTINGS[name];
    const { text = fallback, label = name } = given.get(name) ?? {};
    try {
      config[name] = (text === undefined ? undefined : parse(text)) as Config[K];
    } catch (error) {
      faults.push(`${label}: ${(error as Error).message}`);
    }
  };
  for (const name of NAMES) read(name);
  if (config.refreshOverlapSeconds >= config.accessTtlSeconds)
    faults.push(
      `${variableOf("refreshOverlapSeconds")}: must be shorter than ${variableOf("accessTtlSeconds")}`,
    );
  if (config.accessTtlSeconds > config.refreshTtlSeconds)
    faults.push(
      `${variableOf("accessTtlSeconds")}: must not be longer than ${variableOf("refreshTtlSeconds")}`,
    );
  if (config.refreshTtlSeconds > config.sessionTtlSeconds)
    faults.push(
      `${variableOf("refreshTtlSeconds")}: must not be longer than ${variableOf("sessionTtlSeconds")}`,
    );
  if (faults.length > 0) throw new StartError(faults.join("\n"));
  return config;
}

const NAMES = Object.keys(SETTINGS) as SettingName[];

/** What was given for a setting, and what it was called there. */
type Given = [name: SettingName, { text: string; label: string }][];

function readEnvironment(env: Record<string, string | undefined>, faults: string[]): Given {
  const given: Given = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith("DUET_") || !text) continue;
    const name = NAMES.find((each) => variableOf(each) === variable);
    if (name) given.push([name, { text, label: variable }]);
    else faults.push(`${variable}: there is no such setting`);
  }
  return given;
}

function readFlags(args: string[], faults: string[]): Given {
  const given: Given = [];
  const options = Object.fromEntries(
    NAMES.map((name) => [flagOf(name).slice(2), { type: "string" as const }]),
  );
  // Not strict: every fault is to be told, not only the first.
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true });
  // The value of a flag that is refused already is no fault of its own.
  let refused = -1;
  for (const token of tokens) {
    if (token.kind === "positional" && token.index === refused) continue;
    const label = token.kind === "option" ? token.rawName : token.kind === "positional" ? token.value : "--";
    const name = NAMES.find((each) => flagOf(each) === label);
    if (!name) faults.push(`${label}: there is no such flag`);
    else if (token.kind !== "option" || token.value === undefined || isFlag(token))
      faults.push(`${label}: a value is missing`);
    else {
      given.push([name, { text: token.value, label }]);
      continue;
    }
    refused = token.index + (name ? 2 : 1);
  }
  return given;
}

/** `--port --host x`: the second flag is not the first one's value. */
const isFlag = ({ value, inlineValue }: { value?: string | undefined; inlineValue?: boolean | undefined }) =>
  !inlineValue && value?.startsWith("--");

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
