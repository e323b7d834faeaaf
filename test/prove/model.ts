import { overlapOf } from "../../src/core/auth/overlap.ts";
import * as rotation from "../../src/core/auth/rotation.ts";

// One session and everything that can happen to its tokens, as a graph: states, and the events that lead from one to the
// next. The rule is the real one; all else here is what stands around it, and an oracle that knows what no server can know:
// when each generation was really used. What is left out is said in README.md.

/** The rule that is checked: the real one, or one that was changed on purpose. */
export type Rule = Pick<typeof rotation, "decideRotation" | "stepOf">;

export type Setup = {
  name: string;
  /** W in ticks, on both clocks. */
  overlap: number;
  /** The session is held by a key: `true` without an end, `false` with W for all who have it; undefined: by none. */
  isEndless?: boolean;
  /** Who holds the token from the start, each with a copy of their own. */
  holders: number;
  /** How often the session may step, which is what bounds the search. */
  generationsMax: number;
  /** How often the server's clock is set, far forward or far back. */
  clockStepsMax: number;
};

/** Generation of the refresh token that somebody holds, 0 for none; and of an access token that would be a first use. */
type Holder = { token: number; unused: number };

export type State = {
  generation: number;
  /** How long ago on the server's clock, which may have been set since; null: not yet. */
  confirmed: number | null;
  previous: number | null;
  isOver: boolean;
  /** How long ago each generation was really used, by its number; beyond W it is W + 1. */
  used: (number | null)[];
  sinceStep: number;
  clockSteps: number;
  /** Where the server's clock stands: -1, 0 or 1, far from each other. */
  offset: number;
  /** Honest ones, then the thief. */
  holders: Holder[];
  /** A request that is held up on its way: whose, and which generation it shows. */
  late: { by: number; shown: number } | null;
};

/** What is promised. */
export const PROPERTIES = {
  a: "nobody is signed out unless a token was shown whose successor was first used more than W before",
  b: "such a token always ends a session that no key holds, unless the clock was set less than W ago",
  c: "only the newest token makes another one, and all answers at one moment carry one generation: no fork",
  d: "a session that is over never answers again",
  e: "with the key nobody is refused for being late; without it, or with another, nobody is answered, and nothing ends",
  f: "the newest token makes the next one, but while one that is two steps behind has not died",
  g: "a token that this database does not know, since it was put back, is refused and ends nothing",
} as const;
export type Property = keyof typeof PROPERTIES;

/** `by` is who did it, `answered` the generation that they got, 0 for nothing. */
export type Step = { event: string; next: State; broken?: Property; by?: number; answered?: number };

const FAR = 1000;
const NOW = 1_000_000;
const KEY = "key";

export const firstState = (setup: Setup): State => ({
  generation: 1,
  confirmed: null,
  previous: null,
  isOver: false,
  used: [null, null],
  sinceStep: setup.overlap + 1,
  clockSteps: 0,
  offset: 0,
  holders: [
    ...Array.from({ length: setup.holders }, () => ({ token: 1, unused: 1 })),
    { token: 0, unused: 0 },
  ],
  late: null,
});

/** The same for every state that goes on in the same ways: honest holders have no names. */
export function keyOf(state: State): string {
  const { holders, late, used, ...rest } = state;
  const marks = holders.map(
    ({ token, unused }, i) => `${token}.${unused}.${late?.by === i ? late.shown : 0}`,
  );
  const thief = marks.pop();
  return `${Object.values(rest)}|${used}|${marks.toSorted()}|${thief}`;
}

/** Every event that may come next, and what it leads to. */
export function* stepsFrom(state: State, setup: Setup, rule: Rule): Generator<Step> {
  const w = setup.overlap;
  const thief = state.holders.length - 1;
  const nameOf = (i: number) => (i === thief ? "the thief" : String.fromCharCode(65 + i));

  for (const [i, { token, unused }] of state.holders.entries()) {
    if (token === 0) continue;
    yield* shows(i, token, "shows");
    yield* showsWith(i, token, setup.isEndless === undefined ? "a key of their own" : "another key", "other");
    if (setup.isEndless !== undefined) yield* showsWith(i, token, "no key", null);
    if (!state.late)
      yield {
        event: `${nameOf(i)} sends ${token}, which is held up`,
        next: { ...state, late: { by: i, shown: token } },
      };
    if (unused === state.generation && !state.isOver && state.confirmed === null) {
      const next = tidy(used({ ...state, confirmed: 0 }, unused));
      yield { event: `${nameOf(i)} uses the access token of ${unused}`, next, by: i };
    }
  }
  if (state.late) {
    const { by, shown } = state.late;
    yield* shows(by, shown, "shows, late,", { ...state, late: null });
  }
  if (state.holders[thief]!.token === 0)
    for (const token of new Set(state.holders.slice(0, thief).map((each) => each.token)))
      yield { event: `the thief copies ${token}`, next: withHolder(state, thief, { token, unused: 0 }) };
  yield* showsWith(0, state.generation + 1, "what it is held by", KEY_OF(setup));
  if (!state.isOver) yield { event: "the owner signs out", next: { ...state, isOver: true } };
  yield { event: w === 0 ? "time passes" : `1/${w} of W passes`, next: passed(state, w) };
  for (const offset of [-1, 0, 1])
    if (offset !== state.offset && state.clockSteps < setup.clockStepsMax)
      yield {
        event: `the server's clock is set far ${offset > state.offset ? "forward" : "back"}`,
        next: set(offset),
      };

  /** A refresh token reaches the server; then its answer arrives, or is lost. */
  function* shows(by: number, shown: number, how: string, from = state): Generator<Step> {
    const { next, broken, answered, kind } = serve(from, setup, rule, shown, KEY_OF(setup));
    const event = `${nameOf(by)} ${how} ${shown}: ${kind}`;
    const is = broken && { broken };
    if (answered === 0) return yield { event, next, ...is };
    const holder = { token: Math.max(answered, from.holders[by]!.token), unused: answered };
    const told = tidy(withHolder(next, by, holder));
    yield { event: `${event}, and gets ${answered}`, next: told, by, answered, ...is };
    yield { event: `${event}, and the answer is lost`, next, ...is };
    yield { event: `${event}, and the server is killed before it answers`, next, ...is };
  }

  /** Somebody has a copy of a token, and shows it with what they have beside it. Whatever they get is not gone on with. */
  function* showsWith(by: number, shown: number, what: string, key: string | null): Generator<Step> {
    const { next, broken, kind } = serve(state, setup, rule, shown, key);
    const event = `somebody shows ${nameOf(by)}'s ${shown} with ${what}: ${kind}`;
    yield { event, next, ...(broken && { broken }) };
  }

  function set(offset: number): State {
    const by = (offset - state.offset) * FAR;
    const shifted = (ago: number | null) => (ago === null ? null : ago + by);
    return {
      ...state,
      offset,
      confirmed: shifted(state.confirmed),
      previous: shifted(state.previous),
      sinceStep: 0,
      clockSteps: state.clockSteps + 1,
    };
  }
}

const KEY_OF = (setup: Setup) => (setup.isEndless === undefined ? null : KEY);

/** What the server does with a refresh token: the real rule, the step that it decides, and what the oracle says of it. */
function serve(state: State, setup: Setup, rule: Rule, shown: number, key: string | null) {
  const w = setup.overlap;
  const at = (ago: number | null) => (ago === null ? null : NOW - ago);
  const session: rotation.SessionState & { kind: "program" } = {
    kind: "program",
    generation: state.generation,
    confirmed_at: at(state.confirmed),
    previous_confirmed_at: at(state.previous),
    idle_ends_at: NOW * 2,
    ends_at: NOW * 2,
    ended_at: state.isOver ? NOW : null,
    end_reason: state.isOver ? "logout" : null,
    username: "alice",
    disabled_at: null,
    key_thumbprint: KEY_OF(setup),
  };
  // One tick is a second: what the settings count in.
  const keyOverlapSeconds = setup.isEndless === true ? undefined : w / 1000;
  const settings = { refreshOverlapSeconds: 0, programOverlapSeconds: w / 1000, keyOverlapSeconds };
  const overlap = overlapOf(session, settings, state.sinceStep);
  const { kind } = rule.decideRotation(session, { generation: shown, key }, NOW, overlap);

  const successorUsed = state.used[shown + 1];
  const isDead = successorUsed != null && (w === 0 || successorUsed > w);
  const isGrant = ["newest", "kept", "unconfirmed", "overlap", "bound"].includes(kind);
  const isProven = key === session.key_thumbprint;
  const isUntimed = w > 0 && state.sinceStep <= w;

  const previousUsed = state.used[state.generation - 1];
  // One that is two steps behind is there, and dies W after the one before the newest was first used.
  const isWaitedFor =
    state.generation > 2 && w > 0 && (isUntimed || (previousUsed != null && previousUsed <= w));

  let broken: Property | undefined;
  if (state.isOver) broken = isGrant ? "d" : undefined;
  else if (!isProven) broken = isGrant || kind === "reuse" ? "e" : undefined;
  else if (shown > state.generation) broken = isGrant || kind === "reuse" ? "g" : undefined;
  else if (shown === state.generation && isGrant && (kind === "kept") !== isWaitedFor) broken = "f";
  else if (setup.isEndless === true && !isGrant) broken = "e";
  else if (!isGrant && !isDead) broken = "a";
  else if (setup.isEndless !== true && isDead && !isUntimed && kind !== "reuse") broken = "b";
  else if (kind === "newest" && shown !== state.generation) broken = "c";

  if (kind === "reuse") return { kind, broken, answered: 0, next: { ...state, isOver: true } };
  if (!isGrant) return { kind, broken, answered: 0, next: state };
  if (kind === "newest") {
    const step = rule.stepOf(session, NOW);
    const previous = step.previous_confirmed_at === null ? null : NOW - step.previous_confirmed_at;
    const confirmed = step.confirmed_at === null ? null : NOW - step.confirmed_at;
    const next = { ...used(state, shown), generation: step.generation, confirmed, previous };
    next.used = [...next.used, null];
    return { kind, broken, answered: step.generation, next };
  }
  const isFirstUse = kind === "kept" && state.confirmed === null;
  const next = isFirstUse ? used({ ...state, confirmed: 0 }, shown) : state;
  return { kind, broken, answered: state.generation, next };
}

/** The oracle's note of a first use. */
function used(state: State, generation: number): State {
  if (state.used[generation] !== null) return state;
  return { ...state, used: state.used.with(generation, 0) };
}

const withHolder = (state: State, i: number, holder: Holder): State => ({
  ...state,
  holders: state.holders.with(i, holder),
});

/** An access token that can be no first use any more is as good as none. */
const tidy = (state: State): State => ({
  ...state,
  holders: state.holders.map((each) =>
    each.unused !== 0 && (each.unused < state.generation || state.confirmed !== null)
      ? { ...each, unused: 0 }
      : each,
  ),
});

function passed(state: State, w: number): State {
  const real = (ago: number | null) => (ago === null ? null : Math.min(ago + 1, w + 1));
  // On the server's clock the same, on whichever side of a step.
  const shown = (ago: number | null) => {
    if (ago === null) return null;
    const band = Math.round(ago / FAR) * FAR;
    return band + Math.min(ago - band + 1, w + 1);
  };
  return {
    ...state,
    confirmed: shown(state.confirmed),
    previous: shown(state.previous),
    used: state.used.map(real),
    sinceStep: Math.min(state.sinceStep + 1, w + 1),
  };
}

export type Result = {
  states: number;
  steps: number;
  /** The first, and so the shortest, way to each property that does not hold. */
  broken: Partial<Record<Property, string[]>>;
};

/** Goes through every state that can be reached, nearest first; or until `property` is broken. */
export function explore(setup: Setup, rule: Rule = rotation, until?: Property): Result {
  const first = firstState(setup);
  const cameBy = new Map<string, { from: string; event: string } | null>([[keyOf(first), null]]);
  const result: Result = { states: 0, steps: 0, broken: {} };
  const queue: State[] = [first];
  for (let i = 0; i < queue.length; i++) {
    const state = queue[i]!;
    const key = keyOf(state);
    result.states++;
    for (const { event, next, broken } of stepsFrom(state, setup, rule)) {
      result.steps++;
      if (broken && !result.broken[broken]) {
        result.broken[broken] = [...wayTo(key), event];
        if (broken === until) return result;
      }
      if (next.generation > setup.generationsMax) continue;
      const nextKey = keyOf(next);
      if (cameBy.has(nextKey)) continue;
      cameBy.set(nextKey, { from: key, event });
      queue.push(next);
    }
  }
  return result;

  function wayTo(key: string): string[] {
    const events: string[] = [];
    for (let at = cameBy.get(key); at; at = cameBy.get(at.from)) events.unshift(at.event);
    return events;
  }
}
