import { describe, expect, test } from "bun:test";
import { decideRotation, type SessionState } from "../src/core/auth/rotation.ts";

// The table of the rule, row by row, on a session in its 7th generation at 12:00:00.
const NOON = Date.UTC(2026, 10, 23, 12);
const OVERLAP = 10_000;
const session: SessionState = {
  generation: 7,
  confirmed_at: null,
  idle_ends_at: NOON + 7 * 86_400_000,
  ends_at: NOON + 90 * 86_400_000,
  ended_at: null,
  end_reason: null,
  username: "alice",
  disabled_at: null,
};
const confirmed = (ms: number) => ({ ...session, confirmed_at: ms });

type Row = [
  what: string,
  state: SessionState,
  generation: number,
  now: number,
  overlap: number,
  decision: object,
];

const rows: Row[] = [
  ["the newest token", session, 7, NOON, OVERLAP, { kind: "newest" }],
  ["the newest token, in use already", confirmed(NOON - 1e6), 7, NOON, OVERLAP, { kind: "newest" }],
  ["its parent, whose successor nobody has used", session, 6, NOON, OVERLAP, { kind: "unconfirmed" }],
  ["the same, days later", session, 6, NOON + 6 * 86_400_000, OVERLAP, { kind: "unconfirmed" }],
  ["the same, where the rule is strict", session, 6, NOON, 0, { kind: "unconfirmed" }],
  ["its parent, at the successor's first use", confirmed(NOON), 6, NOON, OVERLAP, { kind: "overlap" }],
  ["its parent, 10 s after it", confirmed(NOON), 6, NOON + 10_000, OVERLAP, { kind: "overlap" }],
  ["its parent, 10.001 s after it", confirmed(NOON), 6, NOON + 10_001, OVERLAP, { kind: "reuse" }],
  ["its parent, at the first use, where the rule is strict", confirmed(NOON), 6, NOON, 0, { kind: "reuse" }],
  ["its parent, the clock 10 s back", confirmed(NOON), 6, NOON - 10_000, OVERLAP, { kind: "overlap" }],
  ["its parent, the clock an hour back", confirmed(NOON), 6, NOON - 3_600_000, OVERLAP, { kind: "reuse" }],
  ["its grandparent, nothing confirmed", session, 5, NOON, OVERLAP, { kind: "reuse" }],
  ["the first token of all", confirmed(NOON), 1, NOON, OVERLAP, { kind: "reuse" }],
  ["a token newer than the row", session, 8, NOON, OVERLAP, { kind: "unknown" }],
  ["the last moment before the idle end", session, 7, session.idle_ends_at - 1, OVERLAP, { kind: "newest" }],
  ["the idle end", session, 7, session.idle_ends_at, OVERLAP, { kind: "ended", reason: "expired_idle" }],
  ["the absolute end", session, 7, session.ends_at, OVERLAP, { kind: "ended", reason: "expired_absolute" }],
  [
    "a session that was ended, whatever is shown",
    { ...session, ended_at: NOON - 1, end_reason: "logout" },
    1,
    NOON,
    OVERLAP,
    { kind: "ended", reason: "logout" },
  ],
];

describe("the rule of rotation", () => {
  test.each(rows)("%s", (_, state, generation, now, overlap, decision) => {
    expect(decideRotation(state, generation, now, overlap)).toEqual(
      decision as ReturnType<typeof decideRotation>,
    );
  });
});
