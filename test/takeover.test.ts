import { describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { connect, type Socket } from "node:net";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { askToHandOver } from "../src/cli/takeover.ts";
import { temporaryFolder } from "./support/app.ts";
import { PASSWORDS } from "./support/people.ts";
import { BINARY, command, failure, freePort, run, type Running } from "./support/process.ts";
import { Stream } from "./support/stream.ts";

const UPGRADES = 10;
const onLinux = process.platform === "linux" ? test : test.skip;

type Answer = { status: number; isLast: boolean; body: any };

/** A client that keeps its connection for as long as it is told to, and never asks twice. */
class Kept {
  #socket: Socket | undefined;
  connections = 0;

  constructor(
    readonly port: number,
    readonly token: () => string,
  ) {}

  async ask(method: string, path: string, body?: object): Promise<Answer> {
    const socket = (this.#socket ??= await this.#connect());
    const text = body ? JSON.stringify(body) : "";
    socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: localhost:${this.port}\r\nAuthorization: Bearer ${this.token()}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
    const answer = await read(socket);
    if (answer.isLast) {
      socket.destroy();
      this.#socket = undefined;
    }
    return answer;
  }

  async #connect(): Promise<Socket> {
    this.connections++;
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const socket = connect(this.port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
    return promise;
  }

  close = () => this.#socket?.destroy();
}

/** One whole answer; rejects where the connection ends before it. */
function read(socket: Socket): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let text = "";
  const hear = (bytes: Buffer) => {
    text += bytes.toString();
    const [head, body] = text.split("\r\n\r\n");
    const length = Number(/^content-length: (\d+)/im.exec(head!)?.[1] ?? 0);
    if (body === undefined || Buffer.byteLength(body) < length) return;
    socket.off("data", hear);
    socket.off("close", end);
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head!)![1]);
    resolve({
      status,
      isLast: /^connection: close/im.test(head!),
      body: length > 0 ? JSON.parse(body) : null,
    });
  };
  const end = () => reject(new Error(`the connection ended: ${text}`));
  socket.on("data", hear);
  socket.on("close", end);
  return promise;
}

const serve = (folder: string, port: number, ...more: string[]) =>
  run([BINARY, "serve", "--port", String(port), "--data", folder, "--rate-limits", "off", ...more]);

/** Or the old one would wait for what its connection may still ask. */
const NOT_KEPT = { connection: "close" };

const readyOf = async ({ url }: Running) => (await fetch(`${url}/readyz`, { headers: NOT_KEPT })).status;

async function register(url: string, username: string) {
  const answer = await fetch(`${url}/api/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json", ...NOT_KEPT },
    body: JSON.stringify({ username, password: PASSWORDS[username] }),
  });
  return (await answer.json()) as { access_token: string; refresh_token: string };
}

describe("a new binary that takes over", () => {
  onLinux(`loses no request and no event, ${UPGRADES} times under load`, async () => {
    const folder = temporaryFolder();
    const port = freePort();
    let serving: Running = await serve(folder, port);
    const { url } = serving;
    const pair = await register(url, "alice");
    const token = () => pair.access_token;
    const first = new Kept(port, token);
    const { id } = (await first.ask("POST", "/api/conversations", { title: "all the time" })).body;
    first.close();

    const said: string[] = [];
    const refused: unknown[] = [];
    let isDone = false;
    let asked = 0;
    const check = (answer: Answer) => {
      asked++;
      if (answer.status >= 300) refused.push(answer);
    };
    /** Until the end: one request after the other, by the same connection or by a new one each time. */
    const client = async (isKept: boolean, turn: (ask: Kept) => Promise<void>) => {
      let kept = new Kept(port, token);
      while (!isDone) {
        await turn(kept).catch((error: unknown) => void refused.push(String(error)));
        if (isKept) continue;
        kept.close();
        kept = new Kept(port, token);
      }
      kept.close();
    };
    const me = async (kept: Kept) => check(await kept.ask("GET", "/api/auth/me"));
    let n = 0;
    const speak = async (kept: Kept) => {
      const answer = await kept.ask("POST", `/api/conversations/${id}/messages`, { body: `message ${n++}` });
      check(answer);
      if (answer.status === 201) said.push(answer.body.id);
    };
    const refresh = async (kept: Kept) => {
      const answer = await kept.ask("POST", "/api/auth/refresh", { refresh_token: pair.refresh_token });
      check(answer);
      if (answer.status === 200) Object.assign(pair, answer.body);
    };
    // One who listens, and comes back to where the stream ended.
    const heard: string[] = [];
    let streams = 0;
    const listen = async () => {
      let place: string | undefined;
      while (!isDone) {
        const stream = await Stream.open((path, init) => fetch(url + path, init), token(), place).catch(
          () => null,
        );
        if (!stream) {
          refused.push("a stream was not opened");
          return;
        }
        streams++;
        for (let event; !isDone && (event = await stream.next().catch(() => null));) {
          place = event.id ?? place;
          if (event.event === "message") heard.push((event.data as { id: string }).id);
        }
        // At the end the server is killed.
        await stream.close().catch(() => {});
      }
    };
    const clients = [
      client(true, me),
      client(true, me),
      client(false, me),
      client(false, me),
      client(true, speak),
      client(false, speak),
      client(true, refresh),
    ];
    const listening = listen();
    const left: Running[] = [];
    for (let upgrade = 0; upgrade < UPGRADES; upgrade++) {
      const next = await serve(folder, port, "--take-over");
      left.push(serving);
      serving = next;
      const before = asked;
      while (asked < before + 200) await Bun.sleep(5);
    }
    // Whoever was taken over from goes by itself, once its connections have had their last answer.
    for (const each of left) expect(await each.process.exited).toBe(0);
    const last = said.length;
    while (said.length < last + 5) await Bun.sleep(5);
    const wanted = new Set(said);
    const deadline = performance.now() + 20_000;
    while (![...wanted].every((each) => heard.includes(each)) && performance.now() < deadline)
      await Bun.sleep(20);
    isDone = true;
    await Promise.all(clients);
    await serving[Symbol.asyncDispose]();
    await listening;

    expect(refused).toEqual([]);
    expect(asked).toBeGreaterThan(UPGRADES * 200);
    expect([...wanted].filter((each) => !heard.includes(each))).toEqual([]);
    expect(new Set(heard).size).toBe(heard.length);
    expect(streams).toBeGreaterThanOrEqual(UPGRADES);
  });

  onLinux("that fails leaves the old one as it was", async () => {
    const folder = temporaryFolder();
    const port = freePort();
    await using old = await serve(folder, port);
    await register(old.url, "alice");
    // It gets the lock, and then cannot read the secret.
    const broken = await failure([BINARY, "--take-over", "--port", String(port), "--data", folder], {
      env: { PATH: "/usr/bin:/bin", DUET_SECRET: "another secret than the one of this folder" },
    });
    expect(broken.exitCode).toBe(1);
    expect(await readyOf(old)).toBe(200);
    // Folder and port are the old one's again.
    for (const other of [folder, temporaryFolder()]) {
      const refused = await failure([BINARY, "--port", String(port), "--data", other]);
      expect(refused.errors).toMatch(other === folder ? /using the data folder/ : /is it taken/);
    }
    await using next = await serve(folder, port, "--take-over");
    expect(await old.process.exited).toBe(0);
    expect(await readyOf(next)).toBe(200);
    expect((await failure([BINARY, "--port", String(port), "--data", temporaryFolder()])).errors).toContain(
      "is it taken",
    );
  });

  onLinux("may bring the schema forward under the old one, which goes on", async () => {
    const folder = temporaryFolder();
    const port = freePort();
    await using old = await serve(folder, port);
    const pair = await register(old.url, "alice");
    const kept = new Kept(port, () => pair.access_token);
    const { id } = (await kept.ask("POST", "/api/conversations", { title: "before" })).body;
    {
      using db = new Database(join(folder, "duet.db"));
      for (const table of ["users", "sessions", "messages", "conversations", "auth_events", "members"])
        db.run(`ALTER TABLE ${table} ADD COLUMN of_a_newer_duet TEXT`);
      db.run("CREATE TABLE of_a_newer_duet (id TEXT PRIMARY KEY) STRICT");
      db.run("INSERT INTO migrations VALUES ('9999_newer', 'x', 0)");
    }
    for (const [method, path, body, status] of [
      ["GET", "/api/auth/me", undefined, 200],
      ["POST", `/api/conversations/${id}/messages`, { body: "after" }, 201],
      ["GET", `/api/conversations/${id}/messages`, undefined, 200],
      ["POST", "/api/auth/refresh", { refresh_token: pair.refresh_token }, 200],
      ["GET", "/api/auth/sessions", undefined, 200],
      ["GET", "/api/auth/events", undefined, 200],
      ["GET", "/api/search?q=after", undefined, 200],
    ] as const)
      expect([path, (await kept.ask(method, path, body)).status]).toEqual([path, status]);
    kept.close();
    // And one of the old ones takes nothing over from then on.
    const refused = await failure([BINARY, "--take-over", "--port", String(port), "--data", folder]);
    expect(refused.errors).toContain("newer");
    expect(await readyOf(old)).toBe(200);
  });

  onLinux("with another port is refused, and the old one goes on", async () => {
    const folder = temporaryFolder();
    const port = freePort();
    await using old = await serve(folder, port);
    const other = await failure([BINARY, "--take-over", "--port", String(freePort()), "--data", folder]);
    expect(other.errors).toContain(`listens on port ${port}, not `);
    expect(await readyOf(old)).toBe(200);
    // A free one is the old one's.
    await using next = await serve(folder, 0, "--take-over");
    expect(next.url).toBe(`http://localhost:${port}`);
    expect(await old.process.exited).toBe(0);
  });

  onLinux("is told by one that it takes over from that another one does, which may come and go", async () => {
    const folder = temporaryFolder();
    await using old = await serve(folder, freePort());
    const successor = (await askToHandOver(folder))!;
    await expect(askToHandOver(folder)).rejects.toThrow("another server is taking over");
    const stray = await Bun.connect({ unix: join(folder, "handover.sock"), socket: { data() {} } });
    stray.end();
    expect(await readyOf(old)).toBe(200);
    // The lock is free for the successor, and nobody has taken it back.
    await using next = await serve(folder, freePort());
    expect(await readyOf(next)).toBe(200);
    expect(await successor.leave()).toBe(true);
    expect(await old.process.exited).toBe(0);
  });

  onLinux.each(["SIGKILL", "SIGTERM"] as const)(
    "goes on where the old one dies on the way (%s)",
    async (signal) => {
      const folder = temporaryFolder();
      const old = await serve(folder, freePort());
      const predecessor = (await askToHandOver(folder))!;
      old.process.kill(signal);
      await old.process.exited;
      expect(await predecessor.leave()).toBe(true);
      await predecessor.gone;
      await using next = await serve(folder, freePort());
      expect(await readyOf(next)).toBe(200);
    },
  );

  onLinux("leaves nothing that may be moved away or put back while the old one still answers", async () => {
    const folder = temporaryFolder();
    const port = freePort();
    await using old = await serve(folder, port);
    const pair = await register(old.url, "alice");
    const kept = new Kept(port, () => pair.access_token);
    await kept.ask("GET", "/api/auth/me");
    const next = await serve(folder, port, "--take-over");
    next.process.kill();
    await next.process.exited;
    const moved = await command("export", join(temporaryFolder(), "all"), "--move", "--data", folder);
    expect(statSync(join(folder, "leaving.lock")).mode & 0o777).toBe(0o600);
    expect(moved).toMatchObject({ exitCode: 1, errors: expect.stringContaining("still answers") });
    expect((await kept.ask("GET", "/api/auth/me")).isLast).toBe(true);
    expect(await old.process.exited).toBe(0);
    const again = await command("export", join(temporaryFolder(), "all"), "--move", "--data", folder);
    expect(again.exitCode).toBe(0);
  });

  onLinux("where none serves starts as ever, also after one that was killed", async () => {
    const folder = temporaryFolder();
    const port = freePort();
    const first = await serve(folder, port, "--take-over");
    first.process.kill("SIGKILL");
    await first.process.exited;
    expect(existsSync(join(folder, "handover.sock"))).toBe(true);
    await using second = await serve(folder, port, "--take-over");
    expect(await readyOf(second)).toBe(200);
  });
});
