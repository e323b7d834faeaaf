import { find, groupOf, parse, UsageError } from "./cli/command.ts";
import { COMMANDS } from "./cli/commands.ts";
import { help, helpOf } from "./cli/help.ts";
import { DuetError, StartError } from "./errors.ts";

const args = process.argv.slice(2);
const isHelp = (arg: string) => arg === "--help" || arg === "-h";

try {
  const group = args[0] === "help" && args.length === 2 ? groupOf(COMMANDS, args[1]!) : [];
  if (group.length > 1) console.log(group.map(helpOf).join("\n\n"));
  else if (args[0] === "help" && args.length > 1) console.log(helpOf(find(COMMANDS, args.slice(1)).command));
  else if (args[0] === "help" || (args[0] && isHelp(args[0]))) console.log(help(COMMANDS));
  else if (args[0] === "--version") await run(["version"]);
  else await run(args);
} catch (error) {
  const message = messageOf(error);
  if (message === undefined) throw error;
  for (const line of message.split("\n")) console.error(`duet: ${line}`);
  // 2 for a line that says nothing we know, 1 for what could not be done.
  process.exit(error instanceof UsageError ? 2 : 1);
}

/** What an operator is told; undefined for our own bugs. */
function messageOf(error: unknown): string | undefined {
  if (error instanceof StartError) return error.message;
  if (!(error instanceof DuetError) || error.code !== "unavailable") return undefined;
  const { cause } = error.details;
  return `the database cannot do this now (${cause instanceof Error ? cause.message : cause})`;
}

async function run(line: string[]): Promise<void> {
  const { command, rest } = find(COMMANDS, line);
  if (rest.some(isHelp)) return console.log(helpOf(command));
  await command.run(parse(command, rest));
}
