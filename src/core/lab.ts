import { decodeJwt, decodeProtectedHeader } from "jose";
import type { Store } from "../store/index.ts";
import { DuetError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { RotationDecision } from "./rotation.ts";
import type { Device, SessionEvent, Viewer } from "./sessions.ts";
import type { Tokens } from "./tokens.ts";

/** What can be done to a session in the lab. */
export const LAB_ACTS = ["refresh", "lose", "expire", "tabs", "steal", "replay"] as const;
const TABS = 5;

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
  /** The row of the rule that decided, once for each request. */
  rows: RotationDecision["kind"][];
};

/** One generation: when it was made, when it was first used, and how long its first access token is good. */
type Generation = { generation: number; issuedAt: number; usedAt: number | null; accessEndsAt: number };

export type Diary = { entries: Entry[]; generations: Generation[] };

export type Lab = ReturnType<typeof createLab>;

/**
 * The two tokens of one's own session, laid open, and a diary of what becomes of them. The diary is kept from when a
 * session is first looked at, in memory, for the sessions that were looked at last. Nothing in it opens anything.
 */
export function createLab(deps: {
  store: Store;
  tokens: Tokens;
  clock: () => number;
  settings: {
    accessTtlSeconds: number;
    refreshTtlSeconds: number;
    sessionTtlSeconds: number;
    refreshOverlapSeconds: number;
  };
}) {
  const { store, tokens, clock, settings } = deps;
  const diaries = new Map<string, Diary>();
  const actOf = new WeakMap<Device, LabAct>();

  function write(diary: Diary, entry: Omit<Entry, "n">) {
    const last = diary.entries.at(-1);
    // Requests side by side are one thing that was done.
    const isAlongside =
      last?.what === "tabs" && last.rows.length < TABS && last.generation === entry.generation;
    if (entry.what === "tabs" && isAlongside) return last.rows.push(...entry.rows);
    diary.entries.push({ n: (last?.n ?? 0) + 1, ...entry });
    diary.entries = diary.entries.slice(-LIMITS.labEntriesMax);
  }

  function addGeneration(diary: Diary, generation: number, issuedAt: number, usedAt: number | null) {
    const accessEndsAt = issuedAt + settings.accessTtlSeconds * 1000;
    diary.generations.push({ generation, issuedAt, usedAt, accessEndsAt });
    diary.generations = diary.generations.slice(-LIMITS.labEntriesMax);
  }

  function use(diary: Diary, generation: number, at: number) {
    const used = diary.generations.find((each) => each.generation === generation);
    if (used) used.usedAt ??= at;
  }

  /** Notes what happens to the sessions that have a diary. */
  function observe(event: SessionEvent) {
    const diary = diaries.get(event.sessionId);
    if (!diary) return;
    if (event.kind === "used") {
      const { at, generation } = event;
      use(diary, generation, at);
      // The thief uses at once what he gets.
      const last = diary.entries.at(-1);
      const isThiefs = last?.what === "replay" && last.newest === generation;
      const what = isThiefs ? "usedByThief" : "used";
      return write(diary, { at, what, generation, newest: generation, rows: [] });
    }
    const { at, row, shown, newest, device } = event;
    // To show the newest refresh token is to use it, too.
    if (row === "newest") {
      use(diary, shown, at);
      addGeneration(diary, newest, at, null);
    }
    write(diary, { at, what: actOf.get(device) ?? "page", generation: shown, newest, rows: [row] });
  }

  /** The diary of a session; it begins with the first call. Effect: the one that was not asked for longest goes. */
  async function diaryOf(sessionId: string): Promise<Diary> {
    const known = diaries.get(sessionId);
    const diary = known ?? { entries: [], generations: [] };
    diaries.delete(sessionId);
    diaries.set(sessionId, diary);
    for (const oldest of [...diaries.keys()].slice(0, -LIMITS.labDiariesMax)) diaries.delete(oldest);
    const session = known ? null : await store.sessions.find(sessionId);
    // Something may have happened meanwhile, and then it is newer.
    if (session && diary.generations.length === 0)
      addGeneration(diary, session.generation, session.rotated_at, session.confirmed_at);
    return diary;
  }

  return {
    observe,

    diaryOf,

    /** The device of a request that is made in the lab: by it the diary tells the act. */
    by(act: LabAct, device: Device): Device {
      actOf.set(device, act);
      return device;
    },

    /** What is done in the lab without reaching the rule: no refresh, or one of a session that is over already. */
    async note(sessionId: string, what: Entry["what"], generation: number, rows: Entry["rows"] = []) {
      const diary = await diaryOf(sessionId);
      const newest = diary.generations.at(-1)?.generation ?? generation;
      write(diary, { at: clock(), what, generation, newest, rows });
    },

    /** The session and generation of a refresh token. Error code: `token_invalid`; one that has expired is read too. */
    async read(refreshToken: string): Promise<{ sessionId: string; generation: number }> {
      const { claims } = await tokens.verify("refresh", refreshToken);
      if (!claims) throw new DuetError("token_invalid");
      return { sessionId: claims.sid, generation: claims.gen };
    },

    /**
     * Both tokens as the viewer's browser has them: the access token that was shown, and the refresh token that came
     * with it, without its signature. Error code: `session_ended` if it went meanwhile.
     */
    async inspect(viewer: Viewer, accessToken: string) {
      const session = await store.sessions.find(viewer.sessionId);
      if (!session) throw new DuetError("session_ended");
      const diary = await diaryOf(viewer.sessionId);
      const access = {
        header: decodeProtectedHeader(accessToken),
        claims: decodeJwt<{ gen: number }>(accessToken),
      };
      const held = access.claims.gen;
      const issued = diary.generations.find(({ generation }) => generation === held);
      const rotatedAt = issued?.issuedAt ?? session.rotated_at;
      const idleEndsAt = Math.min(rotatedAt + settings.refreshTtlSeconds * 1000, session.ends_at);
      return {
        diary,
        now: clock(),
        access,
        refresh: tokens.describeRefresh({
          ...session,
          generation: held,
          rotated_at: rotatedAt,
          idle_ends_at: idleEndsAt,
        }),
        held,
        newest: session.generation,
      };
    },

    now: clock,
    settings,
  };
}

export type Inspected = Awaited<ReturnType<Lab["inspect"]>>;
