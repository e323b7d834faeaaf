import { version } from "../package.json";
import { check } from "./cli/check.ts";
import { help } from "./cli/help.ts";
import { keys } from "./cli/keys.ts";
import { serve } from "./cli/serve.ts";
import { exportAll, importAll } from "./cli/transfer.ts";
import { users } from "./cli/users.ts";
import { StartError } from "./errors.ts";

const args = process.argv.slice(2);
const [first = "serve"] = args;

try {
  if (first === "serve") await serve(args.slice(1));
  else if (first === "keys") await keys(args.slice(1));
  else if (first === "check") check(args.slice(1));
  else if (first === "export") await exportAll(args.slice(1));
  else if (first === "import") await importAll(args.slice(1));
  else if (first === "users") await users(args.slice(1));
  else if (first === "help" || first === "--help" || first === "-h") console.log(help());
  else if (first === "version" || first === "--version") console.log(`duet ${version}`);
  else if (first.startsWith("--")) await serve(args);
  else throw new StartError(`there is no command "${first}"; duet help lists them`);
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  for (const line of error.message.split("\n")) console.error(`duet: ${line}`);
  process.exit(1);
}
