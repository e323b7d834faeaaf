import { describe, expect, test } from "bun:test";
import { createLeader, type Locks } from "../../src/client/leader.ts";

type Request = { work: () => Promise<never>; reject: (error: Error) => void };

/** One exclusive lock, as the Web Locks API has it: a queue, and a way to take it from whoever holds it. */
function createLocks() {
  let holder: Request | undefined;
  const queue: Request[] = [];
  const grant = () => {
    if (holder || queue.length === 0) return;
    holder = queue.shift();
    void holder!.work();
  };
  const locks: Locks = {
    request: (_name, { steal = false }, work) =>
      new Promise((_, reject) => {
        if (steal) {
          holder?.reject(new DOMException("stolen", "AbortError"));
          holder = undefined;
          queue.unshift({ work, reject });
        } else queue.push({ work, reject });
        queueMicrotask(grant);
      }),
  };
  return {
    locks,
    /** The tab that holds it is closed. */
    close() {
      holder = undefined;
      grant();
    },
  };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

function tab(locks: Locks, name: string, told: string[]) {
  return createLeader(locks, {
    lead: () => void told.push(`${name} leads`),
    follow: () => void told.push(`${name} follows`),
  });
}

describe("of the tabs of a browser", () => {
  test("one leads; when it closes the next one does, and no other", async () => {
    const { locks, close } = createLocks();
    const told: string[] = [];
    const tabs = ["a", "b", "c"].map((name) => tab(locks, name, told));
    for (const each of tabs) each.start({ atOnce: false });
    await settled();
    expect(tabs.map(({ leads }) => leads)).toEqual([true, false, false]);
    close();
    await settled();
    expect(told).toEqual(["a leads", "b leads"]);
  });

  test("the one that is looked at takes over, and gives it back when it closes", async () => {
    const { locks, close } = createLocks();
    const told: string[] = [];
    const [a, b] = ["a", "b"].map((name) => tab(locks, name, told));
    a!.start({ atOnce: true });
    await settled();
    b!.start({ atOnce: true });
    await settled();
    expect([a!.leads, b!.leads]).toEqual([false, true]);
    expect(told.toSorted()).toEqual(["a follows", "a leads", "b leads"]);
    close();
    await settled();
    expect(a!.leads).toBe(true);
  });

  test("nobody takes over from themselves, and a waiting tab waits once", async () => {
    const { locks, close } = createLocks();
    const told: string[] = [];
    const [a, b] = ["a", "b"].map((name) => tab(locks, name, told));
    a!.start({ atOnce: true });
    await settled();
    a!.takeOver();
    a!.takeOver();
    b!.start({ atOnce: false });
    for (let i = 0; i < 3; i++) {
      await settled();
      b!.takeOver();
      await settled();
      a!.takeOver();
    }
    await settled();
    expect(a!.leads).toBe(true);
    // Each waits in one place only: after the one that leads comes the other, then nobody.
    const before = told.length;
    close();
    await settled();
    close();
    await settled();
    close();
    await settled();
    expect(told.slice(before)).toEqual(["a leads", "b leads"]);
  });
});
