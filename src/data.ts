import type { Config } from "./config.ts";
import { ALGORITHMS, openKeyRing, type KeyRing } from "./core/auth/keys.ts";
import { continueAfter } from "./core/ids.ts";
import { findFolder, loadSecret, openFolder, type Folder } from "./db/folder.ts";
import type { Db } from "./db/index.ts";
import { checkMigrated, migrate } from "./db/migrate.ts";
import { openSqlite } from "./db/sqlite.ts";
import { DuetError, StartError } from "./errors.ts";
import { createSigner } from "./http/signers.ts";
import { createStore, type Store } from "./store/index.ts";

/** What lies in the data folder, opened: the tables, up to date, and the key ring. */
export type Data = Pick<Folder, "databasePath" | "isUnsure"> & {
  store: Store;
  keys: KeyRing;
  close(): Promise<void>;
};

/** For the server, which holds the folder until `close`. Throws StartError. */
export const openData = (config: Config, issuer: string): Promise<Data> =>
  open(config, issuer, openFolder(config.data));

/** For an operator's command, beside a server that may be running: makes nothing, migrates nothing. Throws StartError. */
export const openDataBeside = (config: Config, issuer: string): Promise<Data> =>
  open(config, issuer, findFolder(config.data));

/** Takes over `folder` and lets go of it in `close`, or before it throws. */
async function open(config: Config, issuer: string, folder: Folder): Promise<Data> {
  let db: Db | undefined;
  async function close() {
    await db?.close();
    folder.unlock();
  }
  try {
    db = openSqlite(folder.databasePath, folder.lockPath ? [folder.lockPath] : []);
    if (folder.isOurs) await migrate(db);
    else await checkMigrated(db);
    const store = createStore(db);
    continueAfter(await store.newestId());
    const isFirstStart = (await store.keys.list()).length === 0;
    if (isFirstStart && !folder.isOurs)
      throw new StartError("there are no keys yet; start the server once first");
    const keys = await openKeyRing({
      store,
      clock: Date.now,
      secret: loadSecret(config.data, config.secret, isFirstStart),
      algorithm: config.jwtAlg ?? ALGORITHMS[0],
      rotationMs: config.keyRotationSeconds * 1000,
      makeSigner: (key) => createSigner(key, issuer),
    });
    // An operator's settings need not be the server's.
    if (folder.isOurs && config.jwtAlg) await keys.moveTo(config.jwtAlg);
    return { databasePath: folder.databasePath, isUnsure: folder.isUnsure, store, keys, close };
  } catch (error) {
    await close();
    if (error instanceof StartError) throw error;
    const reason = error instanceof DuetError ? error.details.cause : error;
    throw new StartError(`the database in ${config.data} cannot be used (${reason})`, { cause: error });
  }
}
