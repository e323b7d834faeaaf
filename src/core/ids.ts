let latest = 0;

/**
 * A new UUIDv7 (RFC 9562 section 5.7) of `now` in epoch milliseconds. Ids of one process sort by the order in
 * which they were made, even when the clock jumps back. They are names, never credentials: knowing one opens nothing.
 */
export function newId(now: number): string {
  latest = Math.max(latest, now);
  return Bun.randomUUIDv7("hex", latest);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a path segment can be an id at all; what cannot is treated as not found. */
export const isId = (text: string): boolean => UUID.test(text);
