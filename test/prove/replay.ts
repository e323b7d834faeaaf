import { decideRotation, stepOf, type SessionState } from "../../src/core/auth/rotation.ts";

// From the model to the real thing: what clients saw of a running server must be a way that the rule allows. Nobody outside
// knows when the server did something, only that it was between the sending of a request and its answer.

/** What a client saw, in milliseconds. `got` is the generation it was answered with, `reason` why it was refused. */
export type Seen = { session: string; overlapMs: number; sent: number; answered: number } & (
  { shown: number; got?: number; reason?: string } | { used: number; isTaken: boolean }
);

type Span = [from: number, to: number];
type Known = { generation: number; confirmed: Span | null; previous: Span | null; isOver: boolean };

/** Clocks of two processes on one machine, rounded. */
const SLACK_MS = 3;
const TRIES_MAX = 200_000;

/** What the rule does not allow: the first thing that was seen in each session which no order explains. */
export function replay(trace: Seen[]): string[] {
  const sessions = Map.groupBy(trace, ({ session }) => session);
  return [...sessions.values()].flatMap((events) => {
    const stuck = explain(events.toSorted((a, b) => a.answered - b.answered));
    return stuck ? [JSON.stringify(stuck)] : [];
  });
}

/** Looks for an order in which everything may have happened. Returns undefined, or how far it came. */
function explain(events: Seen[]): Seen | undefined {
  const failed = new Set<string>();
  let tries = 0;
  let furthest = 0;
  const first: Known = { generation: startOf(events), confirmed: null, previous: null, isOver: false };

  function goOn(done: Set<number>, known: Known, since: number): boolean {
    if (done.size === events.length) return true;
    furthest = Math.max(furthest, done.size);
    const key = `${[...done].toSorted((a, b) => a - b)}|${JSON.stringify(known)}`;
    if (failed.has(key) || ++tries > TRIES_MAX) return false;
    const left = events.map((_, i) => i).filter((i) => !done.has(i));
    const until = Math.min(...left.map((i) => events[i]!.answered));
    for (const i of left.filter((each) => events[each]!.sent <= until + SLACK_MS)) {
      const event = events[i]!;
      const span: Span = [Math.max(event.sent - SLACK_MS, since), event.answered + SLACK_MS];
      for (const next of follow(known, event, span))
        if (goOn(new Set([...done, i]), next, span[0])) return true;
    }
    failed.add(key);
    return false;
  }
  return goOn(new Set(), first, -Infinity) ? undefined : events[furthest];
}

const startOf = (events: Seen[]) =>
  Math.min(...events.map((event) => ("shown" in event ? event.shown : event.used)));

/** What a session may be after `event`, if it can have happened then. */
function* follow(known: Known, event: Seen, span: Span): Generator<Known> {
  if ("used" in event) {
    if (event.isTaken === known.isOver || event.used > known.generation) return;
    const isFirst = event.used === known.generation && known.confirmed === null && event.isTaken;
    return yield isFirst ? { ...known, confirmed: span } : known;
  }
  for (const kind of kindsOf(known, event.shown, span, event.overlapMs)) {
    const isGrant = event.got !== undefined;
    if (kind === "newest" && event.got === known.generation + 1) {
      const { generation } = stepOf({ generation: known.generation, confirmed_at: null }, 0);
      yield { generation, confirmed: null, previous: known.confirmed ?? span, isOver: false };
    } else if (kind === "kept" && event.got === known.generation)
      yield { ...known, confirmed: known.confirmed ?? span };
    else if ((kind === "unconfirmed" || kind === "overlap") && event.got === known.generation) yield known;
    else if (!isGrant && event.reason === "reuse_detected" && (kind === "reuse" || kind === "ended"))
      yield { ...known, isOver: true };
  }
}

/** What the real rule may have decided, whenever within the spans everything was. */
function kindsOf(known: Known, shown: number, [from, to]: Span, overlapMs: number): Set<string> {
  const kinds = new Set<string>();
  // How long ago: from the least to the most.
  const agesOf = (span: Span | null) =>
    span ? [Math.max(0, from - span[1]), Math.max(0, to - span[0])] : [null];
  for (const confirmed of agesOf(known.confirmed))
    for (const previous of agesOf(known.previous)) {
      const state: SessionState = {
        generation: known.generation,
        confirmed_at: confirmed === null ? null : -confirmed,
        previous_confirmed_at: previous === null ? null : -previous,
        idle_ends_at: 1,
        ends_at: 1,
        ended_at: known.isOver ? 0 : null,
        end_reason: known.isOver ? "reuse_detected" : null,
        username: "somebody",
        disabled_at: null,
        key_thumbprint: null,
      };
      kinds.add(decideRotation(state, { generation: shown }, 0, { ms: overlapMs }).kind);
    }
  return kinds;
}
