import type { Queryable } from "../db/index.ts";

type Common = {
  id: string;
  user_id: string;
  name: string;
  created_at: number;
  /** When it began to count; null for an authenticator of which no code has come yet. */
  confirmed_at: number | null;
  last_used_at: number | null;
};

export type AuthenticatorRow = Common & {
  kind: "totp";
  sealed_secret: string;
  /** The last time step of which a code was taken (RFC 6238). */
  last_step: number | null;
};

export type PasskeyRow = Common & {
  kind: "passkey";
  credential_id: string;
  /** COSE, as base64url. */
  public_key: string;
  /** Of signatures, as its authenticator counts them; 0 where it does not. */
  counter: number;
  /** As words. */
  transports: string;
  /** Whether it may be on several devices, and is: 0 or 1 (Web Authentication, section 6.1.3). */
  is_synced: number;
  is_backed_up: number;
};

export type FactorRow = AuthenticatorRow | PasskeyRow;

export const factorStore = (q: Queryable) => ({
  /** All of a user's, the oldest first; those that count where only these are asked for. */
  listOf: (userId: string, { confirmed }: { confirmed: boolean }) =>
    q.all<FactorRow>(
      `SELECT * FROM factors WHERE user_id = $1 ${confirmed ? "AND confirmed_at IS NOT NULL" : ""} ORDER BY id`,
      userId,
    ),

  findPasskey: (credentialId: string) =>
    q.one<PasskeyRow>("SELECT * FROM factors WHERE credential_id = $1", credentialId),

  /** Begun, and not counting yet. */
  insertAuthenticator: (
    f: Pick<AuthenticatorRow, "id" | "user_id" | "name" | "created_at" | "sealed_secret">,
  ) =>
    q.run(
      `INSERT INTO factors (id, user_id, kind, name, created_at, sealed_secret) VALUES ($1, $2, 'totp', $3, $4, $5)`,
      f.id,
      f.user_id,
      f.name,
      f.created_at,
      f.sealed_secret,
    ),

  insertPasskey: (f: PasskeyRow) =>
    q.run(
      `INSERT INTO factors (id, user_id, kind, name, created_at, confirmed_at, credential_id, public_key, counter, transports, is_synced, is_backed_up)
       VALUES ($1, $2, 'passkey', $3, $4, $4, $5, $6, $7, $8, $9, $10)`,
      f.id,
      f.user_id,
      f.name,
      f.created_at,
      f.credential_id,
      f.public_key,
      f.counter,
      f.transports,
      f.is_synced,
      f.is_backed_up,
    ),

  /** Takes the code of a time step, which is later than any that was taken; of any number of callers one is told true. */
  takeStep: async (id: string, step: number, now: number): Promise<boolean> =>
    (await q.run(
      `UPDATE factors SET last_step = $1, last_used_at = $2, confirmed_at = COALESCE(confirmed_at, $2)
        WHERE id = $3 AND (last_step IS NULL OR last_step < $1)`,
      step,
      now,
      id,
    )) > 0,

  /** Notes a use of a passkey, from the counter that was read to the one it came with. */
  usePasskey: async (
    id: string,
    from: number,
    to: number,
    isBackedUp: boolean,
    now: number,
  ): Promise<boolean> =>
    (await q.run(
      "UPDATE factors SET counter = $1, is_backed_up = $2, last_used_at = $3 WHERE id = $4 AND counter = $5",
      to,
      Number(isBackedUp),
      now,
      id,
      from,
    )) > 0,

  remove: async (userId: string, id: string): Promise<boolean> =>
    (await q.run("DELETE FROM factors WHERE id = $1 AND user_id = $2", id, userId)) > 0,

  /** Authenticators that were begun and never confirmed. */
  removeDrafts: (userId: string) =>
    q.run("DELETE FROM factors WHERE user_id = $1 AND confirmed_at IS NULL", userId),

  removeOf: (userId: string) => q.run("DELETE FROM factors WHERE user_id = $1", userId),

  countCodes: async (userId: string): Promise<number> =>
    (await q.one<{ n: number }>("SELECT count(*) AS n FROM recovery_codes WHERE user_id = $1", userId))!.n,

  hasCode: async (userId: string, hash: string): Promise<boolean> =>
    (await q.one(
      "SELECT 1 AS one FROM recovery_codes WHERE user_id = $1 AND code_hash = $2",
      userId,
      hash,
    )) !== null,

  /** Of any number of callers one is told true. */
  takeCode: async (userId: string, hash: string): Promise<boolean> =>
    (await q.run("DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2", userId, hash)) > 0,

  async replaceCodes(userId: string, hashes: string[]): Promise<void> {
    await q.run("DELETE FROM recovery_codes WHERE user_id = $1", userId);
    for (const hash of hashes)
      await q.run("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)", userId, hash);
  },
});
