import { DuetError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { inTime } from "./in-time.ts";
import { checkStatement, touchesOf, UniqueViolation } from "./index.ts";
import type { Db, Queryable, Row, Touched, Value } from "./index.ts";
import { createNews } from "./news.ts";
import { createSettled } from "./settled.ts";

/** What can be asked of a connection, of the pool's or of a transaction's. */
type Asking = Pick<Bun.SQL, "unsafe">;

type Touch = { what: Touched; id: string; isEnd: boolean };

/** How often a transaction is tried that others were in the way of. */
const TRIES = 8;
const RETRY_MS = 10;

/**
 * PostgreSQL behind the Db interface, for any number of processes. A transaction sees what is committed at each of its
 * statements (READ COMMITTED) and locks the rows that it relies on; it is run again where the database gave it up for the
 * sake of another one.
 */
export function openPostgres(url: string): Db {
  const connect = () =>
    new Bun.SQL({
      url,
      max: LIMITS.databaseConnections,
      connectionTimeout: LIMITS.databaseConnectMs / 1000,
      // Numbers as numbers: what comes as a bigint is told from text that looks like one, and made a number in `rowsOf`.
      bigint: true,
      connection: {
        application_name: "duet",
        statement_timeout: LIMITS.databaseWaitMs,
        idle_in_transaction_session_timeout: LIMITS.databaseWaitMs,
      },
    });
  let sql = connect();
  /** While the schema is brought up to date, which takes as long as it takes. */
  let isUnbounded = false;
  const listeners: ((what: Touched, id: string) => void)[] = [];
  const forget = (what: Touched, id: string) => listeners.forEach((listener) => listener(what, id));
  const news = createNews(() => sql, {
    forget(what, id) {
      if (what === "all") settled.forget();
      forget(what, id);
    },
    /** Connections that a network has forgotten answer no more, and nobody says so. */
    renew() {
      const silent = sql;
      sql = connect();
      silent.close({ timeout: 0 }).catch(() => {});
    },
  });

  /** Asks, and notes what was touched. */
  async function ask(through: Asking, text: string, values: Value[], touched: Touch[]): Promise<Rows> {
    checkStatement(text);
    const touches = touchesOf(text);
    if (touches) {
      const { what, parameter, isEnd } = touches;
      touched.push({ what, isEnd, id: String(values[parameter - 1] ?? "") });
    }
    try {
      return rowsOf(await through.unsafe(text, values.map(storable)));
    } catch (error) {
      throw isGivenUp(error) ? error : databaseError(error);
    }
  }

  const within = (through: Asking, touched: Touch[]): Queryable => ({
    dialect: "postgres",
    all: async <T extends Row>(text: string, ...values: Value[]) =>
      (await ask(through, text, values, touched)).rows as T[],
    one: async <T extends Row>(text: string, ...values: Value[]) =>
      ((await ask(through, text, values, touched)).rows[0] ?? null) as T | null,
    run: async (text, ...values) => (await ask(through, text, values, touched)).count,
  });

  /** `work`, and what it has touched is forgotten before anybody hears of it. */
  async function forgetting<T>(work: (touched: Touch[], assertWanted: () => void) => Promise<T>): Promise<T> {
    const touched: Touch[] = [];
    let result: T;
    try {
      result = isUnbounded
        ? await work(touched, () => {})
        : await inTime((assertWanted) => work(touched, assertWanted));
    } finally {
      // Also where it failed: a commit whose answer was lost may have been one.
      for (const { what, id } of touched) forget(what, id);
    }
    if (touched.some(({ isEnd }) => isEnd)) await news.everybodyKnows();
    return result;
  }

  /** Again where the database gave it up; nothing is left of it then. */
  async function again<T>(work: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await work();
      } catch (error) {
        // What comes from beginning and from committing has not been looked at yet.
        if (!isGivenUp(error) || tried === TRIES) throw databaseError(error);
        await Bun.sleep(Math.random() * RETRY_MS * tried);
      }
    }
  }

  let commits = 0;
  const tx = <T>(work: (q: Queryable) => Promise<T>): Promise<T> =>
    again(() =>
      forgetting((touched, assertWanted) =>
        sql.begin(async (connection) => {
          assertWanted();
          if (isUnbounded) await connection.unsafe("SET LOCAL statement_timeout = 0");
          const result = await work(within(connection, touched));
          assertWanted();
          return result;
        }),
      ).then((result) => (commits++, result)),
    );

  /** A statement by itself is a transaction. */
  const askOnce = <T>(ask: (q: Queryable) => Promise<T>): Promise<T> =>
    again(() =>
      forgetting(async (touched, assertWanted) => {
        await news.assertPrimary();
        assertWanted();
        return ask(within(sql, touched));
      }),
    );

  const settled = createSettled((text) => askOnce((q) => q.one(text)));

  return {
    dialect: "postgres",
    commits: () => commits,
    all: (text, ...values) => askOnce((q) => q.all(text, ...values)),
    one: (text, ...values) => askOnce((q) => q.one(text, ...values)),
    run: (text, ...values) => askOnce((q) => q.run(text, ...values)),
    tx,
    onTouched: (listener) => void listeners.push(listener),
    isCurrent: news.isCurrent,
    hasOneWriter: false,
    settled,
    tell: news.tell,
    onTold: news.onTold,
    now: news.now,
    trouble: news.trouble,
    async snapshot(work) {
      const connection = await sql.reserve();
      try {
        await connection.unsafe("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        await connection.unsafe("SET LOCAL statement_timeout = 0");
        await connection.unsafe("SET LOCAL idle_in_transaction_session_timeout = 0");
        return await work(within(connection, []));
      } finally {
        await connection.unsafe("ROLLBACK").catch(() => {});
        connection.release();
      }
    },
    others: news.others,
    async alone(work) {
      const connection = await sql.reserve();
      try {
        // However long the one that is first takes, with a schema of years.
        await connection.unsafe("SET statement_timeout = 0");
        await connection.unsafe("SELECT pg_advisory_lock($1)", [ADVISORY_LOCK]);
        isUnbounded = true;
        return await work();
      } finally {
        isUnbounded = false;
        await connection.unsafe("SELECT pg_advisory_unlock($1)", [ADVISORY_LOCK]).catch(() => {});
        await connection.unsafe(`SET statement_timeout = ${LIMITS.databaseWaitMs}`).catch(() => {});
        connection.release();
      }
    },
    async close() {
      await news.close();
      await sql.close({ timeout: LIMITS.databaseWaitMs / 1000 });
    },
  };
}

/** Ours among the advisory locks of a database: "duet" in ASCII. */
const ADVISORY_LOCK = 0x64_75_65_74;

/** Text with NUL is none that PostgreSQL keeps, so no row has it. */
const storable = (value: Value): Value =>
  typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\ufffd") : value;

type Rows = { rows: Row[]; count: number };

/** What the driver hands out, with numbers as numbers: none of ours is larger than those hold. */
function rowsOf(answer: Row[] & { count: number | null }): Rows {
  for (const row of answer)
    for (const name in row) if (typeof row[name] === "bigint") row[name] = Number(row[name]);
  return { rows: answer, count: answer.count ?? 0 };
}

/** SQLSTATE (PostgreSQL, appendix A), where the server has said one; else the driver's own name of what went wrong. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Bun.SQL.PostgresError)) return undefined;
  return error.errno ? String(error.errno) : error.code;
}

/**
 * The server gave this transaction up, of which nothing is left: serialization_failure, deadlock_detected. And what was
 * prepared before a newer Duet changed a table, which is prepared anew then (0A000), or is not there (26000).
 */
const isGivenUp = (error: unknown) => ["40001", "40P01", "0A000", "26000"].includes(codeOf(error) ?? "");

/** Our own mistakes: a statement that is none, or values that it cannot take. */
const IS_OURS = /^(?:42|22|0A|ERR_POSTGRES_(?:UNSAFE_TRANSACTION|UNSUPPORTED))/;

/** Tells what the caller did (UniqueViolation, `not_found`) from what the database suffers (`unavailable`) from our own bugs. */
function databaseError(error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  if (code === "23505")
    return new UniqueViolation((error as { constraint?: string }).constraint ?? "", { cause: error });
  // What was to be referred to has just been removed by somebody else.
  if (code === "23503") return new DuetError("not_found", { cause: error });
  if (code.startsWith("23") || IS_OURS.test(code)) return error;
  return new DuetError("unavailable", { cause: error, retryAfterSeconds: 1 });
}
