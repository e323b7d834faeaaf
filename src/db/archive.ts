import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { DuetError, StartError } from "../errors.ts";
import { reasonOf } from "./check.ts";
import { sqliteCode } from "./statements.ts";

/** Of one row; the longest that there can be is a tenth of it. */
const LINE_CHARS_MAX = 2 ** 20;

/** Writes lines into a new file that only its owner may read; on the disk when it resolves. Throws StartError. */
export async function writeArchive(path: string, lines: AsyncIterable<string>): Promise<void> {
  let file: number;
  try {
    file = openSync(path, "wx", 0o600);
  } catch (cause) {
    throw new StartError(`${path} cannot be written (${reasonOf(cause)})`, { cause });
  }
  try {
    for await (const line of lines) writeAll(file, Buffer.from(line));
    fsyncSync(file);
  } catch (cause) {
    rmSync(path, { force: true });
    if (sqliteCode(cause) || cause instanceof DuetError) throw cause;
    throw new StartError(`${path} cannot be written (${reasonOf(cause)})`, { cause });
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}

/** In bytes; 0 where it cannot be read, which `readArchive` says. */
export const sizeOfArchive = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Its lines, without their ends. Throws StartError. */
export async function* readArchive(path: string): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  try {
    for await (const bytes of Bun.file(path).stream()) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop()!;
      if (rest.length > LINE_CHARS_MAX) throw new Error("a line is longer than any row");
      yield* lines;
    }
  } catch (cause) {
    throw new StartError(`${path} cannot be read (${reasonOf(cause)})`, { cause });
  }
  if (rest !== "") yield rest;
}
