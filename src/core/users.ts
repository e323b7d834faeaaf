import type { Store } from "../store/index.ts";
import type { UserRow } from "../store/users.ts";
import { DuetError, invalidField, type ErrorCode } from "./errors.ts";
import { newId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { networkOf } from "./addresses.ts";
import type { Bell } from "./bell.ts";
import type { Endings } from "./endings.ts";
import type { Events } from "./events.ts";
import { noteChange } from "./live.ts";
import type { Passwords } from "./passwords.ts";
import type { Device, Grant, Sessions, Viewer } from "./sessions.ts";
import type { Throttle, Wanted } from "./throttle.ts";
import { emailKey, readProfile, wordsOf } from "./profiles.ts";
import { usernameKey } from "./usernames.ts";

export type User = { id: string; username: string; email: string | null };

export type SignedIn = { user: User; grant: Grant };

export type Users = ReturnType<typeof createUsers>;

/** Accounts: registering and signing in, both of which start a session, and what an account's owner may change. */
export function createUsers(deps: {
  store: Store;
  sessions: Sessions;
  endings: Endings;
  events: Events;
  passwords: Passwords;
  throttle: Throttle;
  bell: Bell;
  clock: () => number;
  registrationOpen: boolean;
}) {
  const { store, sessions, endings, events, passwords, throttle, bell, clock } = deps;

  return {
    /**
     * Makes an account and signs it in. Error codes: `registration_closed`, `validation_failed` with every faulty
     * field, `username_taken`, `email_taken`, `rate_limited`, `too_busy`. Effects: `users`, `sessions` and the
     * security event, all or none.
     */
    async register(
      input: { username: string; password: string; email?: string | null | undefined },
      device: Device,
    ): Promise<SignedIn> {
      if (!deps.registrationOpen) throw new DuetError("registration_closed");
      const profile = readProfile(input);
      // Judging takes a while of everybody's.
      await throttle.take(["judge_network", networkOf(device.ip)]);
      const weakness = await passwords.judge(input.password, wordsOf(profile.columns));
      if (weakness) profile.faults.push({ field: "password", ...weakness });
      if (profile.faults.length > 0) throw new DuetError("validation_failed", { fields: profile.faults });
      const now = clock();
      const register = async () => {
        const user: UserRow = {
          id: newId(now),
          ...profile.columns,
          // Hashed even where the name turns out to be taken: time does not tell.
          password_hash: await passwords.hash(input.password),
          created_at: now,
          disabled_at: null,
        };
        const grant = await sessions.start(user, device, (session) =>
          store.tx(async (tables) => {
            await tables.users.insert(user);
            await tables.sessions.insert(session);
            await events.note({ kind: "register", userId: user.id, sessionId: session.id }, device, tables);
          }),
        );
        return { user, grant };
      };
      // A taken name counts too: otherwise this would be the way to find out who has an account.
      const limits: Wanted[] = [["register_network", networkOf(device.ip)]];
      return throttle.counting(limits, (outcome) => !isUnavailable(outcome), register);
    },

    /**
     * Signs in by username or e-mail: RFC 6749 section 4.3. Error codes: `invalid_credentials`, the same for no
     * such user, a wrong password and a disabled account, after the same work; `rate_limited`, `too_busy`.
     * Effects: `sessions` and the security event, or the event alone.
     */
    async login(input: { identifier: string; password: string }, device: Device): Promise<SignedIn> {
      const identifier = input.identifier.trim().slice(0, LIMITS.emailCharsMax).toWellFormed();
      const limits = await loginLimits((await findByIdentifier(identifier))?.id, identifier, device);
      return throttle.counting(limits, isCode("invalid_credentials"), async () => {
        for (;;) {
          const row = await findByIdentifier(identifier);
          const { ok, rehashed } = await passwords.verify(input.password, row?.password_hash ?? null);
          if (!row || !ok || row.disabled_at !== null) {
            await events.note({ kind: "login", outcome: "failure", userId: row?.id ?? null }, device);
            throw new DuetError("invalid_credentials");
          }
          const grant = await signIn(row, rehashed, device);
          if (grant) return { user: row, grant };
        }
      });
    },

    /**
     * Changes the viewer's name, address or both; an empty or null address is none. Error codes:
     * `validation_failed`, `username_taken`, `email_taken`, `user_not_found`, `rate_limited`. Effects: `users` and
     * the security event.
     */
    async updateProfile(
      viewer: Viewer,
      input: { username?: string | undefined; email?: string | null | undefined },
      device: Device,
    ): Promise<User> {
      const { username = viewer.username, email = viewer.email } = input;
      const profile = readProfile({ username, email });
      if (profile.faults.length > 0) throw new DuetError("validation_failed", { fields: profile.faults });
      // It tells which names are taken.
      await throttle.take(["profile_account", viewer.userId]);
      const changed = { id: viewer.userId, ...profile.columns };
      await store.tx(async (tables) => {
        if ((await tables.users.setProfile(changed)) === 0) throw new DuetError("user_not_found");
        await events.note({ kind: "profile_change", ...idsOf(viewer) }, device, tables);
      });
      return changed;
    },

    /**
     * Changes the viewer's password, ends all their other sessions and gives this one a new pair. Error codes:
     * `validation_failed` (`current_password` with `wrong_password`, or what is wrong with `new_password`),
     * `user_not_found`, `rate_limited`, `too_busy`. Effects: `users`, `sessions`, the security event, all or none.
     */
    async changePassword(
      viewer: Viewer,
      input: { currentPassword: string; newPassword: string },
      device: Device,
    ): Promise<Grant> {
      const row = await confirmPassword(viewer, "current_password", input.currentPassword, device);
      const weakness = await passwords.judge(input.newPassword, wordsOf(row));
      if (weakness)
        throw new DuetError("validation_failed", { fields: [{ field: "new_password", ...weakness }] });
      const hash = await passwords.hash(input.newPassword);
      await store.tx(async (tables) => {
        await endings.refuseEnded(tables, viewer.sessionId);
        if ((await tables.users.replacePasswordHash(row.id, row.password_hash, hash)) === 0)
          throw invalidField("current_password", "wrong_password");
        await endings.endAll(tables, row.id, "password_changed", device, viewer.sessionId);
        await events.note({ kind: "password_change", ...idsOf(viewer) }, device, tables);
      });
      bell.ring([row.id]);
      return sessions.renew(viewer);
    },

    /** Ends every session of the viewer, this one too. Effects: `sessions` and the security event, both or neither. */
    async logoutAll(viewer: Viewer, device: Device): Promise<void> {
      await store.tx(async (tables) => {
        await endings.endAll(tables, viewer.userId, "logout_all", device);
        await events.note({ kind: "logout_all", ...idsOf(viewer) }, device, tables);
      });
      bell.ring([viewer.userId]);
    },

    /**
     * Deletes the viewer's account with what is theirs alone. Conversations they share pass on to whoever has been
     * in them longest; their messages stay, without their name. Error codes: `validation_failed` (`password` with
     * `wrong_password`), `user_not_found`, `rate_limited`, `too_busy`. Effects: all or none.
     */
    async remove(viewer: Viewer, input: { password: string }, device: Device): Promise<void> {
      const row = await confirmPassword(viewer, "password", input.password, device);
      const concerned = await store.tx(async (tables) => {
        await endings.refuseEnded(tables, viewer.sessionId);
        await endings.endAll(tables, row.id, "user_deleted", device);
        await tables.sessions.forgetDevicesOf(row.id);
        await tables.conversations.passOn(row.id);
        const conversationIds = await tables.conversations.idsOf(row.id);
        if ((await tables.users.remove(row.id)) === 0) throw new DuetError("user_not_found");
        const others: string[] = [];
        for (const id of conversationIds)
          others.push(
            ...(await noteChange(tables, { conversation_id: id, kind: "members", created_at: clock() })),
          );
        return others;
      });
      bell.ring([row.id, ...concerned]);
    },
  };

  /**
   * The session of a user whose password was right; null if the user has changed meanwhile, for checking takes a
   * while: whoever changed the password has ended what the old one opened.
   */
  async function signIn(row: UserRow, rehashed: string | undefined, device: Device): Promise<Grant | null> {
    let isCurrent = false;
    const grant = await sessions.start(row, device, (session) =>
      store.tx(async (tables) => {
        const current = await tables.users.find(row.id);
        isCurrent = current?.password_hash === row.password_hash && current.disabled_at === null;
        if (!isCurrent) return;
        if (rehashed) await tables.users.replacePasswordHash(row.id, row.password_hash, rehashed);
        await tables.sessions.insert(session);
        await events.note({ kind: "login", userId: row.id, sessionId: session.id }, device, tables);
      }),
    );
    return isCurrent ? grant : null;
  }

  async function findByIdentifier(identifier: string): Promise<UserRow | null> {
    return identifier.includes("@")
      ? store.users.findByEmail(emailKey(identifier))
      : store.users.findByUsername(usernameKey(identifier));
  }

  /** By whatever name one account is called, it is counted as one; names that nobody has are counted alike. */
  async function loginLimits(
    userId: string | undefined,
    identifier: string,
    device: Device,
  ): Promise<Wanted[]> {
    const account = userId ?? (identifier.includes("@") ? emailKey(identifier) : usernameKey(identifier));
    const network = networkOf(device.ip);
    const known = await store.sessions.addressesOf(account, LIMITS.knownAddressesMax);
    return [
      ["login_account_and_network", `${account}\n${network}`],
      ["login_network", network],
      ...(known.map(networkOf).includes(network) ? [] : [["login_account", account] satisfies Wanted]),
    ];
  }

  /** The viewer's password once more, for what only its owner may do. Only a wrong one is counted, and written down. */
  async function confirmPassword(
    viewer: Viewer,
    field: "password" | "current_password",
    password: string,
    device: Device,
  ): Promise<UserRow> {
    const row = await store.users.find(viewer.userId);
    if (!row) throw new DuetError("user_not_found");
    return throttle.counting([["password_account", row.id]], isCode("validation_failed"), async () => {
      const { ok } = await passwords.verify(password, row.password_hash);
      if (ok) return row;
      const kind = field === "password" ? "account_delete" : "password_change";
      await events.note({ kind, outcome: "failure", ...idsOf(viewer) }, device);
      throw invalidField(field, "wrong_password");
    });
  }
}

const isCode = (code: ErrorCode) => (outcome: unknown) =>
  outcome instanceof DuetError && outcome.code === code;

const isUnavailable = (outcome: unknown) => outcome instanceof DuetError && outcome.status === 503;

const idsOf = ({ userId, sessionId }: Viewer) => ({ userId, sessionId });
