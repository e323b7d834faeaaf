let latest = 0;

/**
 * A new UUIDv7 (RFC 9562 section 5.7) of `now` in epoch milliseconds. Ids sort by the order in which they
 * were made, even when the clock jumps back: in one process by themselves, over a restart by `continueAfter`. They are names, never credentials: knowing one opens nothing.
 */
export function newId(now: number): string {
  latest = Math.max(latest, now);
  return Bun.randomUUIDv7("hex", latest);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** When an id was made, in epoch milliseconds, or later: see `newId`. */
export const timeIn = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** At a start: has new ids sort after the last one that is kept, null if there is none, whatever the clock says. */
export function continueAfter(last: string | null): void {
  latest = last === null ? 0 : timeIn(last) + 1;
}

/** A new id that sorts after `last`, which another process may have made by a clock that is ahead. */
export function newIdAfter(last: string, now: number): string {
  const id = newId(now);
  return id > last ? id : newId(timeIn(last) + 1);
}

/** Whether a path segment can be an id at all; what cannot is treated as not found. */
export const isId = (text: string): boolean => UUID.test(text);
