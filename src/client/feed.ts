import type { LiveEvents } from "./wire.ts";

// In what order events reach a page: all of them, none twice, none left out. Nothing of the browser is used here.

export type LiveKind = keyof LiveEvents;

/** One event of the stream. Each names the one that was told before it, so that a gap shows. */
export type FeedEvent = {
  [K in LiveKind]: { kind: K; after: number; id: number; data: LiveEvents[K] };
}[LiveKind];

/**
 * Where a page is in the stream: everything up to change `id` is on it. `ask` is called where an event has come before
 * others that are missing.
 */
export function createPlace(id: number, apply: (event: FeedEvent) => void, ask: (id: number) => void) {
  const place = {
    id,
    take(event: FeedEvent) {
      const isReset = event.kind === "reset";
      if (!isReset && event.after > place.id) return ask(place.id);
      if (!isReset && event.id <= place.id) return;
      place.id = event.id;
      apply(event);
    },
  };
  return place;
}

const KEPT_MAX = 500;

/** What the tab that reads has told the others lately, from a place on. */
export function createBacklog(end: number) {
  let told: FeedEvent[] = [];
  const backlog = {
    /** How far it goes. */
    end,

    /** The next event, to be told. */
    add<K extends LiveKind>(kind: K, id: number, data: LiveEvents[K]): FeedEvent {
      const event = { kind, after: backlog.end, id, data } as FeedEvent;
      backlog.end = id;
      told = [...told.slice(1 - KEPT_MAX), event];
      return event;
    },

    /** What a page at `place` has not been told; undefined if that goes back further than what is kept. */
    since: (place: number): FeedEvent[] | undefined =>
      place < (told[0]?.after ?? backlog.end) ? undefined : told.filter(({ id }) => id > place),
  };
  return backlog;
}
