import start from "./0001_start.sql" with { type: "text" };

export type Migration = { name: string; sql: string };

/** Frozen once released: to change the schema, add a file and a line here. */
export const migrations: Migration[] = [{ name: "0001_start", sql: start }];
