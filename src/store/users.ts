import { DuetError } from "../errors.ts";
import { UniqueViolation, type Queryable } from "../db/index.ts";

export type UserRow = {
  id: string;
  username: string;
  username_key: string;
  email: string | null;
  email_key: string | null;
  password_hash: string;
  created_at: number;
  disabled_at: number | null;
  /** Since when the address is known to be theirs; null for one that is not. */
  email_verified_at: number | null;
  /** One that is to be confirmed first. */
  email_pending: string | null;
  /** Of their last sign-in. */
  language: string | null;
  /** Since when /admin is for them; null for whom it is not. */
  operator_since: number | null;
};

/** One that is not there yet. */
export type NewUser = Omit<
  UserRow,
  "operator_since" | "disabled_at" | "email_verified_at" | "email_pending" | "language"
> &
  Partial<Pick<UserRow, "email_pending" | "language">>;

export const userStore = (q: Queryable) => ({
  find: (id: string) => q.one<UserRow>("SELECT * FROM users WHERE id = $1 AND username IS NOT NULL", id),
  /** The same for a transaction that rests on it: nobody changes it before that has ended. */
  findToRely: (id: string) =>
    q.one<UserRow>("SELECT * FROM users WHERE id = $1 AND username IS NOT NULL FOR NO KEY UPDATE", id),
  findByUsername: (key: string) => q.one<UserRow>("SELECT * FROM users WHERE username_key = $1", key),
  findByEmail: (key: string) => q.one<UserRow>("SELECT * FROM users WHERE email_key = $1", key),

  /** By name, those after `after` whose key begins with `prefix`. */
  listAfter: (prefix: string, after: string, limit: number) =>
    q.all<UserRow>(
      `SELECT * FROM users WHERE username_key > $1 AND username_key >= $2 AND username_key < $3
        ORDER BY username_key LIMIT $4`,
      after,
      prefix,
      // No key has a character beyond that.
      `${prefix}\u{10ffff}`,
      limit,
    ),

  /** Error code: `username_taken`. */
  setName: ({ id, username, username_key }: Pick<UserRow, "id" | "username" | "username_key">) =>
    tellingWhatIsTaken(
      q.run(
        "UPDATE users SET username = $1, username_key = $2 WHERE id = $3 /* touches user $3 */",
        username,
        username_key,
        id,
      ),
    ),

  /** An address, or none, as it was given. Error code: `email_taken`. */
  setUnconfirmedEmail: ({ id, email, email_key }: Pick<UserRow, "id" | "email" | "email_key">) =>
    tellingWhatIsTaken(
      q.run(
        `UPDATE users SET email = $1, email_key = $2, email_verified_at = NULL, email_pending = NULL
          WHERE id = $3 /* touches user $3 */`,
        email,
        email_key,
        id,
      ),
    ),

  /** Error codes: `username_taken`, `email_taken`. The database decides, so racing registrations cannot both win. */
  insert: (user: NewUser) =>
    tellingWhatIsTaken(
      q.run(
        `INSERT INTO users (id, username, username_key, email, email_key, password_hash, created_at, email_pending, language)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        user.id,
        user.username,
        user.username_key,
        user.email,
        user.email_key,
        user.password_hash,
        user.created_at,
        user.email_pending ?? null,
        user.language ?? null,
      ),
    ),

  /** Of the last sign-in; changes nothing where it is the same. */
  setLanguage: (id: string, language: string) =>
    q.run(
      "UPDATE users SET language = $1 WHERE id = $2 AND language IS DISTINCT FROM $1 /* touches user $2 */",
      language,
      id,
    ),

  /** One that waits to be confirmed; null for none. */
  setPendingEmail: (id: string, email: string | null) =>
    q.run("UPDATE users SET email_pending = $1 WHERE id = $2 /* touches user $2 */", email, id),

  /** An address that is theirs from now on; one that another account had without that is another's no more. Error code: `email_taken`. */
  async setEmail(id: string, email: string | null, key: string | null, now: number): Promise<void> {
    await q.run(
      `UPDATE users SET email = NULL, email_key = NULL
        WHERE email_key = $1 AND email_verified_at IS NULL AND id <> $2 /* touches all */`,
      key,
      id,
    );
    await tellingWhatIsTaken(
      q.run(
        `UPDATE users SET email = $1, email_key = $2, email_verified_at = $3, email_pending = NULL
          WHERE id = $4 AND username IS NOT NULL /* touches user $4 */`,
        email,
        key,
        email === null ? null : now,
        id,
      ),
    );
  },

  /** What a name looks like; error code `username_taken` where another one looks so. */
  async setShapes(id: string, shapes: string[]): Promise<void> {
    await q.run("DELETE FROM username_shapes WHERE user_id = $1", id);
    for (const shape of shapes)
      await tellingWhatIsTaken(
        q.run("INSERT INTO username_shapes (shape, user_id) VALUES ($1, $2)", shape, id),
      );
  },

  setOperator: (id: string, since: number | null) =>
    q.run("UPDATE users SET operator_since = $1 WHERE id = $2 /* touches user $2 */", since, id),

  /** Since when nobody may sign in; null for who may. */
  setDisabled: (id: string, at: number | null) =>
    q.run("UPDATE users SET disabled_at = $1 WHERE id = $2 /* ends user $2 */", at, id),

  /** From now on nobody finds this user, and the name is free; what was theirs is still there, without a name. */
  async depart(id: string) {
    await q.run("DELETE FROM username_shapes WHERE user_id = $1", id);
    return q.run(
      `UPDATE users SET username = NULL, username_key = NULL, email = NULL, email_key = NULL, email_pending = NULL, email_verified_at = NULL, password_hash = '',
              operator_since = NULL
        WHERE id = $1 AND username IS NOT NULL /* ends user $1 */`,
      id,
    );
  },

  /** One who has departed and is not cleared away yet. */
  findDeparted: () => q.one<{ id: string }>("SELECT id FROM users WHERE username IS NULL LIMIT 1"),

  /** The rest of one who has departed; their sessions' rows and messages stay, without them. */
  removeDeparted: (id: string) =>
    q.run("DELETE FROM users WHERE id = $1 AND username IS NULL /* touches nobody: nobody has it */", id),

  /** Replaces a hash that is still the one that was checked. Of two changes at once one changes a row. */
  replacePasswordHash: (id: string, checked: string, hash: string) =>
    q.run(
      "UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $3 /* touches user $2 */",
      hash,
      id,
      checked,
    ),
});

async function tellingWhatIsTaken<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (!(error instanceof UniqueViolation)) throw error;
    throw new DuetError(error.constraint.includes("email") ? "email_taken" : "username_taken", {
      cause: error,
    });
  }
}
