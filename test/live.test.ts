import { Database } from "bun:sqlite";
import { cpSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { THROTTLES } from "../src/core/auth/throttle.ts";
import { LIMITS } from "../src/limits.ts";
import { eventStream } from "../src/http/sse.ts";
import { changeStore } from "../src/store/changes.ts";
import {
  advance,
  freezeClock,
  startApp,
  temporaryFolder,
  UNLIMITED,
  testFolder,
  type TestApp,
} from "./support/app.ts";
import { login, PASSWORDS, refresh, register, type Person } from "./support/people.ts";
import { Stream } from "./support/stream.ts";
import { shownFrom } from "./support/shown.ts";

/** The place of what every list of changes begins with. */
const beginningOf = async (t: TestApp) => `${(await t.sql("SELECT min(id) AS id FROM changes"))[0]!["id"]}-0`;

const listen = (t: TestApp, person: Person, lastId?: string) =>
  Stream.open(t.fetch, person.accessToken, lastId);

async function talk(t: TestApp) {
  const alice = await register(t, "alice");
  const bob = await register(t, "bob");
  const { id } = (await alice.call("POST", "/api/conversations", { title: "plans" })).body;
  await alice.call("POST", `/api/conversations/${id}/members`, { username: "bob" });
  const post = (person: Person, body: string) =>
    person.call("POST", `/api/conversations/${id}/messages`, { body });
  return { alice, bob, id, post };
}

describe("an event stream", () => {
  test("tells everything that one may see, in order, once, as the API would", async () => {
    await using t = await startApp();
    const { alice, bob, id, post } = await talk(t);
    const stream = await listen(t, bob);
    expect(await stream.next()).toMatchObject({ event: "ready" });

    const message = (await post(alice, "hello\n\nevent: evil\ndata: {}\r\n\u2028</script>")).body;
    expect(await stream.next()).toMatchObject({ event: "message", data: message });
    await alice.call("PATCH", `/api/conversations/${id}`, { title: "plans for May" });
    expect(await stream.next()).toMatchObject({
      event: "conversation",
      data: { id, title: "plans for May" },
    });
    const carol = await register(t, "carol");
    await alice.call("POST", "/api/conversations", { title: "not for bob" });
    await alice.call("POST", `/api/conversations/${id}/members`, { username: "carol" });
    expect(await stream.next()).toMatchObject({ event: "members", data: { id } });
    await alice.call("DELETE", `/api/conversations/${id}/members/${carol.id}`);
    expect(await stream.next()).toMatchObject({ event: "members" });
    await alice.call("DELETE", `/api/conversations/${id}/members/${bob.id}`);
    expect(await stream.next()).toMatchObject({ event: "conversation_removed", data: { id } });
    await post(alice, "among ourselves");
    await alice.call("POST", `/api/conversations/${id}/members`, { username: "bob" });
    expect(await stream.next()).toMatchObject({ event: "members" });
    await alice.call("DELETE", `/api/conversations/${id}`);
    expect(await stream.next()).toMatchObject({ event: "conversation_removed", data: { id } });
    await stream.close();
  });

  test("wakes for what happens while it waits, long before its next heartbeat", async () => {
    await using t = await startApp();
    const { alice, bob, id, post } = await talk(t);
    const stream = await listen(t, bob);
    await stream.next();
    const url = `/api/conversations/${id}`;
    for (const act of [
      () => post(alice, "hello"),
      () => alice.call("PATCH", url, { title: "x" }),
      () => alice.call("POST", `${url}/members`, { username: "bob" }),
      () => alice.call("DELETE", `${url}/members/${bob.id}`),
    ]) {
      const next = stream.next();
      await Bun.sleep(0); // the stream has looked, and waits
      await act();
      const tooLate = Bun.sleep(LIMITS.streamHeartbeatMs / 3).then(() => "too late");
      expect(await Promise.race([next, tooLate])).toMatchObject({ event: expect.any(String) });
    }
    await stream.close();
  });

  test("goes on where it was cut, also over a restart; what is not kept any more it says", async () => {
    freezeClock();
    await using first = await startApp({ DUET_ACCESS_TTL: "1d" });
    const { alice, bob, post } = await talk(first);
    const stream = await listen(first, bob);
    await stream.next();
    await post(alice, "one");
    const { id: place } = await stream.next();
    await stream.close();
    await post(alice, "two");

    await using t = await first.restart();
    const after = { ...alice, call: callOf(t, alice) };
    await post(after, "three");
    const again = await listen(t, bob, place);
    expect(await again.next()).toMatchObject({ event: "ready", id: place });
    expect(await again.next()).toMatchObject({ data: { body: "two" } });
    expect(await again.next()).toMatchObject({ data: { body: "three" } });
    await again.close();

    const start = await beginningOf(t);
    const beginning = await listen(t, bob, start);
    expect(await beginning.next()).toMatchObject({ event: "ready", id: start });
    await beginning.close();
    for (const lost of ["0", "999999999", "x", "-1", "1", "1-", place!.replace("-", ""), `${place}0`]) {
      const stranger = await listen(t, bob, lost);
      expect(await stranger.next()).toMatchObject({ event: "reset" });
      await stranger.close();
    }
    advance(2 * 24 * 3600);
    await t.app.duet.housekeeping.tend();
    const pair = (await refresh(t, bob.refreshToken)).body;
    const late = await Stream.open(t.fetch, pair.access_token, place);
    expect(await late.next()).toMatchObject({ event: "reset" });
    await late.close();
  });

  testFolder(
    "does not go on from a place in a history that was replaced, whatever has come since in the other one",
    async () => {
      await using first = await startApp();
      const { alice, bob, post } = await talk(first);
      await post(alice, "before the backup");
      const backup = `${temporaryFolder()}/copy`;
      await first.app.close();
      cpSync(first.folder, backup, { recursive: true });

      await using t = await first.restart();
      const stream = await listen(t, bob, await beginningOf(t));
      const call = { alice: { ...alice, call: callOf(t, alice) } };
      for (let i = 0; i < 5; i++) await post(call.alice, `lost ${i}`);
      const kept: string[] = [];
      let place = "";
      while (place === "") {
        const event = await stream.next();
        if (event.data?.body === "before the backup") kept.push(event.id);
        if (event.data?.body === "lost 4") place = event.id;
      }
      await stream.close();

      await using restored = await startApp({}, backup);
      const after = { ...alice, call: callOf(restored, alice) };
      for (let i = 0; i < 37; i++) await post(after, `new ${i}`);
      const reader = await listen(restored, bob, place);
      expect(await reader.next()).toMatchObject({ event: "reset" });
      await reader.close();
      // What both have in common is a place in both.
      const earlier = await listen(restored, bob, kept[0]);
      expect(await earlier.next()).toMatchObject({ event: "ready", id: kept[0] });
      expect(await earlier.next()).toMatchObject({ data: { body: "new 0" } });
      await earlier.close();
    },
  );

  test.each([
    ["logout", (bob: Person) => bob.call("POST", "/api/auth/logout")],
    ["logout_all", (bob: Person) => bob.call("POST", "/api/auth/logout-all")],
    ["user_deleted", (bob: Person) => bob.call("POST", "/api/auth/delete", { password: bob.password })],
  ])("ends at once with its session, by %s, and tells nothing after that", async (reason, act) => {
    await using t = await startApp();
    const { alice, bob, post } = await talk(t);
    const stream = await listen(t, bob);
    await stream.next();
    await act(bob);
    await post(alice, "after that");
    expect(await stream.next()).toMatchObject({ event: "session_ended", data: { reason } });
    expect(await stream.next()).toBeNull();
    expect(t.app.duet.notifier.count(bob.id)).toBe(0);
  });

  test("ends with its own session only, when that is revoked or its token is stolen, and each at a new password", async () => {
    freezeClock();
    await using t = await startApp();
    const phone = await register(t, "alice");
    const laptop = await login(t, "alice");
    const sessions = (await phone.call("GET", "/api/auth/sessions")).body.items;
    const stays = await listen(t, phone);
    await stays.next();

    const revoked = await listen(t, laptop);
    await revoked.next();
    await phone.call("DELETE", `/api/auth/sessions/${sessions.find((s: any) => !s.current).id}`);
    expect(await revoked.next()).toMatchObject({
      data: { reason: "revoked", ended_by: { ip: "127.0.0.1" } },
    });

    const robbed = await login(t, "alice");
    const next = (await refresh(t, robbed.refreshToken)).body;
    const cut = await Stream.open(t.fetch, next.access_token);
    await cut.next();
    advance(121);
    await refresh(t, robbed.refreshToken);
    expect(await cut.next()).toMatchObject({ data: { reason: "reuse_detected" } });

    const other = await login(t, "alice");
    const ended = await listen(t, other);
    await ended.next();
    const change = { current_password: phone.password, new_password: PASSWORDS["bob"] };
    await phone.call("POST", "/api/conversations", { title: "still here" });
    for (const stream of [stays, ended])
      expect(await stream.next()).toMatchObject({ event: "conversation", data: { title: "still here" } });

    await phone.call("POST", "/api/auth/password", change);
    for (const stream of [stays, ended])
      expect(await stream.next()).toMatchObject({ data: { reason: "password_changed" } });
  });

  test("beats while there is nothing to tell, however often it is woken for nothing", async () => {
    const folder = temporaryFolder();
    await using t = await startApp(UNLIMITED, folder, { heartbeatMs: 50 });
    const alice = await register(t, "alice");
    const stream = await listen(t, alice);
    await stream.next();
    const ringing = setInterval(() => t.app.duet.notifier.notify([alice.id]), 10);
    expect(await stream.nextOfAny()).toEqual({ event: "heartbeat", id: expect.any(String), data: {} });
    clearInterval(ringing);
    await stream.close();
  });

  test("lets others have their turn while it catches up, and goes through nobody else's changes", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice, post } = await talk(t);
    await Promise.all(Array.from({ length: 500 }, (_, i) => post(alice, `m${i}`)));
    const stream = await listen(t, alice, await beginningOf(t));
    let turns = 0;
    const others = setInterval(() => turns++, 0);
    for (let i = 0; i < 500; i++) await stream.next();
    clearInterval(others);
    expect(turns).toBeGreaterThan(10);
    await stream.close();
  });

  testFolder("looks by indexes", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice } = await talk(t);
    using db = new Database(`${t.folder}/duet.db`, { readonly: true });
    const asked: [sql: string, ...values: string[]][] = [];
    const q = {
      dialect: "sqlite",
      one: async (...call: (typeof asked)[0]) => void asked.push(call),
      all: async () => [],
      run: async () => 0,
    };
    const store = changeStore(q as never, true);
    await store.nextFor(alice.id, 0, 1);
    await store.newest(1);
    await store.find(1);
    for (const [sql, ...values] of asked) {
      const plan = db.query<{ detail: string }, string[]>(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
      for (const { detail } of plan) expect(detail).not.toMatch(/SCAN changes(?! USING)|TEMP B-TREE/);
    }
  });

  test("whose source fails leaves no place taken", async () => {
    let returned = 0;
    const source = {
      next: () => Promise.reject(new Error("the disk is gone")),
      return: async () => void returned++,
    };
    await expect(eventStream(source, () => ({ event: "x", data: {} })).text()).rejects.toThrow(
      "the disk is gone",
    );
    expect(returned).toBe(1);
  });

  test("ends with the access token it was opened with, so that the reader refreshes and comes back", async () => {
    await using t = await startApp({ DUET_ACCESS_TTL: "1s", DUET_PROGRAM_OVERLAP: "0" });
    const alice = await register(t, "alice");
    const stream = await listen(t, alice);
    expect(await stream.next()).toMatchObject({ event: "ready" });
    expect(await stream.next()).toMatchObject({ event: "token_expired" });
    expect(await stream.next()).toBeNull();
  });

  test("ends when the server closes, without waiting for anything", async () => {
    const t = await startApp();
    const alice = await register(t, "alice");
    const stream = await listen(t, alice);
    await stream.next();
    await t.app.close();
    expect(await stream.next()).toBeNull();
  });

  test("is refused beyond so many at once or in a row, and a reader who goes leaves nothing behind", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const streams = await Promise.all(Array.from({ length: 20 }, () => listen(t, alice)));
    const ask = () => t.fetch("/api/events", { headers: { authorization: `Bearer ${alice.accessToken}` } });
    const refused = await ask();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "5"]);
    expect(LIMITS.streamsPerUserMax).toBe(20);
    await Promise.all(streams.map((stream) => stream.close()));
    expect(t.app.duet.notifier.count(alice.id)).toBe(0);
    const statuses = [];
    for (let i = 0; i < THROTTLES.stream_account.burst; i++) {
      const response = await ask();
      statuses.push(response.status);
      await response.body?.cancel(); // before anything was read
    }
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(t.app.duet.notifier.count(alice.id)).toBe(0);
  });

  test("gives its place to a new one, the oldest first, when all are taken for longer than two heartbeats", async () => {
    await using t = await startApp(UNLIMITED, temporaryFolder(), { heartbeatMs: 20 });
    const alice = await register(t, "alice");
    // Nobody reads them any more: their network is gone.
    const first = await listen(t, alice);
    await first.next();
    const streams = await Promise.all(
      Array.from({ length: LIMITS.streamsPerUserMax - 1 }, () => listen(t, alice)),
    );
    for (let beats = 0; beats < 3;) if ((await first.nextOfAny())?.event === "heartbeat") beats++;
    const next = await listen(t, alice);
    expect(await next.next()).toMatchObject({ event: "ready" });
    let last;
    while ((last = await first.next()));
    expect(last).toBeNull();
    expect(t.app.duet.notifier.count(alice.id)).toBe(LIMITS.streamsPerUserMax);
    await Promise.all([next, ...streams].map((stream) => stream.close()));
  });

  test("waits while there is nothing to tell: it looks once, not again and again", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const { sessions, live } = t.app.duet;
    const viewer = await sessions.authenticate(
      alice.accessToken,
      shownFrom({ userAgent: "", ip: "127.0.0.1" }),
    );
    let looks = 0;
    const counting = {
      ...viewer,
      /** Asked for each time the stream looks. */
      get tokenExpiresAt() {
        looks++;
        return viewer.tokenExpiresAt;
      },
    };
    const stream = await live.open(counting, undefined);
    expect((await stream.next()).value).toMatchObject({ kind: "ready" });
    const next = stream.next();
    const turns = async () => {
      for (let i = 0; i < 100; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    };
    while (looks === 0) await turns();
    await turns();
    expect(looks).toBe(1);
    await alice.call("POST", "/api/conversations", { title: "something" });
    expect((await next).value).toMatchObject({ kind: "conversation" });
    await stream.return();
  });

  test("asks for no more than its reader takes: a slow one costs nothing, and loses nothing", async () => {
    await using t = await startApp(UNLIMITED);
    const { alice, bob, post } = await talk(t);
    const stream = await listen(t, bob);
    await stream.next();
    for (let i = 0; i < 300; i++) await post(alice, `m${i}`);
    for (let i = 0; i < 300; i++) expect(await stream.next()).toMatchObject({ data: { body: `m${i}` } });
    await stream.close();
  });

  test("closes over the network for a revoked session and for a reader who hangs up", async () => {
    await using t = await startApp({ DUET_PORT: "0", DUET_PUBLIC_URL: "" });
    const url = t.app.listen();
    const alice = await register(t, "alice");
    const { fetch: http } = globalThis;
    const overNetwork = (path: string, init?: RequestInit) => http(url + path, init);
    const stream = await Stream.open(overNetwork, alice.accessToken);
    expect(stream.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(stream.headers.get("cache-control")).toBe("no-store");
    await stream.next();
    const gone = new AbortController();
    const left = await Stream.open(overNetwork, alice.accessToken, undefined, gone.signal);
    await left.next();
    expect(t.app.duet.notifier.count(alice.id)).toBe(2);
    gone.abort();
    await alice.call("POST", "/api/conversations", { title: "a sound" });
    await stream.next();
    await alice.call("POST", "/api/auth/logout");
    expect(await stream.next()).toMatchObject({ event: "session_ended" });
    expect(await stream.next()).toBeNull();
    expect(t.app.duet.notifier.count(alice.id)).toBe(0);
  });
});

/** The same person against a server that was started again. */
const callOf =
  (t: TestApp, { accessToken }: Person): Person["call"] =>
  (method, path, body, headers = {}) =>
    t.json(method, path, body, { authorization: `Bearer ${accessToken}`, ...headers });
