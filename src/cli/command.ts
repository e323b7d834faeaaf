import { parseArgs } from "node:util";
import { environment, readConfig, type Config } from "../config.ts";
import { StartError } from "../errors.ts";
import { flagOf, SETTINGS, type SettingName } from "../settings.ts";

/** A word after the command that must be there, an option of its own, or both. */
export type Command = {
  /** `users list` */
  name: string;
  /** What stands after it, by name: `NAME`, or `[SESSION]` where it may be left out. */
  takes?: string[];
  options?: Record<string, { type: "string" | "boolean"; does: string }>;
  /** In one sentence. */
  does: string;
  example: string;
  run(input: Input): Promise<void> | void;
};

export type Input = {
  /** What was given for `takes`, in that order. */
  words: string[];
  options: Record<string, string | boolean | undefined>;
  /** Flags of settings, as they came. */
  settings: string[];
  /** The settings as they are used. Throws StartError. */
  config(): Config;
};

/** A command line that says nothing Duet knows: exit code 2. */
export class UsageError extends StartError {
  override name = "UsageError";
}

const SETTING_FLAGS = new Set((Object.keys(SETTINGS) as SettingName[]).map(flagOf));

/** The commands of one noun. */
export const groupOf = (commands: Command[], noun: string): Command[] =>
  commands.filter(({ name }) => name.startsWith(`${noun} `));

/** The command that a line names, by the longest name; `list` of a group alone, and `serve` of nothing. */
export function find(commands: Command[], args: string[]): { command: Command; rest: string[] } {
  const words = args.slice(0, args.findIndex((arg) => arg.startsWith("-")) >>> 0);
  for (let n = Math.min(words.length, 2); n > 0; n--) {
    const command = commands.find(({ name }) => name === words.slice(0, n).join(" "));
    if (command) return { command, rest: args.slice(n) };
  }
  if (words.length === 0) return { command: commands.find(({ name }) => name === "serve")!, rest: args };
  const list = commands.find(({ name }) => words.length === 1 && name === `${words[0]} list`);
  if (list) return { command: list, rest: args.slice(1) };
  const group = groupOf(commands, words[0]!);
  if (group.length === 0) throw new UsageError(`there is no command "${words[0]}"; duet help lists them`);
  const known = group.map(({ name }) => name.split(" ")[1]).join(", ");
  throw new UsageError(`duet ${words[0]} knows ${known}${words[1] ? `, not "${words[1]}"` : ""}`);
}

/**
 * What stands after a command's name. By `parseArgs` of Node.js, which Bun has: the flags are few and the settings' own, so
 * that a parser with subcommands would bring nothing but its size.
 */
export function parse(command: Command, rest: string[]): Input {
  const { name, takes = [], options = {} } = command;
  const flags = Object.fromEntries(
    [...SETTING_FLAGS].map((flag) => [flag.slice(2), { type: "string" as const }]),
  );
  const own = Object.fromEntries(Object.entries(options).map(([key, { type }]) => [key, { type }]));
  const isString = (arg: string) => SETTING_FLAGS.has(arg) || options[arg.slice(2)]?.type === "string";
  // What begins with two dashes is the next flag, no value: whoever reads the settings says so.
  const isAlone = (arg: string, i: number) => isString(arg) && (rest[i + 1] ?? "--").startsWith("--");
  const settings = rest.filter(isAlone);
  const alone = settings.find((arg) => !SETTING_FLAGS.has(arg));
  if (alone) throw new UsageError(`${alone}: a value is missing`);
  const args = rest.filter((arg, i) => !isAlone(arg, i));
  const { tokens } = parseArgs({ args, options: { ...flags, ...own }, strict: false, tokens: true });
  const isKnown = (flag: string) => SETTING_FLAGS.has(flag) || flag.slice(2) in options;
  // All faults of flags are told at once, by whoever reads them.
  if (tokens.some((token) => token.kind === "option" && !isKnown(token.rawName)))
    readConfig(
      environment(),
      rest.filter((arg) => !(arg.slice(2) in options)),
    );
  const words: string[] = [];
  const given: Input["options"] = {};
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    if (token.name in options) {
      const { type } = options[token.name]!;
      given[token.name] = type === "string" ? token.value! : true;
    } else settings.push(token.rawName, ...(token.value === undefined ? [] : [token.value]));
  }
  const needed = takes.filter((each) => !each.startsWith("["));
  if (words.length < needed.length || words.length > takes.length) {
    const wanted = [name, ...takes].join(" ");
    throw new UsageError(`say duet ${wanted}`);
  }
  return { words, options: given, settings, config: () => readConfig(environment(), settings) };
}

/** Columns for a person, or JSON for a program. */
export function print(rows: Record<string, string | number | boolean | null>[], asJson: unknown): void {
  if (asJson) return console.log(JSON.stringify(rows, null, 2));
  if (rows.length === 0) return;
  const names = Object.keys(rows[0]!);
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? "-")))];
  const widths = names.map((_, i) => Math.max(...cells.map((row) => Bun.stringWidth(row[i]!))));
  for (const row of cells)
    console.log(
      row
        .map((cell, i) => cell + " ".repeat(widths[i]! - Bun.stringWidth(cell)))
        .join("  ")
        .trimEnd(),
    );
}

export const JSON_OPTION = { json: { type: "boolean", does: "for programs" } } as const;
