import type { Store } from "../store/index.ts";
import type { UserRow } from "../store/users.ts";
import { DuetError, type FieldError } from "./errors.ts";
import { newId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Passwords } from "./passwords.ts";
import type { Device, Grant, Sessions } from "./sessions.ts";
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
      const fields: FieldError[] = [];
      // Telephones add a space after a word; no name and no address has one at its end.
      const username = readUsername(input.username.trim());
      if (typeof username === "string")
        fields.push({ field: "username", code: username, ...limitOf(username) });
      const email = input.email?.trim() ? readEmail(input.email.trim()) : null;
      if (typeof email === "string") fields.push({ field: "email", code: email });
      const weakness = await passwords.judge(
        input.password,
        [input.username, input.email ?? ""].filter(Boolean),
      );
      if (weakness) fields.push({ field: "password", ...weakness });
      if (fields.length > 0 || typeof username === "string" || typeof email === "string")
        throw new DuetError("validation_failed", { fields });

      const now = clock();
      const user: UserRow = {
        id: newId(now),
        username: username.shown,
        username_key: username.key,
        email: email?.shown ?? null,
        email_key: email?.key ?? null,
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
      const { ok, rehash } = await passwords.verify(input.password, row?.password_hash ?? null);
      if (!row || !ok || row.disabled_at !== null) {
        log("info", "login_failed", { user_id: row?.id, ip: device.ip });
        throw new DuetError("invalid_credentials");
      }
      if (rehash) await store.users.setPasswordHash(row.id, await rehash());
      const grant = await sessions.start(row, device);
      log("info", "login", { user_id: row.id, session_id: grant.sessionId, ip: device.ip });
      return { user: row, grant };
    },
  };

  async function findByIdentifier(identifier: string): Promise<UserRow | null> {
    if (!identifier.isWellFormed() || identifier.length > LIMITS.emailCharsMax) return null;
    return identifier.includes("@")
      ? store.users.findByEmail(emailKey(identifier))
      : store.users.findByUsername(usernameKey(identifier));
  }

  function limitOf(code: string): { limit?: number } {
    if (code === "too_short") return { limit: LIMITS.usernameCharsMin };
    return code === "too_long" ? { limit: LIMITS.usernameCharsMax } : {};
  }
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
