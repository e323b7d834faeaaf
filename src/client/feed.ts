import type { LiveEvents } from "./wire.ts";

// In what order events reach a page: all of them, none twice, none left out. Nothing of the browser is used here.

export type LiveKind = keyof LiveEvents;

/** A place in the stream, as the server names it; the number that it begins with is its order. */
export type PlaceName = string;
const order = (place: PlaceName) => Number.parseInt(place, 10);

/** One event of the stream. Each names the one that was told before it, so that a gap shows. */
export type FeedEvent = {
  [K in LiveKind]: { kind: K; after: PlaceName; id: PlaceName; data: LiveEvents[K] };
}[LiveKind];

/**
 * Where a page is in the stream: everything up to change `id` is on it. `ask` is called where an event has come before
 * others that are missing.
 */
export function createPlace(id: PlaceName, apply: (event: FeedEvent) => void, ask: (id: PlaceName) => void) {
  const place = {
    id,
    take(event: FeedEvent) {
      const isReset = event.kind === "reset";
      if (!isReset && order(event.after) > order(place.id)) return ask(place.id);
      if (!isReset && order(event.id) <= order(place.id)) return;
      place.id = event.id;
      apply(event);
    },
  };
  return place;
}

const KEPT_MAX = 500;

/** What the tab that reads has told the others lately, from a place on. */
export function createBacklog(end: PlaceName) {
  let told: FeedEvent[] = [];
  const backlog = {
    /** How far it goes. */
    end,

    /** The next event, to be told. */
    add<K extends LiveKind>(kind: K, id: PlaceName, data: LiveEvents[K]): FeedEvent {
      const event = { kind, after: backlog.end, id, data } as FeedEvent;
      backlog.end = id;
      told = [...told.slice(1 - KEPT_MAX), event];
      return event;
    },

    /** What a page at `place` has not been told; undefined if that goes back further than what is kept. */
    since: (place: PlaceName): FeedEvent[] | undefined =>
      order(place) < order(told[0]?.after ?? backlog.end)
        ? undefined
        : told.filter(({ id }) => order(id) > order(place)),
  };
  return backlog;
}
