import type { Config } from "./config.ts";
import { ALGORITHMS, openKeyRing, type KeyRing } from "./core/auth/keys.ts";
import type { Clock } from "./core/clock.ts";
import { continueAfter } from "./core/ids.ts";
import { assertSettled } from "./core/moves.ts";
import {
  findFolder,
  assertNobodyLeaves,
  holdFolder,
  holdWhileLeaving,
  loadSecret,
  openFolder,
  type Folder,
} from "./db/folder.ts";
import type { Db } from "./db/index.ts";
import { checkMigrated, migrate } from "./db/migrate.ts";
import { noteStart } from "./db/starts.ts";
import { openPostgres } from "./db/postgres.ts";
import { openSqlite } from "./db/sqlite.ts";
import { DuetError, StartError } from "./errors.ts";
import { createSigner } from "./http/signers.ts";
import { createStore, type Store } from "./store/index.ts";

/** What Duet keeps, opened: the tables, up to date, the key ring, and the clock that goes with them. */
export type Data = {
  store: Store;
  keys: KeyRing;
  clock: Clock;
  /** Whether all of the database should be checked while it is used (`checkAtStart`). */
  isUnsure: boolean;
  /** Lets another server have the folder, which this one still uses, and takes that back. Throws StartError if one has it. */
  unlock(): void;
  lock(): void;
  close(): Promise<void>;
};

/** Where it is kept: in a folder of its server's own, or in a PostgreSQL that several servers share. */
type Place = {
  name: string;
  db: Db;
  /** Whether the schema is this process's to bring up to date, and the first keys its to make. */
  isOurs: boolean;
  isUnsure: boolean;
  secretOf(isFirstStart: boolean): string;
  release(): void;
  /** As `holdWhileLeaving` and `noteStart` of a folder. */
  leave(): () => void;
  noteStart(): Promise<void>;
  hold(): () => void;
};

/** For the server; a folder is held until `close`. `clock` stands for the database's in tests. Throws StartError. */
export const openData = (config: Config, issuer: string, clock?: Clock): Promise<Data> =>
  open(config, issuer, placeOf(config, true), clock);

/** A backup that is to be put back, at `path`, for what is done to it before; or a PostgreSQL database that was. Throws StartError. */
export function openRestored(config: Config, issuer: string, path: string | null): Promise<Data> {
  if (path === null) return open(config, issuer, serverOf(config, true));
  const secretOf = () => loadSecret(config.data, config.secret, false);
  const db = openSqlite(path);
  return open(config, issuer, { name: path, db, isOurs: true, isUnsure: false, secretOf, ...UNHELD });
}

/** For an operator's command, beside a server that may be running: makes nothing, migrates nothing. Throws StartError. */
export const openDataBeside = (config: Config, issuer: string): Promise<Data> =>
  open(config, issuer, placeOf(config, false));

/**
 * The tables alone, for carrying all of them elsewhere or filling them: `isOurs` where no server may be running, `isThere`
 * where none are to be made. Throws StartError.
 */
export async function openTables(
  config: Config,
  { isOurs, isThere }: { isOurs: boolean; isThere: boolean },
): Promise<{ store: Store; close(): Promise<void> }> {
  if (isThere && !config.databaseUrl) findFolder(config.data);
  const place = placeOf(config, isOurs);
  const close = () => place.db.close().finally(place.release);
  try {
    if (isOurs && !config.databaseUrl) assertNobodyLeaves(config.data);
    await place.db.alone(() => (isThere ? checkMigrated(place.db) : migrate(place.db)));
    return { store: createStore(place.db), close };
  } catch (error) {
    await close();
    throw error instanceof StartError ? error : unusable(place.name, error);
  }
}

const placeOf = (config: Config, isOurs: boolean): Place => {
  if (config.databaseUrl) return serverOf(config, isOurs);
  return folderOf(config, isOurs ? openFolder(config.data) : findFolder(config.data));
};

function folderOf(config: Config, folder: Folder): Place {
  const { isOurs, isUnsure, databasePath, lockPath } = folder;
  const name = `the database in ${config.data}`;
  try {
    const db = openSqlite(databasePath, lockPath ? [lockPath] : []);
    const secretOf = (isFirstStart: boolean) => loadSecret(config.data, config.secret, isFirstStart);
    const hold = () => holdFolder(config.data);
    const leave = () => holdWhileLeaving(config.data);
    const noted = () => noteStart(config.data, (start) => db.run(`PRAGMA user_version = ${start}`));
    return { name, db, isOurs, isUnsure, secretOf, release: folder.unlock, hold, leave, noteStart: noted };
  } catch (error) {
    folder.unlock();
    throw unusable(name, error);
  }
}

/** What nobody else has to let go of. */
const UNHELD = { release() {}, hold: () => () => {}, leave: () => () => {}, noteStart: async () => {} };

function serverOf({ databaseUrl, secret }: Config, isOurs: boolean): Place {
  if (!secret)
    throw new StartError("DUET_SECRET: must be set, the same for all who use one DUET_DATABASE_URL");
  const name = "the PostgreSQL database";
  let db: Db;
  try {
    db = openPostgres(databaseUrl!);
  } catch (error) {
    throw unusable(name, error);
  }
  return {
    name,
    db,
    isOurs,
    isUnsure: false,
    secretOf: () => secret,
    ...UNHELD,
  };
}

/** Takes over `place` and lets go of it in `close`, or before it throws. */
async function open(config: Config, issuer: string, place: Place, given?: Clock): Promise<Data> {
  const { db, isOurs, isUnsure } = place;
  const store = createStore(db);
  const clock = given ?? store.now;
  let { release } = place;
  const close = () => db.close().finally(() => release());
  const unlock = () => {
    const leave = place.leave();
    release();
    release = leave;
  };
  const lock = () => {
    const leave = release;
    release = place.hold();
    leave();
  };
  try {
    const keys = await db.alone(async () => {
      if (isOurs) await migrate(db);
      else await checkMigrated(db);
      await assertSettled(store);
      continueAfter(await store.newestId());
      const isFirstStart = (await store.keys.list()).length === 0;
      if (isFirstStart && !isOurs) throw new StartError("there are no keys yet; start the server once first");
      if (isFirstStart && (await store.users.listAfter("", "", 1)).length > 0)
        throw new StartError("there are accounts, but the signing keys are gone; put a backup back");
      return openKeyRing({
        store,
        clock,
        secret: place.secretOf(isFirstStart),
        algorithm: config.jwtAlg ?? ALGORITHMS[0],
        rotationMs: config.keyRotationSeconds * 1000,
        makeSigner: (key) => createSigner(key, issuer),
      });
    });
    // An operator's settings need not be the server's.
    if (isOurs && config.jwtAlg) await keys.moveTo(config.jwtAlg);
    if (isOurs) await place.noteStart();
    return { store, keys, clock, isUnsure, unlock, lock, close };
  } catch (error) {
    await close();
    throw error instanceof StartError ? error : unusable(place.name, error);
  }
}

function unusable(name: string, error: unknown): StartError {
  const reason = error instanceof DuetError ? error.details.cause : error;
  return new StartError(`${name} cannot be used (${reason})`, { cause: error });
}

export { assertSettled, MOVED } from "./core/moves.ts";
