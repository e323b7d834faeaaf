import type { ChangeRow } from "../../store/changes.ts";
import type { Store } from "../../store/index.ts";
import { LIMITS } from "../../limits.ts";

export type Tail = ReturnType<typeof createTail>;

type Told = { change: ChangeRow; audience: ReadonlySet<string> };

/**
 * The end of the list of changes, in memory: every change after `start`, each with those who may know of it, as this
 * process has committed them. When another process has committed it is empty, and knows nothing until it is told where the
 * list ends; where other processes commit changes all the time it is never told.
 */
export function createTail(store: Pick<Store, "onTouched" | "isCurrent" | "onTold" | "hasOneWriter">) {
  let told: Told[] = [];
  /** The id before the first of `told`; infinite while it is not known what comes after what. */
  let start = Number.POSITIVE_INFINITY;
  let version = 0;

  function forget() {
    told = [];
    start = Number.POSITIVE_INFINITY;
    version++;
  }

  store.onTouched((what) => {
    if (what === "all") forget();
  });
  store.onTold(forget);

  return {
    /** After the commit that made it, in the order of commits. */
    add(change: ChangeRow, audience: ReadonlySet<string>): void {
      version++;
      if (!store.isCurrent() || start === Number.POSITIVE_INFINITY) return;
      // Somebody else's came between.
      if (change.id !== start + told.length + 1) return forget();
      told.push({ change, audience });
      if (told.length <= LIMITS.changesRemembered) return;
      told.shift();
      start++;
    },

    /**
     * The first change after an id that a user may know of; null if there is none. undefined where that is not known here:
     * ask the database.
     */
    next(userId: string, afterId: number): ChangeRow | null | undefined {
      if (!store.isCurrent() || afterId < start) return undefined;
      for (let i = afterId - start; i < told.length; i++) {
        const { change, audience } = told[i]!;
        if (audience.has(userId)) return change;
      }
      return null;
    },

    /** The newest of all; undefined where that is not known here. */
    newest: (): ChangeRow | undefined => (store.isCurrent() ? told.at(-1)?.change : undefined),

    /** Changes with every commit that this process knows of: what was loaded before one may be otherwise after it. */
    version: (): number => (store.isCurrent(), version),

    /** Says where the list ended when it was read at `seen` (a `version`). */
    endsAt(id: number, seen: number): void {
      if (store.hasOneWriter && seen === version && start === Number.POSITIVE_INFINITY) start = id;
    },
  };
}
