import http2 from "node:http2";
import { Readable } from "node:stream";
import tls from "node:tls";

/** As a status: the connection was closed instead, or in HTTP/2 the stream. */
export const UNANSWERED = 0;

export type Init = {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Uint8Array<ArrayBuffer>;
  /** The length is not said beforehand. */
  isStreamed?: boolean;
};

/** A request over a connection that is kept. */
export type Ask = (path: string, init?: Init) => Promise<Response>;

export type Client = { name: string; ask: Ask; close(): void };

export function overHttp1(url: string, ca: string): Client {
  const closing = new AbortController();
  const ask: Ask = (path, { headers = {}, body, method = "GET", isStreamed = false } = {}) =>
    Bun.fetch(url + path, {
      method,
      headers: Object.entries(headers).flatMap(([name, value]) =>
        [value].flat().map((each): [string, string] => [name, each]),
      ),
      ...(body !== undefined && { body: isStreamed ? new Response(body).body! : body }),
      redirect: "manual",
      tls: { ca },
      signal: closing.signal,
    });
  return { name: "HTTP/1.1", ask, close: () => closing.abort() };
}

/** The one that the proxies listen on. Duet trusts the other. */
const addressOf = (url: string) => ({
  host: "::1",
  port: Number(new URL(url).port),
  servername: "localhost",
});

const BODILESS = new Set([204, 304]);

/** One connection for all, as a browser has it. */
export function overHttp2(url: string, ca: string): Client {
  const connect = () => tls.connect({ ...addressOf(url), ca, ALPNProtocols: ["h2"] });
  const session = http2.connect(url, { createConnection: connect });
  const { promise: broken, reject: breakOff } = Promise.withResolvers<never>();
  broken.catch(() => {});
  session.on("error", breakOff);
  const ask: Ask = (path, { headers = {}, body, method = "GET", isStreamed = false } = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const length = !isStreamed && body !== undefined && { "content-length": String(Buffer.byteLength(body)) };
    const stream = session.request({ ":path": path, ":method": method, ...length, ...headers });
    stream.on("error", reject);
    stream.on("response", (answered) => {
      if (session.alpnProtocol !== "h2") reject(new Error(`spoke ${session.alpnProtocol}`));
      const status = answered[":status"]!;
      const fields = Object.entries(answered).flatMap(([name, value]) =>
        name.startsWith(":") ? [] : [value!].flat().map((each): [string, string] => [name, each]),
      );
      const content = BODILESS.has(status) ? null : (Readable.toWeb(stream) as unknown as ReadableStream);
      resolve(new Response(content, { status, headers: fields }));
    });
    stream.end(body);
    return Promise.race([promise, broken]);
  };
  return { name: "HTTP/2", ask, close: () => session.destroy() };
}

/** A request as it is written, on a connection of its own, and all that is answered. */
export function raw(url: string, ca: string, text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = tls.connect({ ...addressOf(url), ca });
  let answer = "";
  socket.on("data", (bytes) => (answer += bytes));
  socket.on("end", () => resolve(answer));
  socket.on("error", reject);
  socket.write(text);
  return promise;
}
