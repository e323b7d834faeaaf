import type { Store } from "../store/index.ts";

/** More changes than were ever made since the oldest backup that anybody will put back. */
const CHANGES_SKIPPED = 1_000_000_000;

/**
 * What has to be done to data that was restored, before anybody uses it: a copy cannot know what has ended since. Everybody is
 * signed out (`restored`), used proofs, forms, links of every kind, guests of the lab, challenges and letters are forgotten, and event streams have a new history. Answers how many
 * accounts there are. Effects: all of these, or none.
 */
export const beginAnew = (store: Store, now: number): Promise<number> =>
  store.tx(async (tx) => {
    const people = await tx.eras.endAll({ at: now, reason: "restored" });
    const last = await tx.changes.newest(Number.MAX_SAFE_INTEGER);
    await tx.changes.beginAnew(last.id + CHANGES_SKIPPED, now);
    await tx.proofs.removeAll();
    await tx.links.removeAll();
    await tx.invites.removeAll();
    await tx.guests.removeAll();
    await tx.challenges.removeAll();
    await tx.letters.removeAll();
    await tx.forms.removeAll();
    return people;
  });
