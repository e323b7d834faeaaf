import { connect } from "bun";

// A load from a process of its own: `bun test/bench/load.ts URL CONNECTIONS SECONDS [HEADER…]`. Prints what came of it.
// Raw sockets and one prepared request: a client that parses costs more than the server it is to measure.

export type Load = { requests: number; seconds: number; p50: number; p99: number; failed: number };

/** Runs it and answers what it printed. */
export async function load(
  url: string,
  options: { connections?: number; seconds: number; headers?: Record<string, string>; body?: string },
): Promise<Load> {
  const headers = Object.entries(options.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  const connections = String(options.connections ?? 32);
  const child = Bun.spawn(
    ["bun", import.meta.path, url, connections, String(options.seconds), options.body ?? "", ...headers],
    { stdout: "pipe" },
  );
  return JSON.parse(await new Response(child.stdout).text()) as Load;
}

async function main([url = "", connections = "32", seconds = "1", body = "", ...headers]: string[]) {
  const { hostname, port, pathname, search } = new URL(url);
  const lines = [
    `${body ? "POST" : "GET"} ${pathname}${search} HTTP/1.1`,
    `host: ${hostname}:${port}`,
    ...headers,
    ...(body ? [`content-length: ${Buffer.byteLength(body)}`] : []),
  ];
  const request = Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
  const times: number[] = [];
  let failed = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + Number(seconds) * 1000;
  const sockets = Array.from({ length: Number(connections) }, () => {
    const done = Promise.withResolvers<void>();
    let sentAt = 0;
    let pending = "";
    const send = (socket: { write(data: Buffer): number }) => {
      sentAt = performance.now();
      socket.write(request);
    };
    void connect({
      hostname: hostname.replace("localhost", "127.0.0.1"),
      port: Number(port),
      socket: {
        open: send,
        data(socket, data) {
          pending += data.toString("latin1");
          const end = pending.indexOf("\r\n\r\n");
          if (end < 0) return;
          const length = /content-length: (\d+)/i.exec(pending)?.[1];
          const isWhole = length ? pending.length >= end + 4 + Number(length) : pending.endsWith("0\r\n\r\n");
          if (!isWhole) return;
          if (pending[9] !== "2") failed++;
          pending = "";
          const now = performance.now();
          times.push(now - sentAt);
          if (now < endsAt) return send(socket);
          socket.end();
          done.resolve();
        },
        error: () => done.resolve(),
        close: () => done.resolve(),
      },
    });
    return done.promise;
  });
  await Promise.all(sockets);
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  const answer: Load = {
    requests: times.length,
    seconds: (performance.now() - startedAt) / 1000,
    p50: at(0.5),
    p99: at(0.99),
    failed,
  };
  console.log(JSON.stringify(answer));
}

if (import.meta.main) await main(process.argv.slice(2));
