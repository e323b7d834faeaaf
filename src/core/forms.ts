import { LIMITS } from "../limits.ts";
import type { Store } from "../store/index.ts";
import type { Clock } from "./clock.ts";

const LOOK_AGAIN_MS = 50;

export type Forms = ReturnType<typeof createForms>;

/**
 * Which process does a form that several were sent, and what came of it, for the others to answer. Where one process has
 * the database it knows by itself. Effects: rows of `forms`, for a minute.
 */
export function createForms({ store, clock }: { store: Store; clock: Clock }) {
  return {
    isNeeded: !store.hasOneWriter,

    /**
     * For the first its claim, with which it is to call `settle`; for the others the sealed answer, once it is there. Where
     * the first one was refused, or its process is gone, one of those that wait is the first now. Error code: `unavailable`.
     */
    async claim(id: string): Promise<{ claim: string } | { sealedAnswer: string }> {
      const claim = crypto.randomUUID();
      for (;;) {
        if (await store.forms.claim({ id, claim }, clock())) return { claim };
        const giveUpAt = performance.now() + LIMITS.formWaitMs;
        for (let row; (row = await store.forms.find(id)); await Bun.sleep(LOOK_AGAIN_MS)) {
          if (row.sealed_answer !== null) return { sealedAnswer: row.sealed_answer };
          if (performance.now() > giveUpAt) await store.forms.release({ id, claim: row.claim });
        }
      }
    },

    /** What came of it; null where it may be tried again. */
    async settle(id: string, claim: string, sealedAnswer: string | null): Promise<void> {
      if (sealedAnswer === null) await store.forms.release({ id, claim });
      else await store.forms.keep({ id, claim }, sealedAnswer);
    },
  };
}
