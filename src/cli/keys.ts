import { beside } from "./beside.ts";
import { JSON_OPTION, print, type Command } from "./command.ts";
import { timeOf } from "./people.ts";

const command = (verb: "list" | "rotate", does: string): Command => ({
  name: `keys ${verb}`,
  options: JSON_OPTION,
  does,
  example: `duet keys ${verb}`,
  run: ({ options, config }) =>
    beside(config(), async ({ keys }) => {
      if (verb === "rotate") await keys.rotate();
      const rows = keys.list().map(({ id, state, algorithm, activatedAt }) => ({
        state,
        algorithm,
        id,
        signing_since: timeOf(activatedAt),
      }));
      print(rows, options["json"]);
    }),
});

/** A server that runs on the same data takes a change in within half a minute; nobody is signed out. */
export const keyCommands: Command[] = [
  command("list", "Lists the signing keys"),
  command("rotate", "Makes the next key sign; nobody is signed out"),
];
