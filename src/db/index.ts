export type Value = string | number | null;
export type Row = Record<string, unknown>;

/** What can be asked of a database. Parameters are `$1 … $n`, first mentioned in that order. */
export interface Queryable {
  /** Every row of a SELECT. */
  all<T extends Row>(sql: string, ...values: Value[]): Promise<T[]>;
  /** The first row, or null; also `INSERT/UPDATE/DELETE … RETURNING`. */
  one<T extends Row>(sql: string, ...values: Value[]): Promise<T | null>;
  /** A write; returns how many rows it changed, after they are durable. */
  run(sql: string, ...values: Value[]): Promise<number>;
}

/**
 * What a write changes that somebody may remember: a statement says so in a comment, `/* touches session $3 *\/`, and the
 * number of the parameter that names it. "all": more than can be named.
 */
export type Touched = "session" | "user" | "all";

/**
 * The one interface to a database. Reads see committed state only. A write resolves after its commit.
 * Failures of the database itself are DuetError `unavailable`, a reference to what is not there `not_found`; a
 * broken uniqueness rule is UniqueViolation.
 */
export interface Db extends Queryable {
  /** All of `work`'s writes or none. Inside, await nothing but the handle that is passed in. */
  tx<T>(work: (q: Queryable) => Promise<T>): Promise<T>;
  /** Has `forget` told what each commit touches, before that commit is answered. */
  onTouched(forget: (what: Touched, id: string) => void): void;
  /** Whether `forget` was told of everything that is committed at this moment, by whichever process. */
  isCurrent(): boolean;
  close(): Promise<void>;
  readonly dialect: "sqlite" | "postgres";
}

export class UniqueViolation extends Error {
  constructor(
    /** What the database names as violated: `users.username_key`. */
    readonly constraint: string,
    options?: ErrorOptions,
  ) {
    super(`unique: ${constraint}`, options);
    this.name = "UniqueViolation";
  }
}

const checked = new Set<string>();

/**
 * Refuses what would silently mean something else. bun:sqlite runs the first of several statements and drops the
 * rest. It binds values by the order in which `$n` first appears, PostgreSQL by its number: both agree only where
 * `$1 … $n` first appear in order.
 */
export function checkStatement(sql: string): void {
  if (checked.has(sql)) return;
  if (!/^\s*CREATE TRIGGER\b/.test(sql) && /;\s*\S/.test(sql.replace(/--.*$/gm, "")))
    throw new Error(`more than one statement: ${sql}`);
  let last = 0;
  for (const [, digits] of sql.matchAll(/\$(\d+)/g)) {
    const n = Number(digits);
    if (n > last + 1) throw new Error(`parameters out of order ($${n} after $${last}): ${sql}`);
    last = Math.max(last, n);
  }
  checked.add(sql);
}

/** What a statement says that it changes (`Touched`). */
export function touchesOf(sql: string): { what: Touched; parameter: number } | undefined {
  const [, what, parameter] = /\/\* touches (session|user|all)(?: \$(\d+))? \*\//.exec(sql) ?? [];
  return what === undefined ? undefined : { what: what as Touched, parameter: Number(parameter ?? 1) };
}
