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
import { COMMAND_LINE } from "./actors.ts";
import type { Endings } from "./endings.ts";
import { readHash } from "./hashes.ts";
import { emailKey, readProfile, wordsOf, type User } from "./profiles.ts";
import type { Passwords } from "./passwords.ts";
import type { SecurityEvents } from "./security.ts";
import type { TokenType, Verification } from "./signer.ts";
import type { Tokens } from "./tokens.ts";
import { usernameKey } from "./usernames.ts";

/** An account as operators see it. */
export type Person = UserRow;

export type Operator = ReturnType<typeof createOperator>;

/** What whoever runs Duet may do with accounts, by commands and, as an operator, by /admin. */
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
  const { device: HERE } = COMMAND_LINE;

  async function find(name: string): Promise<User> {
    const user = name.includes("@")
      ? await store.users.findByEmail(emailKey(name))
      : await store.users.findByUsername(usernameKey(name));
    if (!user) throw new DuetError("not_found");
    return user;
  }

  return {
    find,

    /** Accounts by name, whose names begin with `search` (an address finds its own), those after `after`. Error code: `validation_failed`. */
    async list(page: {
      search?: string;
      after?: string;
      limit?: number | undefined;
    }): Promise<Page<UserRow>> {
      const limit = pageLimit(page.limit);
      if (page.search?.includes("@")) {
        const user = await store.users.findByEmail(emailKey(page.search.trim()));
        return { items: user ? [user] : [], next: null };
      }
      const prefix = usernameKey(page.search ?? "");
      const rows = await store.users.listAfter(prefix, usernameKey(page.after ?? ""), limit + 1);
      return pageOf(rows, limit, ({ username }) => username);
    },

    /**
     * Makes an account without signing anybody in. Error codes: `validation_failed`, `username_taken`, `email_taken`.
     * Effects: `users` and the security event, both or neither.
     */
    async add(input: { username: string; password: string; email?: string | undefined }): Promise<User> {
      // Whoever runs the server may have the names that are kept for them.
      const profile = readProfile(input, true);
      const weakness = await passwords.judge(input.password, wordsOf(profile.columns));
      if (weakness) profile.faults.push({ field: "password", ...weakness });
      if (profile.faults.length > 0) throw new DuetError("validation_failed", { fields: profile.faults });
      const now = clock();
      const key = profile.columns.username_key;
      const password_hash = await passwords.inTurn(key, HERE.ip, ({ hash }) => hash(input.password));
      const user = { id: newId(now), ...profile.columns, password_hash, created_at: now };
      await commit(async (tx) => {
        await tx.users.insert(user);
        await tx.users.setShapes(user.id, profile.shapes);
        await security.note({ kind: "register", userId: user.id, operator: COMMAND_LINE.name }, HERE, tx);
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
        const user = { id: newId(now), ...columns, password_hash: passwordHash };
        return { user: { ...user, created_at: Math.min(createdAt ?? now, now) }, shapes };
      });
      await commit(async (tx) => {
        for (const { user, shapes } of drafts) {
          await tx.users.insert(user);
          await tx.users.setShapes(user.id, shapes);
          await security.note({ kind: "register", userId: user.id, operator: COMMAND_LINE.name }, HERE, tx);
        }
      });
    },

    /** The live sessions of an account, the last one seen first. */
    sessionsOf({ id }: User): Promise<SessionRow[]> {
      return store.sessions.listLive(id, clock(), null, LIMITS.pageItemsMax);
    },

    /** Ends one session (`revoked_by_operator`), of `userId` where it is given. Error code: `not_found`. Effects: as `Endings.end`. */
    async endSession(id: string, by = COMMAND_LINE, userId?: string): Promise<void> {
      const only = { operator: by.name, ...(userId !== undefined && { userId }) };
      if (!isId(id) || !(await endings.end(id, "revoked_by_operator", by.device, only)))
        throw new DuetError("not_found");
    },

    /** An account by its id, and whether /admin is for it. Error code: `not_found`. */
    async findById(id: string): Promise<UserRow> {
      const user = isId(id) ? await store.users.find(id) : null;
      if (!user) throw new DuetError("not_found");
      return user;
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
     * Ends every session of an account (`user_disabled`) and lets nobody sign in to it. Nothing of it is deleted. Effects:
     * `users`, `sessions` and the security event, all or none.
     */
    disable: ({ id }: User, by = COMMAND_LINE): Promise<void> =>
      commit(async (tx) => {
        await tx.users.setDisabled(id, clock());
        // What gives an address back signs nobody in: it stays, for whoever has lost theirs to another.
        await tx.links.removeOf(id, "reset");
        await tx.links.removeOf(id, "verify");
        await tx.links.removeBy(id);
        await tx.challenges.removeOf(id);
        await endings.endAll(tx, id, "user_disabled", null);
        await security.note({ kind: "account_disable", userId: id, operator: by.name }, by.device, tx);
      }),

    /** Lets its owner sign in again; what ended stays ended. Effects: as `disable`. */
    enable: ({ id }: User, by = COMMAND_LINE): Promise<void> =>
      commit(async (tx) => {
        await tx.users.setDisabled(id, null);
        await security.note({ kind: "account_enable", userId: id, operator: by.name }, by.device, tx);
      }),

    /** Makes /admin a page for somebody, or no more; from the command line alone. Effects: `users` and the security event. */
    setOperator: ({ id }: User, isOperator: boolean): Promise<void> =>
      commit(async (tx) => {
        await tx.users.setOperator(id, isOperator ? clock() : null);
        // For an operator they come from here alone, and of one who is none they are good no more.
        await tx.links.removeOf(id, "reset");
        await tx.links.removeBy(id);
        const kind = isOperator ? "operator_make" : "operator_unmake";
        await security.note({ kind, userId: id, operator: COMMAND_LINE.name }, HERE, tx);
      }),
  };
}
