import { describe, expect, test } from "bun:test";
import { openFolder } from "../src/db/folder.ts";
import type { Db } from "../src/db/index.ts";
import { migrate } from "../src/db/migrate.ts";
import { openPostgres } from "../src/db/postgres.ts";
import { openSqlite } from "../src/db/sqlite.ts";
import { temporaryFolder } from "./support/app.ts";
import { makeDatabase } from "./support/postgres.ts";

describe("the two schemas", () => {
  type Column = { table: string; name: string; type: string; isRequired: boolean; default: string | null };

  /** The same words for the same things. */
  const plain = (text: string | null) =>
    text === null
      ? null
      : text
          .replaceAll(/::(?:text|bigint|integer)(?:\[\])?|[()"\s]|COLLATE \w+/g, "")
          .replace("=ANYARRAY[", "IN")
          .replace("]", "")
          .replaceAll("<>", "!=")
          .toLowerCase();

  async function sqliteSchema(db: Db) {
    const tables = (
      await db.all<{ name: string }>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'terms%' AND name NOT LIKE 'sqlite%'",
      )
    ).map(({ name }) => name);
    const columns: Column[] = [];
    const keys: string[] = [];
    for (const table of tables) {
      type Info = { name: string; type: string; notnull: number; dflt_value: string | null; pk: number };
      const infos = await db.all<Info>(`SELECT * FROM pragma_table_info('${table}')`);
      for (const { name, type, notnull, dflt_value, pk } of infos)
        columns.push({
          table,
          name,
          type: type === "INTEGER" ? "number" : "text",
          isRequired: notnull === 1 || pk > 0,
          default: plain(dflt_value),
        });
      keys.push(
        `${table} by ${infos
          .filter(({ pk }) => pk > 0)
          .toSorted((a, b) => a.pk - b.pk)
          .map(({ name }) => name)}`,
      );
    }
    const indexes = await db.all<{ name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
    );
    const texts = await db.all<{ name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'terms%' AND name NOT LIKE 'sqlite%'",
    );
    const checks = texts.flatMap(({ name, sql }) =>
      [...sql.matchAll(/CHECK (\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))/g)].map(
        ([, check]) => `${name}: ${plain(check!)}`,
      ),
    );
    const references = texts.flatMap(({ name, sql }) =>
      [...sql.matchAll(/(\w+) TEXT[^,\n]* REFERENCES (\w+) \(id\) ON DELETE ([A-Z ]+)/g)].map(
        ([, column, other, rule]) => `${name}.${column} of ${other}: ${rule!.trim()}`,
      ),
    );
    return {
      columns,
      keys,
      checks,
      references,
      indexes: indexes.map(
        ({ name, sql }) => `${name}: ${plain(sql.replace(/^CREATE (UNIQUE )?INDEX \w+ ON \w+/, "$1"))}`,
      ),
    };
  }

  async function postgresSchema(db: Db) {
    const columns = await db.all<{
      table: string;
      name: string;
      type: string;
      needed: string;
      default: string | null;
    }>(
      `SELECT table_name AS table, column_name AS name, data_type AS type, is_nullable AS needed, column_default AS default
         FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'terms'`,
    );
    const constraints = await db.all<{ table: string; type: string; says: string }>(
      `SELECT conrelid::regclass::text AS table, contype::text AS type, pg_get_constraintdef(oid) AS says
         FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 'terms'::regclass`,
    );
    const indexes = await db.all<{ name: string; sql: string }>(
      `SELECT indexname AS name, indexdef AS sql FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'terms'
          AND indexname !~ '_(pkey|key)$'`,
    );
    const of = (type: string) => constraints.filter((each) => each.type === type);
    return {
      columns: columns.map(({ table, name, type, needed, default: value }): Column => ({
        table,
        name,
        type: type === "bigint" ? "number" : type,
        isRequired: needed === "NO",
        default: plain(value),
      })),
      keys: of("p").map(({ table, says }) => `${table} by ${/\((.*)\)/.exec(says)![1]!.replaceAll(" ", "")}`),
      checks: of("c").map(({ table, says }) => `${table}: ${plain(says.replace(/^CHECK /, ""))}`),
      references: of("f").map(({ table, says }) => {
        const [, column, other, rule] = /\((\w+)\) REFERENCES (\w+)\(id\) ON DELETE ([A-Z ]+)/.exec(says)!;
        return `${table}.${column} of ${other}: ${rule}`;
      }),
      indexes: indexes.map(
        ({ name, sql }) =>
          `${name}: ${plain(sql.replace(/^CREATE (UNIQUE )?INDEX \w+ ON \S+ USING btree/, "$1"))}`,
      ),
    };
  }

  test("have the same columns, keys, checks, references and indexes", async () => {
    const { databasePath, unlock } = openFolder(temporaryFolder());
    const sqlite = openSqlite(databasePath);
    await migrate(sqlite);
    const { url, drop } = await makeDatabase();
    const postgres = openPostgres(url);
    await migrate(postgres);
    const [one, other] = [await sqliteSchema(sqlite), await postgresSchema(postgres)];
    await Promise.all([sqlite.close(), postgres.close()]);
    unlock();
    await drop();
    expect(one.columns.length).toBeGreaterThan(60);
    const sorted = (list: unknown[]) => list.map((each) => JSON.stringify(each)).toSorted();
    for (const part of ["columns", "keys", "checks", "references", "indexes"] as const)
      expect([part, sorted(other[part])]).toEqual([part, sorted(one[part])]);
  });
});
