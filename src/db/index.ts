import type { Settled } from "./settled.ts";

export type Value = string | number | null;
export type Row = Record<string, unknown>;
export type Dialect = "sqlite" | "postgres";

/**
 * What can be asked of a database. Parameters are `$1 … $n`, first mentioned in that order. Where several processes may
 * write, what is read to be written ends in `FOR NO KEY UPDATE`; where one writes at a time, that is left out.
 */
export interface Queryable {
  readonly dialect: Dialect;
  /** Every row of a SELECT. */
  all<T extends Row>(sql: string, ...values: Value[]): Promise<T[]>;
  /** The first row, or null; also `INSERT/UPDATE/DELETE … RETURNING`. */
  one<T extends Row>(sql: string, ...values: Value[]): Promise<T | null>;
  /** A write; returns how many rows it changed, after they are durable. */
  run(sql: string, ...values: Value[]): Promise<number>;
}

/**
 * What a write changes that somebody may remember: a statement says so in a comment, `/* touches session $3 *\/`, and the
 * number of the parameter that names it. "all": more than can be named. `/* ends session $3 *\/` is the same of a write after whose answer no process may say yes.
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
  /**
   * Has `forget` told what each commit of this process touches, before that commit is answered; of other processes'
   * commits what `isCurrent` says.
   */
  onTouched(forget: (what: Touched, id: string) => void): void;
  /**
   * Whether what is remembered may be used: whether `forget` was told of everything that is committed at this moment, by
   * whichever process. Where these are of several machines: of everything that takes back a yes, and that was committed
   * before the last proof of it (db/news.ts).
   */
  isCurrent(): boolean;
  /** Whether no process but this one makes changes that are told to streams, so that they come in the order of their numbers. */
  readonly hasOneWriter: boolean;
  /** Which changes may be told. */
  readonly settled: Settled;
  /** Has every process that uses this database hear `text`, soon and in most cases; the sender does not. */
  tell(text: string): void;
  /** Has `hear` called with what others tell; with null after a time in which something may have been missed. */
  onTold(hear: (text: string | null) => void): void;
  /** Has `work` read all as it is at one moment, however long it takes. */
  snapshot<T>(work: (q: Queryable) => Promise<T>): Promise<T>;
  /** How many transactions this process has committed. */
  commits(): number;
  /** How many other processes share this database now, as far as they can be told. */
  others(): Promise<number>;
  /** Does `work` while no other process does the like. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** The present, in epoch milliseconds, as all processes have it that use this database. */
  now(): number;
  /** Why this process should not be asked anything now; undefined if all is well. */
  trouble(): string | undefined;
  close(): Promise<void>;
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
  const text = sql.replace(/--.*$/gm, "");
  if (!/^\s*CREATE (?:TRIGGER|FUNCTION)\b/.test(text) && /;\s*\S/.test(text))
    throw new Error(`more than one statement: ${sql}`);
  let last = 0;
  for (const [, digits] of sql.matchAll(/\$(\d+)/g)) {
    const n = Number(digits);
    if (n > last + 1) throw new Error(`parameters out of order ($${n} after $${last}): ${sql}`);
    last = Math.max(last, n);
  }
  checked.add(sql);
}

export type Touches = { what: Touched; parameter: number; isEnd: boolean };

/** What a statement says that it changes (`Touched`). */
export function touchesOf(sql: string): Touches | undefined {
  const [, verb, what, parameter] =
    /\/\* (touches|ends) (session|user|all)(?: \$(\d+))? \*\//.exec(sql) ?? [];
  if (what === undefined) return undefined;
  return { what: what as Touched, parameter: Number(parameter ?? 1), isEnd: verb === "ends" };
}
