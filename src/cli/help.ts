import { flagOf, SETTINGS, variableOf, type SettingName } from "../settings.ts";

/** `duet help`: made from the settings themselves, so that it names every one. */
export function help(): string {
  const rows = (Object.keys(SETTINGS) as SettingName[]).map((name) => {
    const { default: fallback, doc } = SETTINGS[name];
    const shown = fallback === undefined ? "" : ` [${fallback}]`;
    return { flag: flagOf(name), variable: variableOf(name), doc: `${doc}${shown}` };
  });
  const widest = (texts: string[]) => Math.max(...texts.map((text) => text.length)) + 2;
  const flags = widest(rows.map(({ flag }) => flag));
  const variables = widest(rows.map(({ variable }) => variable));
  return [
    "Usage: duet [serve] [--demo] [--flag value …] | duet keys [list|rotate] | duet users disable|enable NAME\n       duet check | duet export FILE [--move] | duet export --undo | duet import FILE\n       duet help | duet version",
    "",
    ...rows.map(({ flag, variable, doc }) => `  ${flag.padEnd(flags)}${variable.padEnd(variables)}${doc}`),
  ].join("\n");
}
