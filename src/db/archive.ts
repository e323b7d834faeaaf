import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { StartError } from "../errors.ts";
import { reasonOf } from "./check.ts";

/** Writes lines into a new file that only its owner may read; on the disk when it resolves. Throws StartError. */
export async function writeArchive(path: string, lines: AsyncIterable<string>): Promise<void> {
  let file: number;
  try {
    file = openSync(path, "wx", 0o600);
  } catch (cause) {
    throw new StartError(`${path} cannot be written (${reasonOf(cause)})`, { cause });
  }
  try {
    for await (const line of lines) writeSync(file, line);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Its lines, without their ends. Throws StartError. */
export async function* readArchive(path: string): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  try {
    for await (const bytes of Bun.file(path).stream()) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
  } catch (cause) {
    throw new StartError(`${path} cannot be read (${reasonOf(cause)})`, { cause });
  }
  if (rest !== "") yield rest;
}
