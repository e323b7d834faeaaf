const pulled = new WeakSet<ReadableStream>();

/**
 * A body that is made piece by piece, each only when the reader has taken the one before. `return` is called when the
 * reader goes. Where it is `stopped`, the reader sees its connection end.
 */
export function pulledBody(source: Pieces, stopped?: AbortSignal): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (controller) => stopped?.addEventListener("abort", () => controller.error(stopped.reason)),
      async pull(controller) {
        try {
          const { value, done } = await source.next();
          if (!done) return controller.enqueue(typeof value === "string" ? utf8.encode(value) : value);
          await source.return();
          controller.close();
        } catch (error) {
          await source.return();
          controller.error(error);
        }
      },
      cancel: async () => void (await source.return()),
    },
    { highWaterMark: 0 },
  );
  pulled.add(stream);
  return stream;
}

type Pieces = { next(): Promise<IteratorResult<string | Uint8Array, void>>; return(): Promise<unknown> };

/** Whether a body is one of those, of which no more than a piece is ever in memory. */
export const isPulled = (body: ReadableStream): boolean => pulled.has(body);
