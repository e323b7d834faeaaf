import { DuetError, type SessionEnd } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { ChangeRow } from "../../store/changes.ts";
import type { Store } from "../../store/index.ts";
import type { Endings } from "../auth/endings.ts";
import { isDeviceBound } from "../auth/holders.ts";
import type { RememberedSessions } from "../auth/remembered.ts";
import type { Throttle } from "../auth/throttle.ts";
import type { Clock } from "../clock.ts";
import type { Notifier, Subscription } from "../notifier.ts";
import type { Viewer } from "../viewer.ts";
import type { Tail } from "./tail.ts";
import { createReaders } from "./readers.ts";
import { createTurns } from "./turns.ts";
import type { Conversation } from "./conversations.ts";
import type { Message } from "./messages.ts";

/** What a stream tells. `id` is the place that a reader who comes back names to go on from there. */
export type LiveEvent =
  /** A message that is new, was changed or was taken back. */
  | { kind: "message"; id: string; message: Message; conversation: Conversation }
  /** `read`: by the viewer, in another place. */
  | { kind: "conversation" | "members" | "read"; id: string; conversation: Conversation }
  | { kind: "conversation_removed"; id: string; conversationId: string }
  /** First of all: the stream begins here. After it nothing that is committed is missed. */
  | { kind: "ready"; id: string }
  /** What came since is not kept any more: load afresh. */
  | { kind: "reset"; id: string }
  /** Nothing new; it keeps the connection alive and the reader's place current. */
  | { kind: "heartbeat"; id: string }
  | { kind: "token_expired" }
  | { kind: "session_ended"; end: SessionEnd };

/** A place in the list of changes: the last that was told. */
type Place = Pick<ChangeRow, "id" | "created_at">;

/** With when it was made: after a backup was put back another change has that id, and what is between was never told. */
const nameOf = ({ id, created_at }: Place) => `${id}-${created_at.toString(36)}`;

type Events = AsyncGenerator<LiveEvent, void>;

/** A stream as its reader sees it. */
export type LiveStream = { next(): Promise<IteratorResult<LiveEvent, void>>; return(): Promise<void> };

/** In the database, and in memory. */
const LOOKS_PER_TURN = 20;
const QUICK_LOOKS_PER_TURN = 200;
/** What is loaded for all, while nothing is committed: those who catch up alone go through many changes. */
const LOADED_MAX = 1000;

export type Live = ReturnType<typeof createLive>;

/**
 * Event streams. Every change is a row, written with what it tells of in one transaction; a stream is a place in that
 * table, the last change that it has told, and goes on from there as fast as its reader reads. So nothing is queued for a
 * slow reader, and one that comes back after a lost connection or a restart misses nothing. The end of the table is in
 * memory (tail.ts), and what is loaded for one reader is there for all until the next commit.
 */
export function createLive(deps: {
  store: Store;
  remembered: Pick<RememberedSessions, "isLive" | "findLive" | "find">;
  tail: Tail;
  endings: Pick<Endings, "endOfSession">;
  throttle: Throttle;
  notifier: Notifier;
  clock: Clock;
  heartbeatMs: number;
}) {
  const { store, remembered, tail, endings, throttle, notifier, clock, heartbeatMs } = deps;
  const readers = createReaders({ store, notifier, heartbeatMs });

  // Neither the database nor memory lets others have their turn by itself, whoever has a long way to catch up.
  const takeTurn = createTurns(LOOKS_PER_TURN);
  const takeQuickTurn = createTurns(QUICK_LOOKS_PER_TURN);

  async function newest(): Promise<Place> {
    const known = tail.newest();
    if (known) return known;
    const seen = tail.version();
    const place = await store.changes.newest(store.settled.upTo());
    tail.endsAt(place.id, seen);
    return place;
  }

  /** The place to begin at: the one that is named, or now. `lost` where the named one is not kept, or of another history. */
  async function beginAt(name: string | undefined): Promise<{ place: Place; lost: boolean }> {
    await store.settled.reach();
    if (name === undefined || name === "") return { place: await newest(), lost: false };
    const change = await store.changes.find(/^\d{1,16}-/.test(name) ? Number.parseInt(name, 10) : 0);
    if (change && nameOf(change) === name) return { place: change, lost: false };
    return { place: await newest(), lost: true };
  }

  async function load(userId: string, change: ChangeRow): Promise<LiveEvent | null> {
    const { conversation_id: conversationId } = change;
    const id = nameOf(change);
    if (change.kind === "conversation_removed") return { kind: change.kind, id, conversationId };
    const conversation = await store.conversations.find(conversationId, userId);
    if (!conversation) return null;
    if (change.kind === "start") return null;
    if (change.kind !== "message") return { kind: change.kind, id, conversation };
    const message = await shared(`${change.id}`, () =>
      store.messages.find(conversationId, change.message_id ?? ""),
    );
    return message && { kind: "message", id, message, conversation };
  }

  /** What was loaded since the last commit, for all the streams that want the same. */
  let loaded = new Map<string, Promise<unknown>>();
  let loadedAt = 0;
  function shared<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (loadedAt !== tail.version() || loaded.size >= LOADED_MAX) loaded = new Map();
    loadedAt = tail.version();
    const known = loaded.get(what) as Promise<T> | undefined;
    if (known) return known;
    const one = work();
    loaded.set(what, one);
    // What failed is tried again by the next one.
    one.catch(() => loaded.delete(what));
    return one;
  }

  /** How a viewer's session has ended; null while it lives. */
  async function endOf({ sessionId }: Viewer): Promise<SessionEnd | null> {
    if (remembered.isLive(sessionId, clock())) return null;
    await remembered.find(sessionId);
    return endings.endOfSession(sessionId);
  }

  /** When a viewer's token is good no more; its session may have been bound to a device since it was shown. */
  function expiryOf({ sessionId, tokenIssuedAt, tokenExpiresAt }: Viewer): number {
    const session = remembered.findLive(sessionId, clock());
    const isBound = session !== undefined && isDeviceBound(session);
    return isBound
      ? Math.min(tokenExpiresAt, tokenIssuedAt + LIMITS.boundAccessSeconds * 1000)
      : tokenExpiresAt;
  }

  /** The next change that a user may know of, and where they are after it: if there is none, at the end. */
  async function look(userId: string, place: Place): Promise<{ change: ChangeRow | null; place: Place }> {
    let change = tail.next(userId, place.id);
    if (change === undefined) {
      await takeTurn(userId);
      const last = await newest();
      change = await store.changes.nextFor(userId, place.id, store.settled.upTo());
      return { change, place: change ?? (last.id > place.id ? last : place) };
    }
    const last = tail.newest();
    return { change, place: change ?? (last && last.id > place.id ? last : place) };
  }

  async function* follow(viewer: Viewer, lastId: string | undefined, news: Subscription): Events {
    const { userId } = viewer;
    let { place, lost } = await beginAt(lastId);
    let toldAt = performance.now();
    yield { kind: lost ? "reset" : "ready", id: nameOf(place) };
    // Before each event, since the reader may have taken its time: may it still read?
    while (!news.closed) {
      await takeQuickTurn(userId);
      const end = await endOf(viewer);
      if (end) return yield { kind: "session_ended", end };
      const untilExpiry = expiryOf(viewer) - clock();
      if (untilExpiry <= 0) return yield { kind: "token_expired" };

      const { change, ...after } = await look(userId, place);
      place = after.place;
      const shown = change && (await shared(`${change.id} ${userId}`, () => load(userId, change)));
      const untilBeat = toldAt + heartbeatMs - performance.now();
      const event: LiveEvent | null =
        shown ?? (untilBeat <= 0 ? { kind: "heartbeat", id: nameOf(place) } : null);
      if (event) {
        yield event;
        toldAt = performance.now();
      } else if (!change && !(await news.wait(Math.min(untilBeat, untilExpiry)))) await store.settled.reach();
    }
  }

  return {
    /** Where the list of changes ends now: what a page is given that is about to be read. */
    async place(): Promise<string> {
      await store.settled.reach();
      return nameOf(await newest());
    },

    /**
     * Everything that the viewer may see, as it is committed, from `lastId` on (`Last-Event-ID`, WHATWG HTML
     * section 9.2). Ends by itself when the access token expires or the session ends, with that as its last event,
     * and without one when the server closes. Its reader must call `return` when it goes. Error code: `rate_limited`.
     */
    async open(viewer: Viewer, lastId: string | undefined): Promise<LiveStream> {
      await throttle.take(["stream_account", viewer.userId]);
      // A reader whose network vanished is not told apart from one that is silent: the oldest gives way, and comes back
      // with its place if it is there.
      const isFull = readers.count(viewer.userId) >= LIMITS.streamsPerUserMax;
      if (isFull && !readers.makeRoom(viewer.userId))
        throw new DuetError("rate_limited", { retryAfterSeconds: 5 });
      const news = notifier.subscribe(viewer.userId);
      readers.changed(viewer.userId);
      const events = follow(viewer, lastId, news);
      return {
        next: () => events.next(),
        // A generator that was never begun has no `finally`.
        async return() {
          news.close();
          readers.changed(viewer.userId);
          await events.return();
        },
      };
    },
  };
}
