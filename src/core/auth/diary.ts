import { LIMITS } from "../../limits.ts";
import type { Store } from "../../store/index.ts";
import type { Clock } from "../clock.ts";
import { accessSecondsOf } from "./holders.ts";
import type { RotationDecision } from "./rotation.ts";
import type { SessionEvent, SessionObserver } from "./observer.ts";

/** What can be done to a session in the lab. */
export const LAB_ACTS = [
  "refresh",
  "lose",
  "expire",
  "tabs",
  "agents",
  "late",
  "steal",
  "replay",
  "copied",
] as const;

/** How many requests are one act, and one entry. */
export const REQUESTS = { tabs: 5, agents: 16, late: 2 } as const;

export type LabAct = (typeof LAB_ACTS)[number];

/** Something that happened to a session, in the order in which it did; times are epoch milliseconds. */
export type Entry = {
  n: number;
  at: number;
  /** `page`: a refresh that was not asked for in the lab. `used…`: the first use of a generation. */
  what: LabAct | "page" | "used" | "usedByThief" | "nothingStolen";
  /** The generation that was shown, or used. */
  generation: number;
  /** The newest generation after it. */
  newest: number;
  /** What the rule decided, once for each request. */
  decisions: RotationDecision["kind"][];
};

/** One generation: when it was made, when it was first used, and how long its first access token is good. */
export type Generation = {
  generation: number;
  issuedAt: number;
  usedAt: number | null;
  accessEndsAt: number;
};

export type Diary = { entries: Entry[]; generations: Generation[] };

export type Diaries = ReturnType<typeof createDiaries>;

/** What one process says to another, as JSON. */
type Told =
  | { kind: "begun"; sessionId: string }
  | { kind: "happened"; event: SessionEvent; what: LabAct | "page" }
  | { kind: "noted"; sessionId: string; entry: Omit<Entry, "n"> };

/** Where a session stands when its diary begins. */
type Beginning = {
  generation: number;
  rotated_at: number;
  confirmed_at: number | null;
  /** Life of its access tokens. */
  accessSeconds: number;
};

/** The diaries of people's sessions. */
export const createSessionDiaries = (deps: {
  store: Store;
  clock: Clock;
  settings: { accessTtlSeconds: number };
}): Diaries =>
  createDiaries({
    ...deps,
    name: "diary",
    async find(id) {
      const session = await deps.store.sessions.find(id);
      return session && { ...session, accessSeconds: accessSecondsOf(session, deps.settings) };
    },
  });

/**
 * What became of the tokens of a session, for the lab to show. A diary is kept from when a session is first looked
 * at, in memory, for the sessions that were looked at last; every process that shares the database keeps the same.
 * Nothing in it opens anything.
 */
export function createDiaries(deps: {
  store: Store;
  clock: Clock;
  /** By which the processes tell these from others. */
  name: string;
  find: (sessionId: string) => Promise<Beginning | null>;
}) {
  const { store, clock, name } = deps;
  const diaries = new Map<string, Diary>();

  const tell = (told: Told) => store.tell(`${name} ${JSON.stringify(told)}`);

  store.onTold((text) => {
    if (!text?.startsWith(`${name} `)) return;
    const told = JSON.parse(text.slice(name.length)) as Told;
    if (told.kind === "begun") begin(told.sessionId).catch(() => {});
    else if (told.kind === "happened") observe(told.event, told.what);
    else {
      const diary = diaries.get(told.sessionId);
      if (diary) write(diary, told.entry);
    }
  });

  function write(diary: Diary, entry: Omit<Entry, "n">) {
    const most = (REQUESTS as Partial<Record<Entry["what"], number>>)[entry.what] ?? 1;
    // A first use may have come between them.
    const same = diary.entries.slice(-2).findLast(({ what }) => what === entry.what);
    if (same && same.decisions.length < most && same.generation === entry.generation) {
      same.newest = entry.newest;
      return same.decisions.push(...entry.decisions);
    }
    diary.entries.push({ n: (diary.entries.at(-1)?.n ?? 0) + 1, ...entry });
    diary.entries = diary.entries.slice(-LIMITS.labEntriesMax);
  }

  function addGeneration(
    diary: Diary,
    generation: number,
    issuedAt: number,
    usedAt: number | null,
    accessSeconds: number,
  ) {
    const accessEndsAt = issuedAt + accessSeconds * 1000;
    diary.generations.push({ generation, issuedAt, usedAt, accessEndsAt });
    diary.generations = diary.generations.slice(-LIMITS.labEntriesMax);
  }

  function use(diary: Diary, generation: number, at: number) {
    const used = diary.generations.find((each) => each.generation === generation);
    if (used) used.usedAt ??= at;
  }

  /** Notes what happens to the sessions that have a diary. */
  function observe(event: SessionEvent, what: LabAct | "page") {
    const diary = diaries.get(event.sessionId);
    if (!diary) return;
    if (event.kind === "used") {
      const { at, generation } = event;
      use(diary, generation, at);
      // After a `replay` the next first use of that generation is the thief's: the lab authenticates with what he gets.
      const last = diary.entries.at(-1);
      const isThiefs = last?.what === "replay" && last.newest === generation;
      const used = isThiefs ? "usedByThief" : "used";
      return write(diary, { at, what: used, generation, newest: generation, decisions: [] });
    }
    const { at, decision, shownGeneration: shown, newestGeneration: newest } = event;
    // To show the newest refresh token is to use it, too.
    if (decision === "newest") {
      use(diary, shown, at);
      addGeneration(diary, newest, at, null, event.accessSeconds);
    }
    write(diary, { at, what, generation: shown, newest, decisions: [decision] });
  }

  /** The diary of a session; it begins with the first call. Effect: the one that was not asked for longest goes. */
  function of(sessionId: string): Promise<Diary> {
    if (!diaries.has(sessionId)) tell({ kind: "begun", sessionId });
    return begin(sessionId);
  }

  async function begin(sessionId: string): Promise<Diary> {
    const known = diaries.get(sessionId);
    const diary = known ?? { entries: [], generations: [] };
    diaries.delete(sessionId);
    diaries.set(sessionId, diary);
    for (const oldest of [...diaries.keys()].slice(0, -LIMITS.labDiariesMax)) diaries.delete(oldest);
    const session = known ? null : await deps.find(sessionId);
    // Something may have happened meanwhile, and then it is newer.
    if (session && diary.generations.length === 0) {
      const { generation, rotated_at, confirmed_at, accessSeconds } = session;
      addGeneration(diary, generation, rotated_at, confirmed_at, accessSeconds);
    }
    return diary;
  }

  return {
    of,

    /** Writes down what sessions tell of themselves, as done by `act`; `page`: not in the lab. */
    observer:
      (act: LabAct | "page"): SessionObserver =>
      (event) => {
        if (!diaries.has(event.sessionId)) return;
        observe(event, act);
        tell({ kind: "happened", event, what: act });
      },

    /** What is done in the lab without reaching the rule: no refresh, or one of a session that is over already. */
    async note(
      sessionId: string,
      what: Entry["what"],
      generation: number,
      decisions: Entry["decisions"] = [],
    ) {
      const diary = await of(sessionId);
      const newest = diary.generations.at(-1)?.generation ?? generation;
      const entry = { at: clock(), what, generation, newest, decisions };
      write(diary, entry);
      tell({ kind: "noted", sessionId, entry });
    },
  };
}
