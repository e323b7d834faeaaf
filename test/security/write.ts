import { join } from "node:path";
import { ROOT } from "../support/process.ts";
import { SECTIONS, type Row } from "./rows.ts";

const FILE = join(ROOT, "SECURITY.md");
const START = "<!-- rows: made by `bun test/security/write.ts` from test/security/rows.ts -->";
const END = "<!-- end of rows -->";

const cell = (text: string) => text.replaceAll("|", "\\|");

function line({ id, what, by = [], note = "" }: Row): string {
  const tests = by.map((reference) => {
    const [file, title] = splitOnce(reference);
    return `\`test/${file}.test.ts${file === "jsx" ? "x" : ""}\` ${title}`;
  });
  return `| ${id} | ${cell(what)} | ${cell(tests.join("; "))} | ${cell(note)} |`;
}

export const splitOnce = (reference: string): [file: string, title: string] => {
  const at = reference.indexOf(": ");
  return [reference.slice(0, at), reference.slice(at + 2)];
};

/** SECURITY.md with its table made anew. */
export async function written(): Promise<string> {
  const text = await Bun.file(FILE).text();
  const [before, rest] = text.split(START);
  const [, after] = rest?.split(END) ?? [];
  if (before === undefined || after === undefined) throw new Error("SECURITY.md has lost the table's place");
  const tables = SECTIONS.map(([title, rows]) =>
    [
      `### ${title}`,
      "",
      "| row | has to hold | held by | but |",
      "| --- | --- | --- | --- |",
      ...rows.map(line),
    ].join("\n"),
  );
  return `${before}${START}\n\n${tables.join("\n\n")}\n\n${END}${after}`;
}

if (import.meta.main) await Bun.write(FILE, await written());
