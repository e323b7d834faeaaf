import { expect, describe, test } from "bun:test";
import { createGate } from "../src/core/auth/gate.ts";
import { weightOf } from "../src/core/auth/hashes.ts";

/** A gate whose tasks end when they are told to; `log` has who began, in order. */
function gateOf(limit: number, queueMax: number) {
  const gate = createGate({ limit, queueMax });
  const log: string[] = [];
  const refused: string[] = [];
  const ends: (() => void)[] = [];
  const enter = (network: string, key = crypto.randomUUID() as string) => {
    const task = () => {
      log.push(network);
      return new Promise<void>((resolve) => ends.push(resolve));
    };
    return gate({ network, key }, task).catch(({ code }) => {
      expect(code).toBe("too_busy");
      refused.push(network);
    });
  };
  /** What follows from something is known some turns of the microtask queue later. */
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const endOne = async () => {
    ends.shift()!();
    await settled();
  };
  return { enter, settled, endOne, log, refused };
}

describe("the queue for hashing", () => {
  test("is fair by network: one that waits for the first time is next, however many another has waiting", async () => {
    const { enter, settled, endOne, log } = gateOf(1, 64);
    for (let i = 0; i < 20; i++) void enter("crowd");
    await settled();
    await endOne();
    void enter("alice");
    void enter("bob");
    void enter("bob");
    for (let i = 0; i < 6; i++) await endOne();
    expect(log).toEqual(["crowd", "crowd", "alice", "bob", "crowd", "bob", "crowd", "crowd"]);
  });

  test("when it is full has a place for whoever has fewer there, and no network holds more than its share", async () => {
    const { enter, settled, endOne, log, refused } = gateOf(1, 10);
    for (let i = 0; i < 13; i++) void enter("crowd");
    await settled();
    expect(refused).toEqual(["crowd", "crowd"]);
    for (let i = 0; i < 8; i++) void enter("others");
    void enter("alice");
    await settled();
    // Ten places: five, four and one.
    expect(refused.slice(2).toSorted()).toEqual(
      [...Array(6).fill("crowd"), ...Array(3).fill("others")].toSorted(),
    );
    for (let i = 0; i < 10; i++) await endOne();
    expect(log.slice(0, 5)).toEqual(["crowd", "crowd", "others", "alice", "crowd"]);
    expect(log.length).toBe(11);
  });

  test("lets one of a key work at a time, and others meanwhile", async () => {
    const { enter, settled, endOne, log } = gateOf(3, 10);
    for (let i = 0; i < 3; i++) void enter("home", "alice");
    void enter("home", "bob");
    await settled();
    expect(log.length).toBe(2);
    await endOne();
    expect(log.length).toBe(3);
  });

  test("gives what is heavy as many places as it needs, and lets nobody past it", async () => {
    const gate = createGate({ limit: 4, queueMax: 64 });
    let working = 0;
    let most = 0;
    const began: string[] = [];
    const enter = (name: string, weight: number) =>
      gate({ network: name, key: name, weight }, async () => {
        began.push(name);
        working += Math.min(weight, 4);
        most = Math.max(most, working);
        await new Promise((done) => setTimeout(done, 2));
        working -= Math.min(weight, 4);
      });
    await Promise.all([
      enter("a", 1),
      enter("heavy", 4),
      enter("b", 1),
      enter("heavier than there are places", 99),
      enter("c", 3),
      enter("d", 2),
    ]);
    expect(most).toBe(4);
    expect(began).toEqual(["a", "heavy", "b", "heavier than there are places", "c", "d"]);
  });

  test("weighs hashes of other systems by what they cost", () => {
    const salt = "c2FsdHNhbHRzYWx0";
    for (const [stored, weight] of [
      [`$argon2id$v=19$m=19456,t=2,p=1$${salt}$${salt}`, 1],
      [`$argon2id$v=19$m=262144,t=2,p=1$${salt}$${salt}`, 4],
      ["$2b$10$abcdefghijklmnopqrstuu", 1],
      ["$2y$14$abcdefghijklmnopqrstuu", 8],
      [`$scrypt$ln=14,r=8,p=1$${salt}$${salt}`, 1],
      [`$scrypt$ln=17,r=8,p=1$${salt}$${salt}`, 2],
      [`$pbkdf2-sha256$29000$${salt}$${salt}`, 1],
      [`pbkdf2_sha256$1200000$salt$${salt}`, 3],
      ["nothing that is known", 1],
    ] as const)
      expect([stored, weightOf(stored)]).toEqual([stored, weight]);
  });
});
