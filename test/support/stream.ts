export type StreamEvent = { event?: string; id?: string; data?: any };

/** A reader of server-sent events, as the specification parses them (WHATWG HTML section 9.2.6). */
export class Stream {
  #buffer = "";
  readonly #decoder = new TextDecoder();

  private constructor(
    readonly headers: Headers,
    readonly reader: ReadableStreamDefaultReader<Uint8Array>,
  ) {}

  static async open(
    fetch: (path: string, init?: RequestInit) => Promise<Response>,
    accessToken: string,
    lastId?: string,
    signal?: AbortSignal,
  ): Promise<Stream> {
    const headers = { authorization: `Bearer ${accessToken}`, ...(lastId && { "last-event-id": lastId }) };
    const response = await fetch("/api/events", { headers, ...(signal && { signal }) });
    if (response.status !== 200) throw new Error(`no stream: ${response.status} ${await response.text()}`);
    return new Stream(response.headers, response.body!.getReader());
  }

  /** The next event that tells something; null at the end. */
  async next(): Promise<any> {
    for (;;) {
      const event = await this.nextOfAny();
      if (event?.event !== "heartbeat") return event;
    }
  }

  /** The next event, heartbeats too. */
  async nextOfAny(): Promise<StreamEvent | null> {
    for (;;) {
      const end = this.#buffer.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#buffer.slice(0, end);
        this.#buffer = this.#buffer.slice(end + 2);
        return parse(block);
      }
      const { value, done } = await this.reader.read();
      if (done) return null;
      this.#buffer += this.#decoder.decode(value, { stream: true });
    }
  }

  close = () => this.reader.cancel();
}

function parse(block: string): StreamEvent {
  const event: StreamEvent = {};
  let data: string | undefined;
  for (const line of block.split(/\r\n|\r|\n/)) {
    const [, field, value = ""] = /^([^:]*):? ?([^]*)$/.exec(line)!;
    if (field === "data") data = data === undefined ? value : `${data}\n${value}`;
    if (field === "event") event.event = value;
    if (field === "id") event.id = value;
  }
  if (data !== undefined) event.data = JSON.parse(data);
  return event;
}
