import { pulledBody } from "./pulled.ts";

type Part = object | AsyncIterable<object>;

/**
 * A JSON object as a file to keep, sent as fast as it is taken: what is behind it (an async iterable is a list) is never
 * in memory as a whole.
 */
export function jsonDownload(name: string, parts: Record<string, Part>): Response {
  return new Response(pulledBody(textOf(parts)), {
    headers: { "content-type": "application/json", "content-disposition": `attachment; filename="${name}"` },
  });
}

const PIECE_CHARS = 64 * 1024;

/** In pieces of about that length: one for each row would be a system call for each. */
async function* textOf(parts: Record<string, Part>): AsyncGenerator<string, void> {
  let piece = "{";
  for (const [i, [name, part]] of Object.entries(parts).entries()) {
    piece += `${i === 0 ? "" : ","}${JSON.stringify(name)}:`;
    if (!(Symbol.asyncIterator in part)) {
      piece += JSON.stringify(part);
      continue;
    }
    let separator = "[";
    for await (const row of part) {
      piece += separator + JSON.stringify(row);
      separator = ",";
      if (piece.length < PIECE_CHARS) continue;
      yield piece;
      piece = "";
    }
    piece += separator === "[" ? "[]" : "]";
  }
  yield `${piece}}`;
}
