import { DuetError, StartError } from "../errors.ts";
import { describe, describeField } from "../locales/index.ts";

/** What a person is asked for without showing it; from standard input where that is no terminal. */
export async function askPassword(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return (await Bun.stdin.text()).replace(/\r?\n$/, "");
  stderr.write(question);
  stdin.setRawMode(true);
  try {
    let typed = "";
    for await (const chunk of stdin) {
      for (const char of String(chunk)) {
        if (char === "\r" || char === "\n") return typed;
        // Ctrl-C and Ctrl-D; backspace.
        if (char === "\u0003" || char === "\u0004") throw new StartError("nothing was done");
        typed = char === "\u007f" ? [...typed].slice(0, -1).join("") : typed + char;
      }
    }
    return typed;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}

/** Does an operator's work; what it refuses is said in a line. Throws StartError. */
export async function refusable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DuetError) || error.status >= 500) throw error;
    if (error.code === "not_found") throw new StartError("there is none of that name", { cause: error });
    const fields = error.details.fields?.map((field) => `${field.field}: ${describeField("en", field)}`);
    throw new StartError(fields?.join("\n") ?? describe("en", error).detail, { cause: error });
  }
}

export const timeOf = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
