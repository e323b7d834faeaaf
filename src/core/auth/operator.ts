import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Store } from "../../store/index.ts";
import type { SecurityEventRow } from "../../store/security.ts";
import type { SessionRow, SessionWithUser } from "../../store/sessions.ts";
import type { UserRow } from "../../store/users.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import { isId, newId } from "../ids.ts";
import { pageLimit, pageOf, type Page } from "../page.ts";
import type { Device } from "./devices.ts";
import type { Endings } from "./endings.ts";
import { readHash } from "./hashes.ts";
import { emailKey, readProfile, wordsOf } from "./profiles.ts";
import type { Passwords } from "./passwords.ts";
import type { SecurityEvents } from "./security.ts";
import type { TokenType, Verification } from "./signer.ts";
import type { Tokens } from "./tokens.ts";
import type { User } from "./users.ts";
import { usernameKey } from "./usernames.ts";

export type Operator = ReturnType<typeof createOperator>;

/** The machine itself, on which the operator's commands run. */
const HERE: Device = { userAgent: "duet", ip: "127.0.0.1" };

/** What whoever runs Duet may do with an account, named by its username or e-mail address. */
export function createOperator(deps: {
  store: Store;
  commit: Commit;
  endings: Endings;
  security: SecurityEvents;
  passwords: Passwords;
  tokens: Tokens;
  clock: Clock;
}) {
  const { store, commit, endings, security, passwords, tokens, clock } = deps;

  async function find(name: string): Promise<User> {
    const user = name.includes("@")
      ? await store.users.findByEmail(emailKey(name))
      : await store.users.findByUsername(usernameKey(name));
    if (!user) throw new DuetError("not_found");
    return user;
  }

  return {
    find,

    /** Accounts by name, whose names begin with `search`, those after `after`. Error code: `validation_failed`. */
    async list(page: {
      search?: string;
      after?: string;
      limit?: number | undefined;
    }): Promise<Page<UserRow>> {
      const limit = pageLimit(page.limit);
      const prefix = usernameKey(page.search ?? "");
      const rows = await store.users.listAfter(prefix, usernameKey(page.after ?? ""), limit + 1);
      return pageOf(rows, limit, ({ username }) => username);
    },

    /**
     * Makes an account without signing anybody in. Error codes: `validation_failed`, `username_taken`, `email_taken`.
     * Effects: `users` and the security event, both or neither.
     */
    async add(input: { username: string; password: string; email?: string | undefined }): Promise<User> {
      const profile = readProfile(input);
      const weakness = await passwords.judge(input.password, wordsOf(profile.columns));
      if (weakness) profile.faults.push({ field: "password", ...weakness });
      if (profile.faults.length > 0) throw new DuetError("validation_failed", { fields: profile.faults });
      const now = clock();
      const key = profile.columns.username_key;
      const password_hash = await passwords.inTurn(key, HERE.ip, ({ hash }) => hash(input.password));
      const user = { id: newId(now), ...profile.columns, password_hash, created_at: now, disabled_at: null };
      await commit(async (tx) => {
        await tx.users.insert(user);
        await tx.users.setShapes(user.id, profile.shapes);
        await security.note({ kind: "register", userId: user.id }, HERE, tx);
      });
      return user;
    },

    /**
     * Takes over accounts of another system, with the hashes of their passwords (`readHash`); each is hashed anew at its first
     * sign-in. Error codes: as `add`, of the first that is refused; then none of them is made. Effects: as `add`.
     */
    async adopt(
      people: { username: string; email?: string | null; passwordHash: string; createdAt?: number }[],
    ) {
      const now = clock();
      const drafts = people.map(({ passwordHash, createdAt, ...input }) => {
        const { columns, shapes, faults } = readProfile(input);
        if (!readHash(passwordHash)) faults.push({ field: "password_hash", code: "invalid" });
        if (faults.length > 0) throw new DuetError("validation_failed", { fields: faults });
        const user = { id: newId(now), ...columns, password_hash: passwordHash, disabled_at: null };
        return { user: { ...user, created_at: Math.min(createdAt ?? now, now) }, shapes };
      });
      await commit(async (tx) => {
        for (const { user, shapes } of drafts) {
          await tx.users.insert(user);
          await tx.users.setShapes(user.id, shapes);
          await security.note({ kind: "register", userId: user.id }, HERE, tx);
        }
      });
    },

    /** The live sessions of an account, the last one seen first. Error code: `not_found`. */
    async sessionsOf(name: string): Promise<SessionRow[]> {
      const { id } = await find(name);
      return store.sessions.listLive(id, clock(), null, LIMITS.pageItemsMax);
    },

    /** Ends one session (`revoked`). Error code: `not_found`. Effects: as `Endings.end`. */
    async endSession(id: string): Promise<void> {
      if (!isId(id) || !(await endings.end(id, "revoked", HERE))) throw new DuetError("not_found");
    },

    /** A session with what has happened in it, the latest first. Error code: `not_found`. */
    async session(id: string): Promise<{ session: SessionWithUser; events: SecurityEventRow[] }> {
      const session = isId(id) ? await store.sessions.find(id) : null;
      if (!session) throw new DuetError("not_found");
      const all = await store.security.listBefore(session.user_id, "~", LIMITS.rowsReadAtOnce);
      return { session, events: all.filter(({ session_id }) => session_id === id) };
    },

    /** What a token says, whether it is one of ours, and of which session: to look at, never to sign anybody in by. */
    async inspect(token: string): Promise<{ type: TokenType | null; verification: Verification }> {
      for (const type of ["access", "refresh"] as const) {
        const verification = await tokens.verify(type, token);
        if (verification.ok || verification.claims) return { type, verification };
      }
      return { type: null, verification: { ok: false, code: "token_invalid" } };
    },

    /**
     * Ends every session of an account (`user_disabled`) and lets nobody sign in to it. Nothing of it is deleted. Error
     * code: `not_found`. Effects: `users`, `sessions` and the security event, all or none.
     */
    async disable(name: string): Promise<User> {
      const user = await find(name);
      await commit(async (tx) => {
        await tx.users.setDisabled(user.id, clock());
        await endings.endAll(tx, user.id, "user_disabled", null);
        await security.note({ kind: "account_disable", userId: user.id }, HERE, tx);
      });
      return user;
    },

    /** Lets its owner sign in again; what ended stays ended. Error code: `not_found`. Effects: as `disable`. */
    async enable(name: string): Promise<User> {
      const user = await find(name);
      await commit(async (tx) => {
        await tx.users.setDisabled(user.id, null);
        await security.note({ kind: "account_enable", userId: user.id }, HERE, tx);
      });
      return user;
    },
  };
}
