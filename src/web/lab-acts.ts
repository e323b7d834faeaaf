import type { Diaries, Entry, LabAct } from "../core/auth/diary.ts";
import { REQUESTS } from "../core/auth/diary.ts";
import type { SessionObserver } from "../core/auth/observer.ts";
import type { TokenPair } from "../core/auth/tokens.ts";
import { DuetError, type SessionEnd } from "../errors.ts";

type Named = { sessionId: string; generation: number };

/** Whose session the acts are done to, in one request: somebody's own, or a guest's. */
export type Subject<Pair extends TokenPair> = {
  diaries: Diaries;
  /** The refresh token that the browser holds. */
  held: string;
  /** How many requests *five tabs* are in this one. */
  tabs: number;
  read(refreshToken: string): Promise<Named>;
  refresh(refreshToken: string, observe: SessionObserver): Promise<Pair>;
  /** A permit for an act that refreshes nothing. */
  permit(sessionId: string): Promise<void>;
  /** The first request with a new access token. */
  use(accessToken: string): Promise<unknown>;
  /** Whether a device holds it: then a cookie alone refreshes nothing. */
  isBound(sessionId: string): Promise<boolean>;
  /** The copy that was stolen, if one was. */
  stolen: string | undefined;
  /** What becomes of the cookies. */
  keep(pair: Pair): void;
  expireAccess(): void;
  putAside(refreshToken: string): void;
};

/**
 * Does one act of the lab. What is done is done by the real refresh, as everywhere; only what becomes of the answer differs: it
 * is delivered, lost, or belongs to a thief. Answers how the session ended, if it has.
 */
export async function doAct<Pair extends TokenPair>(
  act: LabAct,
  subject: Subject<Pair>,
): Promise<SessionEnd | undefined> {
  const { diaries, held } = subject;
  const { sessionId, generation } = await subject.read(held);
  const diary = await diaries.of(sessionId);
  const last = diary.entries.at(-1);
  try {
    await perform(act, subject);
    return undefined;
  } catch (error) {
    if (!(error instanceof DuetError)) throw error;
    const { end } = error.details;
    if (!end && error.code !== "key_missing") throw error;
    const copy = act === "replay" ? await stolenFrom(subject, sessionId) : null;
    if (end && diary.entries.at(-1) === last)
      await diaries.note(sessionId, act, copy?.generation ?? generation, ["ended"]);
    return end;
  }
}

async function perform<Pair extends TokenPair>(act: LabAct, subject: Subject<Pair>): Promise<void> {
  const { diaries, held } = subject;
  const observe = diaries.observer(act);
  const refresh = (token: string) => subject.refresh(token, observe);
  const { sessionId, generation } = await subject.read(held);
  const note = async (what: Entry["what"]) => {
    await subject.permit(sessionId);
    await diaries.note(sessionId, what, generation);
  };
  const isByCookie = act !== "expire" && act !== "steal" && act !== "copied";
  if (isByCookie && (await subject.isBound(sessionId)))
    return diaries.note(sessionId, act, generation, ["unproven"]);
  switch (act) {
    case "refresh":
      return subject.keep(await refresh(held));
    case "tabs": {
      const pairs = await Promise.all(Array.from({ length: subject.tabs }, () => refresh(held)));
      return subject.keep(pairs[0]!);
    }
    case "agents":
    case "late": {
      // One goes on at once, and uses what it gets; the others come later, with what they had before.
      const first = await refresh(held);
      await subject.use(first.accessToken);
      for (let n = 1; n < REQUESTS[act]; n++) await refresh(held);
      return subject.keep(first);
    }
    case "lose":
      // Rotated and signed, and the browser is told nothing of it.
      await refresh(held);
      return;
    case "copied": {
      // Another browser has the cookie, and nothing else of this one.
      const { refreshToken } = await refresh(held);
      return subject.putAside(refreshToken);
    }
    case "expire":
      await note(act);
      return subject.expireAccess();
    case "steal":
      await note(act);
      return subject.putAside(held);
    case "replay": {
      const copy = await stolenFrom(subject, sessionId);
      if (!copy) return note("nothingStolen");
      // What the thief gets stays with the thief, who uses it at once.
      const { accessToken, refreshToken } = await refresh(copy.token);
      await subject.use(accessToken);
      return subject.putAside(refreshToken);
    }
  }
}

/** The thief's token, if it is one of this session: one of an earlier session is of no use here. */
async function stolenFrom<Pair extends TokenPair>(subject: Subject<Pair>, sessionId: string) {
  const { stolen: token } = subject;
  if (!token) return null;
  try {
    const copy = { token, ...(await subject.read(token)) };
    return copy.sessionId === sessionId ? copy : null;
  } catch (error) {
    // No token of ours: somebody has put it there.
    if (error instanceof DuetError && error.status === 401) return null;
    throw error;
  }
}
