/** A source file with one small change. */
export type Mutant = { path: string; line: number; change: string; text: string };

/** What is changed into what, where it stands in code or in SQL. */
const CHANGES: [from: RegExp, to: (match: string) => string][] = [
  [/(?<=\s)===(?=\s)/g, () => "!=="],
  [/(?<=\s)!==(?=\s)/g, () => "==="],
  [/(?<=\s)<(?=\s)/g, () => "<="],
  [/(?<=\s)<=(?=\s)/g, () => "<"],
  [/(?<=\s)>(?=\s)/g, () => ">="],
  [/(?<=\s)>=(?=\s)/g, () => ">"],
  [/(?<=\s)&&(?=\s)/g, () => "||"],
  [/(?<=\s)\|\|(?=\s)/g, () => "&&"],
  [/(?<=[\w)\]] )\+(?= [\w(])/g, () => "-"],
  [/(?<=[\w)\]] )-(?= [\w(])/g, () => "+"],
  [/(?<=[( !])!(?=[\w(])/g, () => ""],
  [/\btrue\b/g, () => "false"],
  [/\bfalse\b/g, () => "true"],
  [/(?<![\w.$"'#/\\{,-])\d[\d_]*(?![\w.:"'}-])/g, (number) => another(Number(number.replaceAll("_", "")))],
  [/(?<= )AND(?= )/g, () => "OR"],
  [/\bIS NULL\b/g, () => "IS NOT NULL"],
  [/\bIS NOT NULL\b/g, () => "IS NULL"],
  [/\bDESC\b/g, () => "ASC"],
];

/** A small number counts something, a large one measures: one more of it would not show. */
const another = (number: number) => String(number < 100 ? number + 1 : number * 2);

/** Lines that do nothing when the program runs. */
const IDLE = /^\s*(?:\/\/|\/?\*|import\b|export type\b|type\b|export \{|})/;

/** Every mutant of a source file. */
export function mutantsOf(path: string, text: string): Mutant[] {
  const mutants: Mutant[] = [];
  let offset = 0;
  let isType = false;
  for (const [index, line] of text.split("\n").entries()) {
    if (/^(?:export )?type .*[{=|]$/.test(line)) isType = true;
    const code = line.replace(/\s\/\/ .*$/, "");
    if (!isType && !IDLE.test(line))
      for (const [from, to] of CHANGES)
        for (const match of code.matchAll(from)) {
          const at = offset + match.index;
          const changed = to(match[0]);
          const after = text.slice(at + match[0].length);
          const change = `${line.trim()}  →  ${(code.slice(0, match.index) + changed + code.slice(match.index + match[0].length)).trim()}`;
          mutants.push({ path, line: index + 1, change, text: text.slice(0, at) + changed + after });
        }
    if (isType && /^\S.*;$|^};?$/.test(line)) isType = false;
    offset += line.length + 1;
  }
  return mutants;
}
