import { LIMITS } from "../../limits.ts";
import type { Store } from "../../store/index.ts";
import type { SessionWithUser } from "../../store/sessions.ts";
import type { KeyRing, RingKey } from "./keys.ts";
import { endReasonOf } from "./rotation.ts";
import type { Claims } from "./signer.ts";

export type OwnedSession = SessionWithUser & { username: string };

/** Whether its user is there. */
export const isOwned = (session: SessionWithUser): session is OwnedSession => session.username !== null;

export type RememberedSessions = ReturnType<typeof createRememberedSessions>;

/**
 * Rows of sessions, as the database has them at the moment they are asked for, without asking it: each is forgotten with
 * the commit that changes it or its user, before that commit is answered, and all of them when another process has
 * committed. A row that is not here says nothing.
 */
export function createRememberedSessions(
  store: Pick<Store, "onTouched" | "isCurrent"> & { sessions: Pick<Store["sessions"], "find"> },
) {
  const rows = new Map<string, SessionWithUser>();
  const idsOf = new Map<string, Set<string>>();
  /** Counts what was forgotten: a row that was read before is not kept after. */
  let forgotten = 0;
  /** The same for each session and each user of late, and what it was when a row was read. */
  let touches = new Map<string, number>();
  let epoch = 0;
  const readAt = new WeakMap<SessionWithUser, number>();
  const touchesOf = ({ id, user_id }: SessionWithUser) =>
    epoch + (touches.get(id) ?? 0) + (touches.get(user_id) ?? 0);

  function drop(id: string): void {
    const userId = rows.get(id)?.user_id;
    if (userId === undefined) return;
    rows.delete(id);
    const ids = idsOf.get(userId);
    ids?.delete(id);
    if (ids?.size === 0) idsOf.delete(userId);
  }

  function keep(row: SessionWithUser): void {
    drop(row.id);
    if (rows.size >= LIMITS.sessionsRemembered) drop(rows.keys().next().value!);
    rows.set(row.id, row);
    idsOf.set(row.user_id, (idsOf.get(row.user_id) ?? new Set()).add(row.id));
  }

  store.onTouched((table, id) => {
    forgotten++;
    if (table === "all" || touches.size >= LIMITS.sessionsRemembered) {
      touches = new Map();
      epoch += 1e6;
    } else touches.set(id, (touches.get(id) ?? 0) + 1);
    if (table === "session") drop(id);
    else if (table === "user") for (const each of idsOf.get(id) ?? []) drop(each);
    else {
      rows.clear();
      idsOf.clear();
    }
  });

  return {
    /**
     * The row that is remembered, if it says yes to the claims of an access token and there is nothing left to note. It
     * never says no: any other answer is the database's.
     */
    findGood({ sid, sub, gen }: Claims, now: number): OwnedSession | undefined {
      const row = store.isCurrent() ? rows.get(sid) : undefined;
      if (!row || row.user_id !== sub || !isOwned(row) || endReasonOf(row, now)) return undefined;
      const isNoted = gen < row.generation || (gen === row.generation && row.confirmed_at !== null);
      return isNoted ? row : undefined;
    },

    /** Whether a session is remembered and lives. */
    isLive(id: string, now: number): boolean {
      const row = store.isCurrent() ? rows.get(id) : undefined;
      return row !== undefined && endReasonOf(row, now) === null;
    },

    /** Asks the database, and remembers what it says. */
    async find(id: string): Promise<SessionWithUser | null> {
      const before = forgotten;
      const row = await store.sessions.find(id);
      if (row && forgotten === before) {
        keep(row);
        readAt.set(row, touchesOf(row));
      }
      return row;
    },

    /** The row that is remembered, if it lives, for a step that the database itself decides. */
    findLive(id: string, now: number): OwnedSession | undefined {
      const row = store.isCurrent() ? rows.get(id) : undefined;
      return row && isOwned(row) && !endReasonOf(row, now) ? row : undefined;
    },

    /** After a commit that made `next` of `row`: remembers it, if that commit is all that has touched either since. */
    keepNext(row: SessionWithUser, next: SessionWithUser): void {
      const seen = readAt.get(row);
      if (seen === undefined || touchesOf(next) !== seen + 1) return;
      keep(next);
      readAt.set(next, touchesOf(next));
    },
  };
}

export type VerifiedTokens = ReturnType<typeof createVerifiedTokens>;

/**
 * The claims of tokens whose signatures were verified, by the whole token, for as long as the key that verified them is in
 * the ring. Times are for the caller to check. Only verified ones are kept, so that nobody pushes others out by making some up.
 */
export function createVerifiedTokens(keys: Pick<KeyRing, "peek">) {
  const tokens = new Map<string, { claims: Claims; keyId: string; signer: RingKey["signer"] }>();
  return {
    get(token: string): Claims | undefined {
      const known = tokens.get(token);
      if (!known) return undefined;
      if (keys.peek(known.keyId)?.signer === known.signer) return known.claims;
      tokens.delete(token);
      return undefined;
    },

    keep(token: string, claims: Claims, { id: keyId, signer }: Pick<RingKey, "id" | "signer">): void {
      if (tokens.size >= LIMITS.tokensRemembered) tokens.delete(tokens.keys().next().value!);
      tokens.set(token, { claims, keyId, signer });
    },
  };
}
