import { flagOf, SETTINGS, variableOf, type SettingName } from "../settings.ts";
import type { Command } from "./command.ts";

const table = (rows: string[][]): string[] => {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)) + 2);
  return rows.map(
    (row) => `  ${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join("")}`,
  );
};

/** `duet help`: made from the commands and the settings themselves, so that it names every one. */
export function help(commands: Command[]): string {
  const rows = (Object.keys(SETTINGS) as SettingName[]).map((name) => {
    const { default: fallback, doc } = SETTINGS[name];
    const shown = fallback === undefined ? "" : ` [${fallback}]`;
    return [flagOf(name), variableOf(name), `${doc}${shown}`];
  });
  return [
    "Usage: duet [COMMAND] [--flag value …]",
    "",
    ...table([
      ...commands.map(({ name, takes = [], options = {}, does }) => [
        [
          name,
          ...takes,
          ...Object.keys(options)
            .filter((each) => each !== "json")
            .map((each) => `[--${each}]`),
        ].join(" "),
        does,
      ]),
      ["help [COMMAND]", "Says more of one of them"],
    ]),
    "",
    "Settings, by a flag or the environment; the flag wins:",
    "",
    ...table(rows),
  ].join("\n");
}

/** `duet help COMMAND`, and `duet COMMAND --help`. */
export function helpOf({ name, takes = [], options = {}, does, example }: Command): string {
  const own = Object.entries(options).map(([flag, { type, does: says }]) => [
    `--${flag}${type === "string" ? " VALUE" : ""}`,
    says,
  ]);
  return [
    `Usage: duet ${[name, ...takes].join(" ")}${own.length > 0 ? " [--flag …]" : ""}`,
    "",
    `  ${does}.`,
    "",
    ...(own.length > 0 ? [...table(own), ""] : []),
    `  ${example}`,
    "",
    "Settings are those of duet help.",
  ].join("\n");
}
