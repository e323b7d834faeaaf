import start from "./0001_start.sql" with { type: "text" };
import startPostgres from "./0001_start.postgres.sql" with { type: "text" };
import type { Dialect } from "../index.ts";

/** The same step for each database. */
export type Migration = { name: string; sql: Record<Dialect, string> };

/** Frozen once released: to change the schema, add two files and a line here. */
export const migrations: Migration[] = [
  { name: "0001_start", sql: { sqlite: start, postgres: startPostgres } },
];
