import { describe, expect, test } from "bun:test";
import { decideRotation, type Overlap, type SessionState, type Shown } from "../src/core/auth/rotation.ts";

// The table of the rule, row by row, on a session in its 7th generation at 12:00:00. Every order of events: check-rule.
const NOON = Date.UTC(2026, 10, 23, 12);
const HOUR = 3_600_000;
const W: Overlap = { ms: 10_000 };
const STRICT: Overlap = { ms: 0 };
const UNTIMED: Overlap = { ms: 10_000, isUntimed: true };
const ENDLESS: Overlap = { ms: 120_000, isEndless: true };
const session: SessionState = {
  generation: 7,
  confirmed_at: null,
  previous_confirmed_at: NOON - HOUR,
  idle_ends_at: NOON + 7 * 86_400_000,
  ends_at: NOON + 90 * 86_400_000,
  ended_at: null,
  end_reason: null,
  username: "alice",
  disabled_at: null,
  key_thumbprint: null,
};
/** The sixth generation was first used at `previous`, the seventh at `newest`. */
const used = (previous: number, newest: number | null) => ({
  ...session,
  previous_confirmed_at: previous,
  confirmed_at: newest,
});
const first = { ...session, generation: 1, previous_confirmed_at: null };
const held = { ...used(NOON - HOUR, NOON - HOUR), key_thumbprint: "key" };
const withKey = (generation: number) => ({ generation, key: "key" });

type Row = [
  what: string,
  state: SessionState,
  shown: number | Shown,
  now: number,
  overlap: Overlap,
  decision: string,
];

const rows: Row[] = [
  ["the newest token", session, 7, NOON, W, "newest"],
  ["the newest token, in use already", used(NOON - HOUR, NOON - 1e6), 7, NOON, W, "newest"],
  ["the newest token, in use this moment", used(NOON - HOUR, NOON), 7, NOON, W, "newest"],
  [
    "the newest token, while two generations before it may be shown",
    used(NOON - 10_000, null),
    7,
    NOON,
    W,
    "kept",
  ],
  ["the same a moment later", used(NOON - 10_001, null), 7, NOON, W, "newest"],
  ["the same, where the rule is strict", used(NOON, null), 7, NOON, STRICT, "newest"],
  ["the same, where the clock was set just now", used(NOON - HOUR, null), 7, NOON, UNTIMED, "kept"],
  ["the newest of a session that was just started", first, 1, NOON, W, "newest"],
  ["the same, where the clock was set just now", first, 1, NOON, UNTIMED, "newest"],
  ["the second of all, right after the first", { ...used(NOON, null), generation: 2 }, 2, NOON, W, "newest"],
  ["the third of all, right after the second", { ...used(NOON, null), generation: 3 }, 3, NOON, W, "kept"],
  ["its parent, whose successor nobody has used", session, 6, NOON, W, "unconfirmed"],
  ["the same, days later", session, 6, NOON + 6 * 86_400_000, W, "unconfirmed"],
  ["the same, where the rule is strict", session, 6, NOON, STRICT, "unconfirmed"],
  ["its parent, at the successor's first use", used(NOON - HOUR, NOON), 6, NOON, W, "overlap"],
  ["its parent, 10 s after it", used(NOON - HOUR, NOON), 6, NOON + 10_000, W, "overlap"],
  ["its parent, 10.001 s after it", used(NOON - HOUR, NOON), 6, NOON + 10_001, W, "reuse"],
  [
    "its parent, an hour after it, the clock set just now",
    used(NOON - HOUR, NOON),
    6,
    NOON + HOUR,
    UNTIMED,
    "overlap",
  ],
  [
    "its parent, at the first use, where the rule is strict",
    used(NOON - HOUR, NOON),
    6,
    NOON,
    STRICT,
    "reuse",
  ],
  ["its parent, the clock 10 s back", used(NOON - HOUR, NOON), 6, NOON - 10_000, W, "overlap"],
  ["its parent, the clock an hour back", used(NOON - 3 * HOUR, NOON), 6, NOON - HOUR, W, "reuse"],
  [
    "its grandparent, whose successor was first used 10 s ago",
    used(NOON - 10_000, null),
    5,
    NOON,
    W,
    "overlap",
  ],
  ["the same a moment later", used(NOON - 10_001, null), 5, NOON, W, "reuse"],
  ["its grandparent, an hour later, the clock set just now", session, 5, NOON, UNTIMED, "overlap"],
  ["its grandparent, where the rule is strict", used(NOON, null), 5, NOON, STRICT, "reuse"],
  [
    "one three generations behind, which died before the newest was made",
    used(NOON, null),
    4,
    NOON,
    W,
    "reuse",
  ],
  ["the same, the clock set just now", used(NOON, null), 4, NOON, UNTIMED, "reuse"],
  ["the first token of all", used(NOON, NOON), 1, NOON, W, "reuse"],
  ["a token newer than the row", session, 8, NOON, W, "unknown"],
  ["the last moment before the idle end", session, 7, session.idle_ends_at - 1, W, "newest"],
  ["the idle end", session, 7, session.idle_ends_at, W, "expired_idle"],
  ["the absolute end", session, 7, session.ends_at, W, "expired_absolute"],
  ["one that was ended", { ...session, ended_at: 1, end_reason: "logout" }, 1, NOON, W, "logout"],
  ["a session that a key holds, with it", held, withKey(7), NOON, ENDLESS, "newest"],
  ["the same, a dead generation", held, withKey(6), NOON, ENDLESS, "bound"],
  ["the same, the first of all", held, withKey(1), NOON, ENDLESS, "bound"],
  ["the same, where an end was set to it", held, withKey(6), NOON, { ms: HOUR - 1 }, "reuse"],
  ["a session that a key holds, without it, the newest", held, 7, NOON, ENDLESS, "unproven"],
  ["the same, a dead generation", held, 3, NOON, ENDLESS, "unproven"],
  ["the same, with another key", held, { generation: 3, key: "other" }, NOON, ENDLESS, "unproven"],
  ["a session that no key holds, with one", session, withKey(7), NOON, W, "unproven"],
  ["a held one that is over, without its key", { ...held, username: null }, 7, NOON, ENDLESS, "user_deleted"],
];

describe("the rule of rotation", () => {
  test.each(rows)("%s", (_, state, shown, now, overlap, expected) => {
    const decision = decideRotation(
      state,
      typeof shown === "number" ? { generation: shown } : shown,
      now,
      overlap,
    );
    expect<string | null>(decision.kind === "ended" ? decision.reason : decision.kind).toBe(expected);
  });
});
