type Part = object | AsyncIterable<object>;

/**
 * A JSON object as a file to keep, sent as fast as it is taken: what is behind it (an async iterable is a list) is never
 * in memory as a whole.
 */
export function jsonDownload(name: string, parts: Record<string, Part>): Response {
  const utf8 = new TextEncoder();
  const text = textOf(parts);
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { value, done } = await text.next();
          if (done) controller.close();
          else controller.enqueue(utf8.encode(value));
        } catch (error) {
          controller.error(error);
        }
      },
      cancel: async () => void (await text.return()),
    },
    { highWaterMark: 0 },
  );
  return new Response(stream, {
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
