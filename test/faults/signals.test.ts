import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { Stream } from "../support/stream.ts";
import { restarted } from "./kills.ts";
import { until } from "./recipe.ts";
import { Site } from "./site.ts";
import { answered, messageInHalves, openLine } from "./sockets.ts";
import { Talker } from "./talker.ts";

const streamsOf = (who: Talker, n: number) => {
  const fetchHere = (path: string, init?: RequestInit) => fetch(who.site.url + path, init);
  return Promise.all(Array.from({ length: n }, () => Stream.open(fetchHere, who.accessToken)));
};

describe("a stop (F-15)", () => {
  test("ends streams cleanly, lets nobody new in, finishes what is half sent, and leaves all of it in one file", async () => {
    await using site = await new Site().start();
    const alice = await Talker.register(site, "alice");
    const streams = await streamsOf(alice, 20);
    for (const stream of streams) expect(await stream.nextOfAny()).toMatchObject({ event: "ready" });
    const idle = await Promise.all(Array.from({ length: 10 }, () => openLine(site)));
    for (const line of idle) {
      line.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await answered(line, /"ok"/);
    }
    const halves = Array.from({ length: 10 }, (_, n) => messageInHalves(alice, `slow ${n}`));
    const slow = await Promise.all(halves.map(() => openLine(site)));
    slow.forEach((line, n) => line.send(halves[n]![0]));
    // What came before it on another connection has been read when this is answered.
    expect((await site.ask("GET", "/healthz")).status).toBe(200);

    const child = site.running!.process;
    child.kill("SIGTERM");
    for (const stream of streams) {
      let last;
      // An error would be a stream that was cut.
      while ((last = await stream.nextOfAny()) !== null) expect(last.event).toBe("heartbeat");
    }
    await until("nobody new is let in", () =>
      openLine(site)
        .then(
          (line) => void line.socket.destroy(),
          () => true,
        )
        .then((isRefused) => isRefused === true),
    );
    expect(child.exitCode).toBeNull();
    slow.forEach((line, n) => line.send(halves[n]![1]));
    for (const line of slow) await answered(line, /^HTTP\/1\.1 201 /);
    expect(await child.exited).toBe(0);
    expect(statSync(`${site.database}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
    const stored = site.read<{ body: string }>("SELECT body FROM messages ORDER BY body");
    expect(stored.map(({ body }) => body)).toEqual(Array.from({ length: 10 }, (_, n) => `slow ${n}`));
    expect(site.damages()).toEqual([]);
  });

  test("is done at once at the second signal, whoever is still sending, and loses nothing", async () => {
    await using site = await new Site().start();
    const alice = await Talker.register(site, "alice");
    await alice.say();
    const line = await openLine(site);
    line.send(messageInHalves(alice, "never")[0]);
    expect((await site.ask("GET", "/healthz")).status).toBe(200);
    const child = site.running!.process;
    const [stream] = await streamsOf(alice, 1);
    child.kill("SIGTERM");
    while ((await stream!.nextOfAny()) !== null);
    expect(child.exitCode).toBeNull();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(1);
    await line.ended;
    await site.start();
    expect(await alice.check()).toEqual([]);
  });
});

describe("another process in the place of one that is stopped (F-16)", () => {
  test("loses no message of clients that try again, stores none twice, and signs nobody out", async () => {
    expect((await restarted(3)).faults).toEqual([]);
  });
});
