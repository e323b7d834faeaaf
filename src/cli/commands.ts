import { version } from "../../package.json";
import { backup, restore } from "./backup.ts";
import { check } from "./check.ts";
import { JSON_OPTION, type Command } from "./command.ts";
import { completionCommands } from "./completion.ts";
import { tokenCommands } from "./explain.ts";
import { healthcheck } from "./healthcheck.ts";
import { keyCommands } from "./keys.ts";
import { printOpenApi } from "./openapi.ts";
import { serve } from "./serve.ts";
import { exportAll, importAll, takeBack } from "./transfer.ts";
import { sessionCommands, userCommands } from "./users.ts";

/** Every command. All but `serve` work beside a running server. */
export const COMMANDS: Command[] = [
  {
    name: "serve",
    options: {
      demo: { type: "boolean", does: "people who were made up, in a folder that goes with it" },
      "take-over": { type: "boolean", does: "from the server that runs, without a request lost (Linux)" },
    },
    does: "Serves until SIGTERM; what duet does without a command",
    example: "duet serve --port 8080",
    run: ({ options, settings }) =>
      serve(settings, { isDemo: options["demo"] === true, takesOver: options["take-over"] === true }),
  },
  ...userCommands,
  ...sessionCommands,
  ...keyCommands,
  ...tokenCommands,
  {
    name: "backup",
    takes: ["FILE"],
    does: "Writes the database to a file, as it is at one moment, and checks it",
    example: "duet backup duet-backup.db",
    run: ({ words: [file], config }) => backup(file!, config()),
  },
  {
    name: "restore",
    takes: ["[FILE]"],
    does: "Puts a backup back, with the server stopped, and signs everybody out",
    example: "duet restore duet-backup.db",
    run: ({ words: [file], config }) => restore(file, config()),
  },
  {
    name: "openapi",
    does: "The API as an OpenAPI 3.1 document, as a server of these settings has it",
    example: "duet openapi > duet.json",
    run: ({ config }) => printOpenApi(config()),
  },
  {
    name: "check",
    does: "Reads the whole database, and says whether it is sound",
    example: "duet check --data /var/lib/duet",
    run: ({ config }) => check(config()),
  },
  {
    name: "export",
    takes: ["[FILE]"],
    options: {
      move: { type: "boolean", does: "nothing starts on what was moved away" },
      undo: { type: "boolean", does: "takes a move back" },
    },
    does: "Writes everything to a file, for another folder or database",
    example: "duet export everything.duet --move",
    run: ({ words: [path], options, config }) =>
      options["undo"] ? takeBack(config()) : exportAll(path, options["move"] === true, config()),
  },
  {
    name: "import",
    takes: ["FILE"],
    does: "Fills a new folder or database from such a file, or goes on with that",
    example: "duet import everything.duet",
    run: ({ words: [path], config }) => importAll(path!, config()),
  },
  {
    name: "healthcheck",
    does: "Asks the server of these settings whether it is ready; for containers",
    example: "duet healthcheck --port 8080",
    run: ({ config }) => healthcheck(config()),
  },
  ...completionCommands(() => COMMANDS),
  {
    name: "version",
    options: JSON_OPTION,
    does: "Says which version this is",
    example: "duet version --json",
    run: ({ options }) =>
      console.log(
        options["json"]
          ? JSON.stringify({ version, bun: Bun.version, platform: process.platform, arch: process.arch })
          : `duet ${version}`,
      ),
  },
];
