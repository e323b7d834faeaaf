import { invalidField } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { isId } from "./ids.ts";

/** One page of a list. `next` names where the following one begins; null on the last. */
export type Page<T> = { items: T[]; next: string | null };

/** How many to show: from 1 to the most there is on a page. Error code: `validation_failed`. */
export function pageLimit(asked: number | undefined): number {
  if (asked === undefined) return LIMITS.pageItemsDefault;
  if (!Number.isInteger(asked) || asked < 1) throw invalidField("limit", "invalid");
  return Math.min(asked, LIMITS.pageItemsMax);
}

/** The page in `rows`, of which one more than `limit` was asked for: its presence says that there is a next page. */
export function pageOf<T>(rows: T[], limit: number, cursorOf: (last: T) => string): Page<T> {
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? cursorOf(items.at(-1)!) : null };
}

/** A place in a list that is ordered by a time (ms) and an id. */
export type Place = { time: number; id: string };

/** Names a place; clients send it back as they got it. */
export const writeCursor = ({ time, id }: Place): string =>
  Buffer.from(`${time}.${id}`).toString("base64url");

/** Error code: `validation_failed`. */
export function readCursor(cursor: string | undefined): Place | null {
  if (cursor === undefined) return null;
  const [, time, id] = /^(\d{1,15})\.(.+)$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (!time || !id || !isId(id)) throw invalidField("cursor", "invalid");
  return { time: Number(time), id };
}

/** All rows, however many, a page of them at a time: `read` answers those after `last`, which is null for the first. */
export async function* everyRow<T>(read: (last: T | null, limit: number) => Promise<T[]>): AsyncGenerator<T> {
  let last: T | null = null;
  for (;;) {
    const rows: T[] = await read(last, LIMITS.rowsReadAtOnce);
    yield* rows;
    if (rows.length < LIMITS.rowsReadAtOnce) return;
    last = rows.at(-1)!;
    // Whoever reads much lets others in between.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
