import type { Queryable, Row, Value } from "../db/index.ts";

export type { Row } from "../db/index.ts";

/** Every table that is carried from one database to another, those that others refer to first, with its key. */
export const TABLES = {
  users: ["id"],
  username_shapes: ["shape"],
  sessions: ["id"],
  device_names: ["session_id"],
  ended_eras: ["user_id", "era"],
  auth_events: ["id"],
  links: ["id"],
  factors: ["id"],
  recovery_codes: ["user_id", "code_hash"],
  challenges: ["id"],
  letters: ["id"],
  throttles: ["id"],
  signing_keys: ["id"],
  conversations: ["number"],
  members: ["conversation_id", "user_id"],
  messages: ["number"],
  notes: ["id"],
  invites: ["id"],
  invite_uses: ["invite_id", "user_id"],
  removals: ["conversation_id", "user_id"],
  idempotency_keys: ["user_id", "idempotency_key"],
  changes: ["id"],
} as const;

export type TableName = keyof typeof TABLES;

export type MoveRow = { id: string; direction: "in" | "out"; started_at: number; finished_at: number | null };

const list = (n: number, first = 1) => Array.from({ length: n }, (_, i) => `$${first + i}`).join(", ");

/** Rows as they are, for moving everything to another database. */
export const transferStore = (q: Queryable) => ({
  count: async (table: TableName): Promise<number> =>
    (await q.one<{ n: number }>(`SELECT count(*) AS n FROM ${table}`))!.n,

  /** The rows after one, in the order of their key. */
  page(table: TableName, after: Row | null, limit: number): Promise<Row[]> {
    const key = TABLES[table];
    const from = after ? `WHERE (${key.join(", ")}) > (${list(key.length)})` : "";
    const values = after ? key.map((column) => after[column] as Value) : [];
    return q.all(
      `SELECT * FROM ${table} ${from} ORDER BY ${key.join(", ")} LIMIT $${values.length + 1}`,
      ...values,
      limit,
    );
  },

  /** Rows that all have the same columns. */
  async insert(table: TableName, rows: Row[]): Promise<void> {
    const columns = Object.keys(rows[0] ?? {});
    const isAlike = rows.every((row) => Object.keys(row).join() === columns.join());
    if (!isAlike || !columns.every((column) => /^[a-z_]+$/.test(column)))
      throw new Error("their columns are others");
    const places = rows.map((_, i) => `(${list(columns.length, i * columns.length + 1)})`).join(", ");
    const values = rows.flatMap((row) => columns.map((column) => row[column] as Value));
    await q.run(`INSERT INTO ${table} (${columns.join(", ")}) VALUES ${places}`, ...values);
  },

  /** The list of changes begins with a row of its own, which is another's here. */
  emptyChanges: () => q.run("DELETE FROM changes"),

  /** Has new rows numbered after those that came. */
  async numberOn(): Promise<void> {
    if (q.dialect !== "postgres") return;
    for (const [table, column] of [
      ["conversations", "number"],
      ["messages", "number"],
      ["changes", "id"],
    ])
      await q.all(
        `SELECT setval('${table}_${column}_seq', (SELECT greatest(max(${column}), 1) FROM ${table}))`,
      );
  },

  moves: () => q.all<MoveRow>("SELECT * FROM moves ORDER BY started_at"),

  beginMove: (id: string, direction: MoveRow["direction"], now: number) =>
    q.run(
      "INSERT INTO moves (id, direction, started_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
      id,
      direction,
      now,
    ),

  finishMove: (id: string, now: number) => q.run("UPDATE moves SET finished_at = $1 WHERE id = $2", now, id),

  takeBackMove: (id: string) => q.run("DELETE FROM moves WHERE id = $1 AND direction = 'out'", id),

  takeBackMoves: () => q.run("DELETE FROM moves WHERE direction = 'out'"),
});
