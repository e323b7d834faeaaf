import { describe, expect, test } from "bun:test";
import { createTurns } from "../src/core/chat/turns.ts";

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("the looks of all event streams", () => {
  test("are so many in a turn of the event loop, however many streams there are", async () => {
    const take = createTurns(5);
    let looks = 0;
    const stream = async (user: string) => {
      for (let i = 0; i < 20; i++) {
        await take(user);
        looks++;
      }
    };
    const all = Promise.all(Array.from({ length: 10 }, (_, i) => stream(`user ${i}`)));
    let most = 0;
    for (let before = 0; looks < 200; before = looks) {
      await nextTurn();
      most = Math.max(most, looks - before);
    }
    await all;
    // Two, where one turn of ours sees the end of one of theirs.
    expect(most).toBeLessThanOrEqual(10);
  });

  test("are taken by one user after the other: twenty streams of one have one's share", async () => {
    const take = createTurns(4);
    const log: string[] = [];
    const stream = async (user: string) => {
      for (let i = 0; i < 10; i++) {
        await take(user);
        log.push(user);
      }
    };
    await Promise.all([...Array.from({ length: 20 }, () => stream("crowd")), stream("alice")]);
    expect(log.filter((user) => user === "alice")).toHaveLength(10);
    // At least one look in each turn, of 210 in all.
    expect(log.lastIndexOf("alice")).toBeLessThan(45);
  });
});
