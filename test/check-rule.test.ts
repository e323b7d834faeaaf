import { describe, expect, test } from "bun:test";
import { CHANGES, find } from "./prove/changes.ts";
import { shareGivenAway, shortestUnseen } from "./prove/costs.ts";
import { explore } from "./prove/model.ts";
import { replay, type Seen } from "./prove/replay.ts";
import { SMALL } from "./prove/setups.ts";

describe("the rule, in every order of events", () => {
  test.each(SMALL)("keeps what is promised: $name", (setup) => {
    const { states, broken } = explore(setup);
    expect(broken).toEqual({});
    expect(states).toBeGreaterThan(2000);
  });

  test.each(CHANGES)("would not with a change: $what", async (change) => {
    expect(await find(change, SMALL)).toBeArray();
  });

  test("hides a thief only within W, or if he waits until his victim has come", () => {
    expect(shortestUnseen(0, true)).toEqual([]);
    const withOverlap = ["the thief copies 1", "the thief shows 1: newest, and gets 2"];
    expect(shortestUnseen(2, true)).toEqual([
      ...withOverlap,
      "the thief uses the access token of 2",
      "A shows 1: overlap, and gets 2",
    ]);
    expect(shortestUnseen(0, false)).toHaveLength(4);
    expect([0, 10, 120, 1799].map((w) => shareGivenAway(w, 1800))).toEqual([1, 0.994, 0.933, 0.001]);
  });
});

describe("what clients see, against the rule", () => {
  const at = (sent: number) => ({ session: "s", overlapMs: 1000, sent, answered: sent + 10 });
  const base: Seen[] = [
    { ...at(0), shown: 1, got: 2 },
    { ...at(20), used: 2, isTaken: true },
    { ...at(900), shown: 1, got: 2 },
  ];

  test.each<[string, Seen[], number]>([
    ["a rotation, a use and a straggler", base, 0],
    [
      "two at once, in either order",
      [
        { ...at(5), shown: 1, got: 2 },
        { ...at(0), shown: 1, got: 2 },
      ],
      0,
    ],
    [
      "a copy that is shown too late, and nothing after it",
      [
        ...base,
        { ...at(1100), shown: 1, reason: "reuse_detected" },
        { ...at(1200), used: 2, isTaken: false },
      ],
      0,
    ],
    ["a fork", [...base, { ...at(950), shown: 1, got: 3 }], 1],
    ["a generation that is skipped", [{ ...at(0), shown: 1, got: 3 }], 1],
    ["a copy that is answered too late", [...base, { ...at(1100), shown: 1, got: 2 }], 1],
    ["an owner who is signed out within W", [...base, { ...at(950), shown: 1, reason: "reuse_detected" }], 1],
    ["a refusal that the rule does not know", [{ ...at(0), shown: 1, reason: "500" }], 1],
    [
      "a token that is taken after the end",
      [...base, { ...at(1100), shown: 1, reason: "reuse_detected" }, { ...at(1200), used: 2, isTaken: true }],
      1,
    ],
  ])("%s", (_, seen, faults) => {
    expect(replay(seen)).toHaveLength(faults);
  });
});
