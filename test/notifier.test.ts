import { describe, expect, test } from "bun:test";
import { createNotifier } from "../src/core/notifier.ts";

const MINUTE = 60_000;
/** Long enough for everything that does not wait. */
const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve));
};

/** What a wait has come to, by now. */
function watch(wait: Promise<boolean>) {
  const watched = { came: undefined as boolean | undefined, wait };
  void wait.then((came) => (watched.came = came));
  return watched;
}

describe("a stream that waits for news", () => {
  test("waits until there is some, for its own user, and no longer", async () => {
    const notifier = createNotifier();
    const [alice, bob] = [notifier.subscribe("alice"), notifier.subscribe("bob")];
    const [hers, his] = [watch(alice.wait(MINUTE)), watch(bob.wait(MINUTE))];
    await turns();
    expect([hers.came, his.came]).toEqual([undefined, undefined]);
    notifier.notify(["alice", "carol"]);
    await turns();
    expect([hers.came, his.came]).toEqual([true, undefined]);
    notifier.close();
    expect([await hers.wait, await his.wait]).toEqual([true, true]);
  });

  test("does not wait for what came before, and waits again after it", async () => {
    const notifier = createNotifier();
    const alice = notifier.subscribe("alice");
    notifier.notify(["alice"]);
    notifier.notify(["alice"]);
    expect(await alice.wait(MINUTE)).toBe(true);
    const again = watch(alice.wait(MINUTE));
    await turns();
    expect(again.came).toBeUndefined();
    alice.close();
    expect(await again.wait).toBe(true);
  });

  test("is told that the time is over, and waits no more once it or the server is closed", async () => {
    const notifier = createNotifier();
    const [one, other] = [notifier.subscribe("alice"), notifier.subscribe("alice")];
    expect(await one.wait(1)).toBe(false);
    expect([one.closed, other.closed, notifier.count("alice")]).toEqual([false, false, 2]);
    one.close();
    expect([one.closed, other.closed, notifier.count("alice")]).toEqual([true, false, 1]);
    expect(await one.wait(MINUTE)).toBe(true);
    notifier.close();
    expect(other.closed).toBe(true);
    for (let i = 0; i < 2; i++) expect(await other.wait(MINUTE)).toBe(true);
    other.close();
    expect(notifier.count("alice")).toBe(0);
  });
});
