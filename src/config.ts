import { parseArgs } from "node:util";
import { StartError } from "./errors.ts";
import { flagOf, SETTINGS, variableOf, type Config, type Setting, type SettingName } from "./settings.ts";

export type { Config } from "./settings.ts";

const NAMES = Object.keys(SETTINGS) as SettingName[];

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
  // As long as an access token's life, it would hide a thief: the owner always comes back within it.
  for (const name of ["refreshOverlapSeconds", "programOverlapSeconds"] as const) {
    if (!given.has(name)) config[name] = Math.min(config[name], config.accessTtlSeconds / 4);
    else if (config[name] >= config.accessTtlSeconds)
      faults.push(`${variableOf(name)}: must be shorter than ${variableOf("accessTtlSeconds")}`);
  }
  // What is answered with itself is as old as that, and has to leave a session time to idle.
  if ((config.keyOverlapSeconds ?? 0) > config.refreshTtlSeconds / 2)
    faults.push(
      `${variableOf("keyOverlapSeconds")}: must not be longer than half of ${variableOf("refreshTtlSeconds")}`,
    );
  if (config.databaseUrl !== undefined && config.backupEverySeconds !== undefined)
    faults.push(
      `${variableOf("backupEverySeconds")}: is for a data folder; PostgreSQL is backed up by its own tools`,
    );
  if ((config.smtpUrl === undefined) !== (config.mailFrom === undefined))
    faults.push(`${variableOf("smtpUrl")} and ${variableOf("mailFrom")}: are set together, or neither`);
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

/** What was given for a setting, and what it was called there. */
type Given = [name: SettingName, { text: string; label: string }][];

function readEnvironment(env: Record<string, string | undefined>, faults: string[]): Given {
  const given: Given = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith("DUET_") || !text || isKubernetes(variable, text)) continue;
    const name = NAMES.find((each) => variableOf(each) === variable);
    if (name) given.push([name, { text, label: variable }]);
    else faults.push(`${variable}: there is no such setting`);
  }
  return given;
}

function readFlags(args: string[], faults: string[]): Given {
  const given: Given = [];
  const flags = new Map(NAMES.map((name) => [flagOf(name), name]));
  // What begins with two dashes is the next flag, no value: each of them is to be told.
  const complete = args.filter((arg, i) => {
    const isAlone = flags.has(arg) && (args[i + 1] === undefined || args[i + 1]!.startsWith("--"));
    if (isAlone) faults.push(`${arg}: a value is missing`);
    return !isAlone;
  });
  const options = Object.fromEntries(
    [...flags.keys()].map((flag) => [flag.slice(2), { type: "string" as const }]),
  );
  // Not strict: every fault is to be told, not only the first.
  const { tokens } = parseArgs({ args: complete, options, strict: false, tokens: true });
  const strange = new Set<number>();
  for (const token of tokens) {
    // Never more than stands before an equals sign: the rest may be a secret.
    const label = complete[token.index]!.split("=")[0]!;
    const name = token.kind === "option" ? flags.get(label) : undefined;
    if (name && token.kind === "option" && token.value) given.push([name, { text: token.value, label }]);
    else if (name) faults.push(`${label}: a value is missing`);
    // Letters after one dash are one fault, and so are a strange flag and what follows it.
    else if (!strange.has(token.index) && !(token.kind === "positional" && strange.has(token.index - 1))) {
      strange.add(token.index);
      faults.push(`${label}: there is no such flag`);
    }
  }
  return given;
}

/** What Kubernetes sets in every container for a service that is called duet: no setting of ours. */
const isKubernetes = (variable: string, text: string): boolean =>
  /^DUET_(?:SERVICE_|PORT_\d)/.test(variable) || (variable === "DUET_PORT" && text.includes("://"));
