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
