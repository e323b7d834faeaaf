import { StartError } from "../errors.ts";
import type { Db } from "./index.ts";
import { migrations as embedded, type Migration } from "./migrations/index.ts";

const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");

/**
 * Brings the schema up to date: each migration runs once, in name order, in a transaction of its own, and is
 * recorded with its checksum. A recorded one that is missing here or reads differently is refused.
 */
export async function migrate(db: Db, migrations: Migration[] = embedded): Promise<void> {
  const [integer, strict] = db.dialect === "sqlite" ? ["INTEGER", " STRICT"] : ["BIGINT", ""];
  await assertOurs(db);
  await db.run(
    `CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at ${integer} NOT NULL)${strict}`,
  );
  for (const { name, sql: texts } of await pendingMigrations(db, migrations)) {
    const sql = texts[db.dialect];
    const apply = db.tx(async (q) => {
      // A statement ends where a line ends in a semicolon.
      for (const statement of sql.split(/;\s*$/m)) if (statement.trim()) await q.run(statement);
      await q.run(
        "INSERT INTO migrations (name, checksum, applied_at) VALUES ($1, $2, $3)",
        name,
        sha256(sql),
        Date.now(),
      );
    });
    // As where the record of the migrations was emptied, and their tables are there.
    await apply.catch((cause) => {
      throw new StartError(`migration ${name} cannot be applied (${cause}); restore a backup`, { cause });
    });
  }
}

/** Of a file this is known by its header (check.ts). Answers whether there is anything in it. */
async function assertOurs(db: Db): Promise<boolean> {
  if (db.dialect === "sqlite") return true;
  const names = (
    await db.all<{ name: string }>(
      "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
    )
  ).map(({ name }) => name);
  const columns = await db.all<{ name: string }>(
    "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = 'migrations' AND column_name = 'checksum'",
  );
  if (names.length > 0 && columns.length === 0)
    throw new StartError("the database is another program's; Duet needs one of its own");
  return names.length > 0;
}

/** For a program beside the server, which must find everything done. Throws StartError. */
export async function checkMigrated(db: Db): Promise<void> {
  if (!(await assertOurs(db))) throw new StartError("the database is empty; start the server once first");
  if ((await pendingMigrations(db, embedded)).length > 0)
    throw new StartError("the database is of an older Duet; start the server once first");
}

async function pendingMigrations(db: Db, migrations: Migration[]): Promise<Migration[]> {
  const applied = await db.all<{ name: string; checksum: string }>("SELECT name, checksum FROM migrations");
  for (const { name, checksum } of applied) {
    const known = migrations.find((migration) => migration.name === name);
    if (!known) throw new StartError(`migration ${name} was applied by a newer Duet; run that version`);
    if (sha256(known.sql[db.dialect]) !== checksum)
      throw new StartError(`migration ${name} was changed after it was applied`);
  }
  const done = new Set(applied.map((row) => row.name));
  return migrations.filter(({ name }) => !done.has(name)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
