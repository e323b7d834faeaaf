import type { Database, SQLQueryBindings, Statement } from "bun:sqlite";
import { DuetError } from "../errors.ts";
import { checkStatement, touchesOf, UniqueViolation, type Touched, type Touches } from "./index.ts";

type Prepared = { statement: Statement; touches: Touches | undefined };

/** As SQLite takes it: with one writer at a time a row is that writer's anyway. */
export const inSqlite = (sql: string): string => sql.replace(/ FOR NO KEY UPDATE$/, "");

/** Prepared once each; their failures come out as what they mean. */
export class Statements {
  readonly #prepared = new Map<string, Prepared>();
  #touched: [what: Touched, id: string][] = [];
  constructor(readonly db: Database) {}

  #prepare(sql: string): Prepared {
    let prepared = this.#prepared.get(sql);
    if (!prepared) {
      checkStatement(sql);
      prepared = { statement: this.db.prepare(inSqlite(sql)), touches: touchesOf(sql) };
      this.#prepared.set(sql, prepared);
    }
    return prepared;
  }

  /** Runs a statement, and notes what it touches if it `hasChanged` anything. */
  #ask<T>(
    sql: string,
    values: SQLQueryBindings[],
    work: (of: Statement) => T,
    hasChanged: (of: T) => boolean,
  ): T {
    return guarded(() => {
      const { statement, touches } = this.#prepare(sql);
      const result = work(statement);
      if (touches && hasChanged(result))
        this.#touched.push([touches.what, String(values[touches.parameter - 1])]);
      return result;
    });
  }

  /** What was written since this was last asked. */
  tellTouched(forget: (what: Touched, id: string) => void) {
    const touched = this.#touched;
    this.#touched = [];
    for (const [what, id] of touched) forget(what, id);
  }

  all = (sql: string, values: SQLQueryBindings[]) =>
    this.#ask(
      sql,
      values,
      (of) => of.all(...values),
      (rows) => rows.length > 0,
    );
  one = (sql: string, values: SQLQueryBindings[]) =>
    this.#ask(
      sql,
      values,
      (of) => of.get(...values) ?? null,
      (row) => row !== null,
    );
  run = (sql: string, values: SQLQueryBindings[]) =>
    this.#ask(
      sql,
      values,
      (of) => of.run(...values).changes,
      (changes) => changes > 0,
    );
  close() {
    for (const { statement } of this.#prepared.values()) statement.finalize();
  }
}

/** SQLite's own name of a failure. */
export const sqliteCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_")
    ? String(error.code)
    : undefined;

/** Has what fails inside come out as what it means. */
export function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw databaseError(error);
  }
}

/** Tells what the caller did (UniqueViolation, `not_found`) from what the database suffers (`unavailable`) from our own bugs. */
export function databaseError(error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined) return error;
  if (code === "SQLITE_CONSTRAINT_UNIQUE" || code === "SQLITE_CONSTRAINT_PRIMARYKEY") {
    const constraint = (error as Error).message.replace(/^UNIQUE constraint failed: /, "");
    return new UniqueViolation(constraint, { cause: error });
  }
  // What was to be referred to has just been removed by somebody else.
  if (code === "SQLITE_CONSTRAINT_FOREIGNKEY") return new DuetError("not_found", { cause: error });
  if (code.startsWith("SQLITE_CONSTRAINT") || code === "SQLITE_ERROR" || code === "SQLITE_MISUSE")
    return error;
  return new DuetError("unavailable", { cause: error, retryAfterSeconds: 1 });
}
