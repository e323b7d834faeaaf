import { DuetError, StartError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Store, Tables } from "../../store/index.ts";
import { TABLES, type Row, type TableName } from "../../store/transfer.ts";
import { isId } from "../ids.ts";
import { indexedTerms, messageMark, titleMark } from "./terms.ts";

/** The first line of an archive, the lines of its rows, and the last one, by which a whole one is known. */
export type Header = { format: "duet"; version: 1; id: string; made_at: string; is_move: boolean };
type Line = { table: TableName; row: Row };
export type Footer = { counts: Record<string, number>; sha256: string };

/** Is told how far it has come: so many rows of so many. */
export type Progress = (done: number, of: number, table: string) => void;

const NAMES = Object.keys(TABLES) as TableName[];

/**
 * Everything as JSON lines: a header, each row with the name of its table, in the order in which tables refer to each
 * other, and counts with a checksum (SHA-256 of all lines before, each with its line feed). Passwords are hashes and keys
 * are sealed, as they are in the database; whoever has it and the secret has everything. Read in one snapshot.
 */
export async function* exportLines(
  tables: Tables,
  header: Header,
  progress: Progress,
): AsyncGenerator<string> {
  const hash = new Bun.CryptoHasher("sha256");
  const counts: Record<string, number> = {};
  let total = 0;
  for (const table of NAMES) total += await tables.transfer.count(table);
  let done = 0;
  function say(line: object): string {
    const text = `${JSON.stringify(line)}\n`;
    hash.update(text);
    return text;
  }
  yield say(header);
  for (const table of NAMES) {
    counts[table] = 0;
    for (let last: Row | null = null; ;) {
      const rows: Row[] = await tables.transfer.page(table, last, LIMITS.rowsReadAtOnce);
      for (const row of rows) yield say({ table, row } satisfies Line);
      counts[table] += rows.length;
      done += rows.length;
      progress(done, total, table);
      if (rows.length < LIMITS.rowsReadAtOnce) break;
      last = rows.at(-1)!;
    }
  }
  yield `${JSON.stringify({ counts, sha256: hash.digest("hex") } satisfies Footer)}\n`;
}

/** Reads an archive to its end and writes nothing. Throws StartError if it is none, or not whole. */
export async function checkArchive(lines: AsyncIterable<string>): Promise<Header & Footer> {
  const hash = new Bun.CryptoHasher("sha256");
  const counts: Record<string, number> = Object.fromEntries(NAMES.map((name) => [name, 0]));
  let header: Header | undefined;
  let footer: Footer | undefined;
  for await (const line of lines) {
    if (footer) throw new StartError("the archive goes on after its end");
    const read = parse(line);
    if (!header) header = readHeader(read);
    else if ("sha256" in read) {
      footer = read as Footer;
      continue;
    } else {
      const { table } = read as Line;
      if (!NAMES.includes(table))
        throw new StartError(`the archive has a table ${String(table)}, which is none`);
      counts[table]!++;
    }
    hash.update(`${line}\n`);
  }
  if (!header || !footer) throw new StartError("the archive is not whole: its end is missing");
  if (footer.sha256 !== hash.digest("hex") || JSON.stringify(footer.counts) !== JSON.stringify(counts))
    throw new StartError("the archive is damaged: its checksum is another");
  return { ...header, ...footer };
}

/**
 * Fills an empty database from an archive that was checked, or goes on where that was broken off: the rows of a table come in
 * their order, so as many as are there are left out. Words are indexed anew. Throws StartError where something else is in
 * it, or the counts are others in the end.
 */
export async function importLines(
  store: Store,
  archive: Header & Footer,
  lines: AsyncIterable<string>,
  now: number,
  progress: Progress,
): Promise<void> {
  const moves = await store.transfer.moves();
  const earlier = moves.find(({ id }) => id === archive.id);
  if (earlier?.finished_at != null) throw new StartError("this archive was imported already");
  if (!earlier) {
    if (moves.length > 0 || (await store.transfer.count("users")) > 0 || (await store.keys.list()).length > 0)
      throw new StartError("the database is not empty; an archive is imported into a new one");
    await store.tx(async ({ transfer }) => {
      await transfer.beginMove(archive.id, "in", now);
      await transfer.emptyChanges();
    });
  }
  const there = await countsOf(store);
  const total = Object.values(archive.counts).reduce((sum, n) => sum + n, 0);
  let done = 0;
  let batch: Row[] = [];
  let table: TableName | undefined;
  async function write() {
    const [name, rows] = [table, batch];
    batch = [];
    if (name && rows.length > 0)
      await store
        .tx(async (tx) => {
          await tx.transfer.insert(name, rows);
          await indexWords(tx, name, rows);
        })
        .catch((cause) => {
          if (cause instanceof DuetError && cause.status === 503) throw cause;
          throw new StartError(
            `rows of ${name} are none that this Duet takes (${cause}); nothing starts on what is here now`,
            {
              cause,
            },
          );
        });
    progress(done, total, name ?? "");
  }
  for await (const text of lines) {
    const line = parse(text);
    if (!("table" in line)) continue;
    const { table: name, row } = line as Line;
    if (name !== table || batch.length >= LIMITS.rowsClearedAtOnce) await write();
    table = name;
    done++;
    if (there[name]! > 0) there[name]!--;
    else batch.push(row);
  }
  await write();
  await store.transfer.numberOn();
  for (const [name, found] of Object.entries(await countsOf(store)))
    if (found !== archive.counts[name])
      throw new StartError(`${name}: ${found} rows are there, ${archive.counts[name]} were to come`);
  await store.transfer.finishMove(archive.id, now);
}

/** However long it takes. */
const countsOf = (store: Store): Promise<Record<string, number>> =>
  store.snapshot(async ({ transfer }) => {
    const counts: Record<string, number> = {};
    for (const name of NAMES) counts[name] = await transfer.count(name);
    return counts;
  });

async function indexWords(tx: Tables, table: TableName, rows: Row[]): Promise<void> {
  if (table === "conversations")
    for (const { number, title } of rows as { number: number; title: string }[])
      await tx.terms.setTitle(number, indexedTerms(titleMark(number), title));
  if (table !== "messages") return;
  for (const { id, body } of rows as { id: string; body: string }[]) {
    const place = body === "" ? null : await tx.messages.placeOf(id);
    if (place) await tx.terms.setMessage(id, indexedTerms(messageMark(place.conversation, place.part), body));
  }
}

function parse(line: string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(line);
    if (typeof read === "object" && read !== null) return read as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new StartError("this is no archive of Duet, or it is damaged");
}

function readHeader(read: Record<string, unknown>): Header {
  if (read["format"] !== "duet") throw new StartError("this is no archive of Duet");
  if (typeof read["id"] !== "string" || !isId(read["id"])) throw new StartError("this is no archive of Duet");
  if (read["version"] !== 1)
    throw new StartError("the archive is of a newer Duet; import it with that version");
  return read as Header;
}
