// Which of the tabs of a browser reads the event stream: the one that holds a lock. Of the browser only the lock is used.

/** As much of `navigator.locks` as is needed (Web Locks API). */
export type Locks = {
  request(name: string, options: { steal?: boolean }, work: () => Promise<never>): Promise<unknown>;
};

/** `lead` is called when this tab leads, `follow` when another has taken over. */
export function createLeader(locks: Locks, { lead, follow }: { lead(): void; follow(): void }) {
  let waits = false;

  function request(steal: boolean) {
    if (waits && !steal) return;
    if (!steal) waits = true;
    locks
      .request("duet-live", steal ? { steal } : {}, () => {
        if (!steal) waits = false;
        leader.leads = true;
        lead();
        // Held until the tab goes, or another takes it.
        return new Promise<never>(() => {});
      })
      .catch(() => {
        leader.leads = false;
        follow();
        request(false);
      });
  }

  const leader = {
    leads: false,

    /** Waits for its turn, now and again whenever another tab has taken over; or takes it at once. */
    start({ atOnce }: { atOnce: boolean }) {
      // Stealing first: a lock that this tab got from the queue it would steal from itself.
      if (atOnce) request(true);
      request(false);
    },

    /** Leads at once: a tab that nobody sees may have been put to sleep with the lock in its hand. */
    takeOver() {
      if (!leader.leads) request(true);
    },
  };
  return leader;
}
