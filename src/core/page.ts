import { invalidField } from "../errors.ts";
import { LIMITS } from "../limits.ts";

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
