import { flagOf, SETTINGS, variableOf } from "../config.ts";

/** `duet help`: made from the settings themselves, so that it names every one. */
export function help(): string {
  const rows = Object.entries(SETTINGS).map(([name, { default: fallback, doc }]) => {
    const shown = fallback === undefined ? "" : ` [${fallback}]`;
    return `  ${flagOf(name).padEnd(20)}${variableOf(name).padEnd(23)}${doc}${shown}`;
  });
  return [
    "Usage: duet [serve] [--demo] [--flag value …] | duet keys [list|rotate] | duet help | duet version",
    "",
    ...rows,
  ].join("\n");
}
