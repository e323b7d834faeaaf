import type { Socket } from "bun";

export type Wire = {
  port: number;
  /** Looks at what the server sends before it is handed on; "cut" ends that connection instead. */
  watch: ((bytes: Buffer) => "pass" | "cut") | undefined;
  /** Nothing goes either way, and nobody is told, as where a firewall drops. */
  isSilent: boolean;
  /** How many there have been. */
  connections: number;
  [Symbol.asyncDispose](): Promise<void>;
};

type Ends = { server?: Socket<unknown>; waiting: Buffer[] };

/** The way between Duet and PostgreSQL, where a test can do what networks do. */
export function wireTo(port: number): Wire {
  const wire: Wire = {
    port: 0,
    watch: undefined,
    isSilent: false,
    connections: 0,
    async [Symbol.asyncDispose]() {
      listener.stop(true);
    },
  };
  const listener = Bun.listen<Ends>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(client) {
        client.data = { waiting: [] };
        wire.connections++;
        void Bun.connect({
          hostname: "127.0.0.1",
          port,
          socket: {
            open(server) {
              client.data.server = server;
              for (const bytes of client.data.waiting) server.write(bytes);
            },
            data(server, bytes) {
              if (wire.isSilent) return;
              if (wire.watch?.(bytes) !== "cut") return void client.write(bytes);
              client.terminate();
              server.terminate();
            },
            close: () => void client.end(),
            error: () => void client.end(),
          },
        }).catch(() => client.end());
      },
      data(client, bytes) {
        if (wire.isSilent) return;
        if (client.data.server) client.data.server.write(bytes);
        else client.data.waiting.push(Buffer.from(bytes));
      },
      close: (client) => void client.data.server?.end(),
      error: (client) => void client.data.server?.end(),
    },
  });
  wire.port = listener.port;
  return wire;
}
