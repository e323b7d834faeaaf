import { connect, type Socket } from "node:net";
import type { Site } from "./site.ts";
import type { Talker } from "./talker.ts";

/** A connection of which a test says every byte. */
export type Line = { send(text: string): void; heard(): string; ended: Promise<void>; socket: Socket };

export function openLine(site: Pick<Site, "port">): Promise<Line> {
  const { promise, resolve, reject } = Promise.withResolvers<Line>();
  const end = Promise.withResolvers<void>();
  const socket = connect({ port: site.port, host: "127.0.0.1" });
  let heard = "";
  socket.on("data", (data) => (heard += data.toString("latin1")));
  socket.on("close", () => end.resolve());
  socket.on("error", (error) => {
    reject(error);
    socket.destroy();
  });
  socket.on("connect", () =>
    resolve({ send: (text) => void socket.write(text), heard: () => heard, ended: end.promise, socket }),
  );
  return promise;
}

/** Waits until something that was heard matches. */
export async function answered(line: Line, pattern: RegExp): Promise<void> {
  while (!pattern.test(line.heard()) && !line.socket.destroyed)
    await new Promise((resolve) => line.socket.once("data", resolve).once("close", resolve));
  if (!pattern.test(line.heard()))
    throw new Error(`closed after ${JSON.stringify(line.heard().slice(0, 200))}`);
}

/** A message in two halves, so that the second may be late, or never come. */
export function messageInHalves(who: Talker, text: string): [string, string] {
  const body = JSON.stringify({ body: text });
  const head = [
    `POST ${who.path} HTTP/1.1`,
    "Host: localhost",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    `Authorization: Bearer ${who.accessToken}`,
  ];
  return [`${head.join("\r\n")}\r\n\r\n${body.slice(0, 6)}`, body.slice(6)];
}
