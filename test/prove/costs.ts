import { decideRotation, stepOf, type SessionState } from "../../src/core/auth/rotation.ts";
import { firstState, keyOf, stepsFrom, type Setup } from "./model.ts";
import * as rotation from "../../src/core/auth/rotation.ts";

// What a longer W costs, by the real rule.

/**
 * The shortest way on which a thief is not seen who refreshed before his victim: he has got a pair and used it, the owner has refreshed
 * after he got it (`usesAtOnce`: and after he used it), and the session goes on. Empty: he is seen on every way.
 */
export function shortestUnseen(overlap: number, usesAtOnce: boolean): string[] {
  const setup: Setup = { name: "unseen", overlap, holders: 1, generationsMax: 4, clockStepsMax: 0 };
  const [OWNER, THIEF] = [0, 1];
  const first = {
    state: firstState(setup),
    got: 0,
    isUsed: false,
    isOwnerBack: false,
    events: [] as string[],
  };
  const seen = new Set<string>();
  const queue = [first];
  for (const { state, got, isUsed, isOwnerBack, events } of queue) {
    if (isUsed && isOwnerBack && !state.isOver) return events;
    for (const { event, next, by, answered = 0 } of stepsFrom(state, setup, rotation)) {
      const copied = state.holders[THIEF]!.token;
      // Not at once: his victim has come before he used what he has.
      if (usesAtOnce && by === OWNER && answered > 0 && got > 0 && !isUsed) continue;
      const isThiefs = by === THIEF && answered > copied && event.includes("newest");
      const follow = {
        state: next,
        got: isThiefs ? answered : got,
        isUsed: isUsed || (by === THIEF && got > 0 && event.includes("uses")),
        isOwnerBack: isOwnerBack || (by === OWNER && answered > 0 && got > 0),
        events: [...events, event],
      };
      const key = `${keyOf(next)}|${follow.got}|${follow.isUsed}|${follow.isOwnerBack}`;
      if (next.generation > setup.generationsMax || seen.has(key)) continue;
      seen.add(key);
      queue.push(follow);
    }
  }
  return [];
}

/**
 * A thief has the newest token, shows it at some moment between two refreshes of its owner, and uses what he gets. The share
 * of those moments at which the owner's next refresh gives him away.
 */
export function shareGivenAway(overlapSeconds: number, accessTtlSeconds: number): number {
  const overlap = { ms: overlapSeconds * 1000 };
  const life = accessTtlSeconds * 1000;
  const session: SessionState = {
    generation: 7,
    confirmed_at: 0,
    previous_confirmed_at: -life,
    idle_ends_at: 1e9,
    ends_at: 1e9,
    ended_at: null,
    end_reason: null,
    username: "alice",
    disabled_at: null,
    key_thumbprint: null,
  };
  let seen = 0;
  const moments = 1000;
  for (let i = 0; i < moments; i++) {
    const at = (life * (i + 0.5)) / moments;
    const thief = decideRotation(session, { generation: 7 }, at, overlap);
    const stepped =
      thief.kind === "newest" ? { ...session, ...stepOf(session, at), confirmed_at: at } : session;
    if (decideRotation(stepped, { generation: 7 }, life, overlap).kind === "reuse") seen++;
  }
  return seen / moments;
}
