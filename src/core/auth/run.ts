import { LIMITS } from "../../limits.ts";
import { REQUESTS, type Diary, type Entry } from "./diary.ts";
import * as rotation from "./rotation.ts";
import type { RotationDecision, SessionState } from "./rotation.ts";

/** A rule of rotation: ours, or one of those that it is compared with. */
export type Rule = Pick<typeof rotation, "decideRotation" | "stepOf">;

/** The usual rule: a refresh token dies when it is used, and whoever shows it once more ends the session. */
export const STRICT: Rule = {
  ...rotation,
  decideRotation({ generation, ended_at, end_reason }, shown): RotationDecision {
    if (ended_at !== null) return { kind: "ended", reason: end_reason! };
    if (shown.generation > generation) return { kind: "unknown" };
    return { kind: shown.generation === generation ? "newest" : "reuse" };
  },
};

/** No rotation: one refresh token, which is good until the session's time is over. */
export const NONE: Rule = { ...rotation, decideRotation: () => ({ kind: "kept" }) };

/** Something that was done to a session, or a first use. */
export type Done = { what: Exclude<Entry["what"], "nothingStolen">; at: number };

/** What a rule makes of it. */
export type Played = {
  diary: Diary;
  /** When the session ended, and by which entry; null while it goes on. */
  end: { at: number; n: number } | null;
  /** Since when a thief has had a pair of this session. */
  thiefSince: number | null;
};

/** Before the first thing that is done: the session is there, and in use. */
const LEAD_MS = 2000;

/**
 * A session and whoever holds its tokens, without a server: what `rule` decides of each thing that was done, in its order. The
 * same model as that of `bun run check-rule`, gone through along one way.
 */
export function play(
  done: Done[],
  { overlapMs, accessMs, rule = rotation }: { overlapMs: number; accessMs: number; rule?: Rule },
): Played {
  const start = (done[0]?.at ?? 0) - LEAD_MS;
  const session: SessionState = {
    generation: 1,
    confirmed_at: start,
    previous_confirmed_at: null,
    idle_ends_at: Number.POSITIVE_INFINITY,
    ends_at: Number.POSITIVE_INFINITY,
    ended_at: null,
    end_reason: null,
    username: "",
    disabled_at: null,
    key_thumbprint: null,
  };
  const diary: Diary = { entries: [], generations: [] };
  const add = (at: number, usedAt: number | null) =>
    diary.generations.push({
      generation: session.generation,
      issuedAt: at,
      usedAt,
      accessEndsAt: at + accessMs,
    });
  add(start, start);
  /** The generation that the owner holds, and the thief. */
  let owner = 1;
  let thief: number | null = null;
  let thiefSince: number | null = null;
  let end: Played["end"] = null;

  const isOver = () => session.ended_at !== null;

  function use(generation: number | null, at: number) {
    if (generation !== session.generation || session.confirmed_at !== null || isOver()) return;
    session.confirmed_at = at;
    diary.generations.at(-1)!.usedAt = at;
  }

  /** A refresh token reaches the server; answers the generation that is held then. */
  function show(held: number, at: number, decisions: Entry["decisions"]): number {
    const decision = rule.decideRotation(session, { generation: held }, at, { ms: overlapMs });
    decisions.push(decision.kind);
    switch (decision.kind) {
      case "newest":
        diary.generations.at(-1)!.usedAt ??= at;
        Object.assign(session, rule.stepOf(session, at));
        add(at, null);
        return session.generation;
      case "kept":
        use(held, at);
        return session.generation;
      case "unconfirmed":
      case "overlap":
        return session.generation;
      case "reuse":
        session.ended_at = at;
        session.end_reason = "reuse_detected";
        return held;
      default:
        return held;
    }
  }

  /** Answers the generation that was shown. */
  function happen({ what, at }: Done, decisions: Entry["decisions"]): number {
    const held = owner;
    switch (what) {
      case "refresh":
      case "page":
        owner = show(held, at, decisions);
        return held;
      case "lose":
        show(held, at, decisions);
        return held;
      case "tabs":
        owner = show(held, at, decisions);
        for (let n = 1; n < REQUESTS.tabs && !isOver(); n++) show(held, at, decisions);
        return held;
      case "agents":
      case "late":
        owner = show(held, at, decisions);
        use(owner, at);
        for (let n = 1; n < REQUESTS[what] && !isOver(); n++) show(held, at, decisions);
        return held;
      case "copied":
      case "replay": {
        const copy = what === "copied" ? held : thief;
        if (copy === null) return held;
        thief = show(copy, at, decisions);
        if (!isOver()) thiefSince ??= at;
        return copy;
      }
      case "steal":
        thief = held;
        return held;
      case "used":
        use(owner, at);
        return owner;
      case "usedByThief":
        use(thief, at);
        return thief ?? held;
      case "expire":
        return held;
    }
  }

  for (const each of done) {
    const wasOver = isOver();
    const decisions: Entry["decisions"] = [];
    const generation = happen(each, decisions);
    const n = diary.entries.length + 1;
    diary.entries.push({ n, ...each, generation, newest: session.generation, decisions });
    if (!wasOver && isOver()) end = { at: each.at, n };
  }
  return { diary, end, thiefSince };
}

/** What became of somebody's session under another rule: when it ended, and whether a thief had anything to do with it. */
export type Fate = Pick<Played, "end" | "thiefSince"> & { isByAccident: boolean };

/** The ghosts: what the usual rule, and none, would have made of what a diary tells. */
export function fatesOf({ entries }: Diary, settings: { overlapMs: number; accessMs: number }) {
  const done = doneIn(entries);
  const fateUnder = (rule: Rule): Fate => {
    const { diary, end, thiefSince } = play(done, { ...settings, rule });
    const before = diary.entries.slice(0, end?.n);
    const isTheft = before.some(({ what, decisions }) => isByThief(what) && decisions.length > 0);
    // The entries are those of the diary, which may have begun earlier.
    return {
      end: end && { ...end, n: entriesDone(entries)[end.n - 1]!.n },
      thiefSince,
      isByAccident: !isTheft,
    };
  };
  return { strict: fateUnder(STRICT), none: fateUnder(NONE) };
}

const isByThief = (what: Entry["what"]) => what === "replay" || what === "copied";

const entriesDone = (entries: Entry[]) => entries.filter(({ what }) => what !== "nothingStolen");

const doneIn = (entries: Entry[]): Done[] =>
  entriesDone(entries).map(({ what, at }) => ({ what, at }) as Done);

// --- A run as a link ------------------------------------------------------------------------------------------------

const LETTERS: Record<Done["what"], string> = {
  refresh: "r",
  lose: "l",
  expire: "e",
  tabs: "t",
  agents: "a",
  late: "d",
  steal: "s",
  replay: "b",
  copied: "c",
  page: "p",
  used: "u",
  usedByThief: "v",
};
const KINDS = new Map(Object.entries(LETTERS).map(([what, letter]) => [letter, what as Done["what"]]));

/** The longest time between two of them. */
const GAP_MS_MAX = 10 * 60 * 1000;

export type Run = { overlapMs: number; done: Done[] };

/**
 * A run as letters and numbers: W in seconds, then each thing that was done, with the milliseconds since the one before. Nothing
 * in it tells whose it was, or when.
 */
export function writeRun({ entries }: Pick<Diary, "entries">, overlapMs: number): string {
  const done = doneIn(entries).slice(-LIMITS.labEntriesMax);
  const parts = done.map(({ what, at }, i) => {
    const since = at - (done[i - 1]?.at ?? at);
    return `${LETTERS[what]}${Math.min(Math.max(0, Math.round(since)), GAP_MS_MAX)}`;
  });
  return `${overlapMs / 1000}${parts.join("")}`;
}

/** The same read again, from `LEAD_MS` on; null for what was not written so. */
export function readRun(text: string): Run | null {
  const [, overlap, rest] = /^(\d{1,4})((?:[a-z]\d{1,6})+)$/.exec(text) ?? [];
  if (overlap === undefined) return null;
  const done: Done[] = [];
  let at = LEAD_MS;
  for (const [, letter, since] of rest!.matchAll(/([a-z])(\d+)/g)) {
    const what = KINDS.get(letter!);
    if (!what || Number(since) > GAP_MS_MAX) return null;
    at += Number(since);
    done.push({ what, at });
  }
  return done.length > LIMITS.labEntriesMax ? null : { overlapMs: Number(overlap) * 1000, done };
}
