import { describe, expect, test } from "bun:test";
import { createTail } from "../src/core/chat/tail.ts";
import { LIMITS } from "../src/limits.ts";
import type { ChangeRow } from "../src/store/changes.ts";

function open() {
  let forget!: () => void;
  const tail = createTail({
    onTouched: (listener) => (forget = () => listener("all", "")),
    isCurrent: () => true,
    onTold() {},
    hasOneWriter: true,
  });
  const add = (id: number, ...audience: string[]) =>
    tail.add({ id, kind: "message" } as ChangeRow, new Set(audience));
  const next = (userId: string, after: number) => {
    const change = tail.next(userId, after);
    return change ? change.id : change;
  };
  return { tail, add, next, forget: () => forget() };
}

describe("the end of the list of changes", () => {
  test("knows nothing until it is told where the list ends, and then what comes after", () => {
    const { tail, add, next } = open();
    add(7, "alice");
    expect([next("alice", 6), tail.newest()]).toEqual([undefined, undefined]);
    tail.endsAt(7, tail.version());
    expect([next("alice", 6), next("alice", 7)]).toEqual([undefined, null]);
    add(8, "alice", "bob");
    add(9, "bob");
    expect([next("alice", 7), next("alice", 8), next("bob", 8), next("bob", 9)]).toEqual([8, null, 9, null]);
    expect(tail.newest()?.id).toBe(9);
    // Of a place that is ahead, from another history, nothing is known to be missing.
    expect(next("alice", 99)).toBeNull();
  });

  test("is not told by a look that a change came after", () => {
    const { tail, add, next } = open();
    const seen = tail.version();
    add(8, "alice");
    tail.endsAt(7, seen);
    expect(next("alice", 7)).toBeUndefined();
  });

  test("forgets all of it when another process commits, or has committed between two of ours", () => {
    const { tail, add, next, forget } = open();
    tail.endsAt(7, tail.version());
    add(8, "alice");
    forget();
    expect(next("alice", 7)).toBeUndefined();
    tail.endsAt(8, tail.version());
    add(10, "alice");
    expect(next("alice", 8)).toBeUndefined();
  });

  test("is bounded", () => {
    const { tail, add, next } = open();
    tail.endsAt(0, tail.version());
    for (let id = 1; id <= LIMITS.changesRemembered + 5; id++) add(id, "alice");
    expect([next("alice", 0), next("alice", 4), next("alice", 5)]).toEqual([undefined, undefined, 6]);
  });
});
