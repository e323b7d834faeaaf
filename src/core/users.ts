import type { Store } from "../store/index.ts";
import type { UserRow } from "../store/users.ts";
import { DuetError, invalidField, type FieldError } from "./errors.ts";
import { newId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Passwords } from "./passwords.ts";
import type { Device, Grant, Sessions, Viewer } from "./sessions.ts";
import { readUsername, usernameKey } from "./usernames.ts";

export type User = { id: string; username: string; email: string | null };

export type SignedIn = { user: User; grant: Grant };

export type Users = ReturnType<typeof createUsers>;

/** Accounts: registering and signing in, both of which start a session. */
export function createUsers(deps: {
  store: Store;
  sessions: Sessions;
  passwords: Passwords;
  clock: () => number;
  log: Log;
  registrationOpen: boolean;
}) {
  const { store, sessions, passwords, clock, log } = deps;

  return {
    /**
     * Makes an account and signs it in. Error codes: `registration_closed`, `validation_failed` with every faulty
     * field, `username_taken`, `email_taken`, `too_busy`. Effects: `users` and `sessions`, both or neither.
     */
    async register(
      input: { username: string; password: string; email?: string | null | undefined },
      device: Device,
    ): Promise<SignedIn> {
      if (!deps.registrationOpen) throw new DuetError("registration_closed");
      const profile = readProfile(input);
      const weakness = await passwords.judge(input.password, wordsOf(profile.columns));
      if (weakness) profile.faults.push({ field: "password", ...weakness });
      if (profile.faults.length > 0) throw new DuetError("validation_failed", { fields: profile.faults });

      const now = clock();
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
        }),
      );
      log("info", "registered", { user_id: user.id, session_id: grant.sessionId });
      return { user, grant };
    },

    /**
     * Signs in by username or e-mail. Error codes: `invalid_credentials`, the same for no such user, a wrong
     * password and a disabled account, after the same work; `too_busy`. Effects: one row in `sessions`.
     */
    async login(input: { identifier: string; password: string }, device: Device): Promise<SignedIn> {
      const row = await findByIdentifier(input.identifier.trim());
      const { ok, rehashed } = await passwords.verify(input.password, row?.password_hash ?? null);
      if (!row || !ok || row.disabled_at !== null) return refuseLogin(row, device);
      // Checking took a while: whoever changed the password meanwhile has ended what it opened.
      const grant = await sessions.start(row, device, (session) =>
        store.tx(async (tables) => {
          const current = await tables.users.find(row.id);
          if (current?.password_hash !== row.password_hash || current.disabled_at !== null)
            return refuseLogin(row, device);
          if (rehashed) await tables.users.replacePasswordHash(row.id, row.password_hash, rehashed);
          await tables.sessions.insert(session);
        }),
      );
      log("info", "login", { user_id: row.id, session_id: grant.sessionId, ip: device.ip });
      return { user: row, grant };
    },

    /**
     * Changes the viewer's name, address or both; an empty or null address is none. Error codes:
     * `validation_failed`, `username_taken`, `email_taken`, `user_not_found`. Effects: `users`.
     */
    async updateProfile(
      viewer: Viewer,
      input: { username?: string | undefined; email?: string | null | undefined },
    ): Promise<User> {
      const { username = viewer.username, email = viewer.email } = input;
      const profile = readProfile({ username, email });
      if (profile.faults.length > 0) throw new DuetError("validation_failed", { fields: profile.faults });
      const changed = { id: viewer.userId, ...profile.columns };
      if ((await store.users.setProfile(changed)) === 0) throw new DuetError("user_not_found");
      return changed;
    },

    /**
     * Changes the viewer's password, ends all their other sessions and gives this one a new pair. Error codes:
     * `validation_failed` (`current_password` with `wrong_password`, or what is wrong with `new_password`),
     * `user_not_found`, `too_busy`. Effects: `users` and `sessions`, both or neither.
     */
    async changePassword(
      viewer: Viewer,
      input: { currentPassword: string; newPassword: string },
    ): Promise<Grant> {
      const row = await store.users.find(viewer.userId);
      if (!row) throw new DuetError("user_not_found");
      const { ok } = await passwords.verify(input.currentPassword, row.password_hash);
      if (!ok) throw invalidField("current_password", "wrong_password");
      const weakness = await passwords.judge(input.newPassword, wordsOf(row));
      if (weakness)
        throw new DuetError("validation_failed", { fields: [{ field: "new_password", ...weakness }] });
      const hash = await passwords.hash(input.newPassword);
      await store.tx(async (tables) => {
        if ((await tables.users.replacePasswordHash(row.id, row.password_hash, hash)) === 0)
          throw invalidField("current_password", "wrong_password");
        await tables.sessions.endOthersOf(row.id, viewer.sessionId, "password_changed", clock());
      });
      log("info", "password_changed", { user_id: row.id, session_id: viewer.sessionId });
      return sessions.renew(viewer);
    },
  };

  function refuseLogin(row: UserRow | null, device: Device): never {
    log("info", "login_failed", { user_id: row?.id, ip: device.ip });
    throw new DuetError("invalid_credentials");
  }

  async function findByIdentifier(identifier: string): Promise<UserRow | null> {
    if (!identifier.isWellFormed() || identifier.length > LIMITS.emailCharsMax) return null;
    return identifier.includes("@")
      ? store.users.findByEmail(emailKey(identifier))
      : store.users.findByUsername(usernameKey(identifier));
  }
}

/** What a password must not be made of. */
const wordsOf = ({ username, email }: { username: string; email?: string | null | undefined }) =>
  [username, email ?? ""].filter((word) => word !== "");

type Profile = Pick<UserRow, "username" | "username_key" | "email" | "email_key">;

/** Name and address as they are kept, with everything that is wrong with them. */
function readProfile(input: { username: string; email?: string | null | undefined }): {
  columns: Profile;
  faults: FieldError[];
} {
  const faults: FieldError[] = [];
  // Telephones add a space after a word; no name and no address has one at its end.
  const username = readUsername(input.username.trim());
  if (typeof username === "string") faults.push({ field: "username", code: username, ...limitOf(username) });
  const email = input.email?.trim() ? readEmail(input.email.trim()) : null;
  if (typeof email === "string") faults.push({ field: "email", code: email });
  const name = typeof username === "string" ? { shown: "", key: "" } : username;
  const address = typeof email === "string" ? null : email;
  return {
    columns: {
      username: name.shown,
      username_key: name.key,
      email: address?.shown ?? null,
      email_key: address?.key ?? null,
    },
    faults,
  };
}

function limitOf(code: string): { limit?: number } {
  if (code === "too_short") return { limit: LIMITS.usernameCharsMin };
  return code === "too_long" ? { limit: LIMITS.usernameCharsMax } : {};
}

const emailKey = (email: string) => email.normalize("NFKC").toLowerCase();

/** Not proof that it is an address, only that it can be one; usernames never hold an `@`. */
function readEmail(input: string): { shown: string; key: string } | "ill_formed" | "too_long" | "invalid" {
  if (!input.isWellFormed()) return "ill_formed";
  if (input.length > LIMITS.emailCharsMax) return "too_long";
  // oxlint-disable-next-line no-control-regex -- control characters are what it keeps out
  return /^[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+\.[^\s@.\x00-\x1f\x7f]+$/.test(input)
    ? { shown: input, key: emailKey(input) }
    : "invalid";
}
