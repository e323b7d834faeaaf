import { flagOf, SETTINGS, type SettingName } from "../settings.ts";
import type { Command } from "./command.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** First and second words of all commands, and the flags of each. */
function words(commands: Command[]) {
  const first = [...new Set(commands.map(({ name }) => name.split(" ")[0]!)), "help"];
  const second = Map.groupBy(
    commands.filter(({ name }) => name.includes(" ")),
    ({ name }) => name.split(" ")[0]!,
  );
  const flags = (Object.keys(SETTINGS) as SettingName[]).map(flagOf);
  const own = commands.flatMap(({ options = {} }) => Object.keys(options).map((name) => `--${name}`));
  return { first, second, flags: [...new Set([...own, ...flags])] };
}

function scriptFor(shell: (typeof SHELLS)[number], all: Command[]): string {
  const { first, second, flags } = words(all);
  const cases = [...second].map(([word, commands]) => [
    word,
    commands.map(({ name }) => name.split(" ")[1]).join(" "),
  ]);
  switch (shell) {
    case "bash":
    case "zsh":
      return [
        ...(shell === "zsh" ? ["autoload -U +X bashcompinit && bashcompinit"] : []),
        "_duet() {",
        '  local word="${COMP_WORDS[COMP_CWORD]}" said=""',
        '  if [[ "$word" == -* ]]; then',
        `    said="${flags.join(" ")}"`,
        '  elif [ "$COMP_CWORD" -eq 1 ]; then',
        `    said="${first.join(" ")}"`,
        '  elif [ "$COMP_CWORD" -eq 2 ]; then',
        '    case "${COMP_WORDS[1]}" in',
        ...cases.map(([word, known]) => `      ${word}) said="${known}" ;;`),
        "    esac",
        "  fi",
        '  COMPREPLY=($(compgen -W "$said" -- "$word"))',
        "}",
        "complete -o default -F _duet duet",
      ].join("\n");
    case "fish":
      return [
        `complete -c duet -n __fish_use_subcommand -f -a "${first.join(" ")}"`,
        ...cases.map(
          ([word, known]) => `complete -c duet -n "__fish_seen_subcommand_from ${word}" -f -a "${known}"`,
        ),
        ...flags.map((flag) => `complete -c duet -l ${flag.slice(2)}`),
      ].join("\n");
  }
}

/** For all of them, which `all` answers. */
export const completionCommands = (all: () => Command[]): Command[] =>
  SHELLS.map((shell) => ({
    name: `completion ${shell}`,
    does: `Prints what makes ${shell} complete these commands`,
    example: shell === "fish" ? "duet completion fish | source" : `source <(duet completion ${shell})`,
    run: () => console.log(scriptFor(shell, all())),
  }));
