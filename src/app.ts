import { Elysia } from "elysia";
import { apiRoutes } from "./api/index.ts";
import type { Config } from "./config.ts";
import { createAccount } from "./core/account.ts";
import { createBell } from "./core/bell.ts";
import { createConversations } from "./core/conversations.ts";
import { createEndings } from "./core/endings.ts";
import { DuetError, StartError } from "./core/errors.ts";
import { createEvents } from "./core/events.ts";
import { createHousekeeping } from "./core/housekeeping.ts";
import { newId } from "./core/ids.ts";
import { openKeyRing } from "./core/keys.ts";
import { createIntrospect } from "./core/introspection.ts";
import { createLab } from "./core/lab.ts";
import { LIMITS } from "./core/limits.ts";
import { createLive } from "./core/live.ts";
import type { Log } from "./core/log.ts";
import { createMessages } from "./core/messages.ts";
import { createPasswords, type Argon2Cost } from "./core/passwords.ts";
import { createSearch } from "./core/search.ts";
import { createSessions } from "./core/sessions.ts";
import { createThrottle } from "./core/throttle.ts";
import { createTokens } from "./core/tokens.ts";
import { createUsers } from "./core/users.ts";
import { findFolder, loadSecret, openFolder, type Folder } from "./db/folder.ts";
import type { Db } from "./db/index.ts";
import { checkMigrated, migrate } from "./db/migrate.ts";
import { openSqlite } from "./db/sqlite.ts";
import { serveAssets } from "./http/assets.ts";
import { refuseLargeBodies } from "./http/body.ts";
import { createCookies } from "./http/cookies.ts";
import { refuseCrossOrigin } from "./http/csrf.ts";
import { createHeaders } from "./http/headers.ts";
import { createLog, noteFacts } from "./http/observe.ts";
import { problems, renderProblem } from "./http/problem.ts";
import { createClientAddress } from "./http/proxies.ts";
import { prepareRequest } from "./http/request.ts";
import { startServer } from "./http/server.ts";
import { createSigner } from "./http/signers.ts";
import { createStore } from "./store/index.ts";
import { webPages } from "./web/index.ts";
import { createPageErrors } from "./web/problem.tsx";
import { createMakePage } from "./web/page.ts";
import { createShowThread } from "./web/thread.tsx";

/** For tests of what takes long: what they wait for and what they pay for. */
export type Overrides = { log?: Log; heartbeatMs?: number; argon2Cost?: Argon2Cost | undefined };

export type App = Awaited<ReturnType<typeof createApp>>;

/**
 * The whole application, wired: this is the only file that knows every part. Opens the data folder and holds it
 * until `close`. Throws StartError.
 */
export async function createApp(config: Config, overrides: Overrides = {}) {
  const clock = Date.now;
  const log = overrides.log ?? createLog(config.log, (line) => process.stderr.write(line));
  const { heartbeatMs = LIMITS.streamHeartbeatMs } = overrides;
  const publicUrl = publicUrlOf(config);
  const isHttps = publicUrl.startsWith("https:");
  const data = await openData(config, openFolder(config.data));
  const { db, store, keys } = data;

  const bell = createBell();
  const tokens = createTokens({ keys, clock, issuer: publicUrl, accessTtlSeconds: config.accessTtlSeconds });
  const throttle = createThrottle({ store, clock, enabled: config.rateLimits === "on" });
  const events = createEvents({ store, clock, log });
  const endings = createEndings({ store, events, bell, clock });
  const lab = createLab({ store, tokens, clock, settings: config });
  const observe = lab.observe;
  const sessions = createSessions({ store, tokens, endings, throttle, clock, observe, settings: config });
  const introspect = createIntrospect({ store, tokens, clock, settings: config });
  const passwords = createPasswords({ minChars: config.passwordMin, log, cost: overrides.argon2Cost });
  const registrationOpen = config.registration === "open";
  const users = createUsers({
    store,
    sessions,
    endings,
    events,
    passwords,
    throttle,
    bell,
    clock,
    registrationOpen,
  });
  const conversations = createConversations({ store, throttle, bell, clock });
  const messages = createMessages({ store, conversations, throttle, bell, clock });
  const account = createAccount({ store, sessions, passwords, throttle, clock });
  const search = createSearch({ store });
  const live = createLive({ store, endings, throttle, bell, clock, heartbeatMs });
  const eventRetentionMs = config.eventRetentionSeconds * 1000;
  const housekeeping = createHousekeeping({ store, keys, clock, eventRetentionMs });

  const cookies = createCookies(isHttps);
  const makePage = createMakePage(cookies);
  const viewerOf = (request: Request) => sessions.authenticate(cookies.read(request).accessToken);
  const parts = {
    account,
    lab,
    users,
    sessions,
    endings,
    events,
    conversations,
    messages,
    search,
    live,
    cookies,
    makePage,
    showThread: createShowThread({ conversations, messages, live, makePage }),
    passwordMin: config.passwordMin,
    issuer: publicUrl,
    introspect,
    introspectionSecret: config.introspectionSecret,
  };

  // Hooks reach only what is registered after them, so what concerns every route comes first.
  const root = new Elysia({ name: "duet" });
  root
    .use(problems({ root: () => root, renderPage: createPageErrors(makePage, viewerOf), log }))
    .use(refuseLargeBodies)
    .use(refuseCrossOrigin(publicUrl))
    .use(serveAssets)
    .use(apiRoutes({ ...parts, db, keys }))
    .use(webPages(parts));

  const withHeaders = createHeaders(isHttps);
  const clientAddress = createClientAddress(config.trustedProxies ?? []);

  /** One request to one answer. `peer` is the address at the other end of the connection. */
  async function handle(request: Request, peer = "127.0.0.1"): Promise<Response> {
    const ip = clientAddress(peer, request);
    const facts = { id: newId(Date.now()), ip, receivedAt: performance.now() };
    noteFacts(request, facts);
    let asked = request;
    let response: Response;
    try {
      asked = prepareRequest(request);
      noteFacts(asked, facts);
      response = await root.handle(asked);
    } catch (error) {
      const problem = error instanceof DuetError ? error : new DuetError("internal_error", { cause: error });
      if (problem.status >= 500) log("error", problem.code, { request_id: facts.id, cause: String(error) });
      response = renderProblem(problem, asked);
    }
    const answer = withHeaders(response, facts.id);
    log("debug", "request", {
      request_id: facts.id,
      method: request.method,
      path: URL.parse(asked.url)?.pathname,
      status: answer.status,
      ms: Math.round(performance.now() - facts.receivedAt),
    });
    return answer;
  }

  const tending = setInterval(
    () => housekeeping.tend().catch((cause) => log("error", "untended", { cause: String(cause) })),
    LIMITS.tendMs,
  );

  let server: Bun.Server<undefined> | undefined;

  /** Starts listening; answers the URL. Throws StartError if the port is taken. */
  function listen(): string {
    const unanswered = (cause: unknown) => {
      log("error", "unanswered", { cause: String(cause) });
      return withHeaders(new Response(null, { status: 500 }), newId(Date.now()));
    };
    server = startServer(config, handle, unanswered);
    return config.publicUrl ?? `http://localhost:${server.port}`;
  }

  /** Finishes the requests that are under way, within bounds, then lets go of the folder. */
  async function close(): Promise<void> {
    clearInterval(tending);
    bell.silence();
    if (server) await Promise.race([server.stop(), Bun.sleep(LIMITS.shutdownWaitMs)]);
    await server?.stop(true);
    await data.close();
  }

  return { handle, listen, close, keys, housekeeping, bell, lab, log, routes: root.routes };
}

/**
 * What lies in the data folder, opened: the tables, up to date, and the key ring. Takes over `folder` and lets go
 * of it in `close`, or before it throws.
 */
async function openData(config: Config, folder: Folder) {
  let db: Db | undefined;
  async function close() {
    await db?.close();
    folder.unlock();
  }
  try {
    db = openSqlite(folder.databasePath);
    if (folder.isOurs) await migrate(db);
    else await checkMigrated(db);
    const store = createStore(db);
    const isFirstStart = (await store.keys.list()).length === 0;
    if (isFirstStart && !folder.isOurs)
      throw new StartError("there are no keys yet; start the server once first");
    const keys = await openKeyRing({
      store,
      clock: Date.now,
      secret: loadSecret(config.data, config.secret, isFirstStart),
      algorithm: config.jwtAlg,
      rotationMs: config.keyRotationSeconds * 1000,
      makeSigner: (key) => createSigner(key, publicUrlOf(config)),
    });
    // An operator's settings need not be the server's.
    if (folder.isOurs) await keys.moveTo(config.jwtAlg);
    return { db, store, keys, close };
  } catch (error) {
    await close();
    if (!(error instanceof DuetError)) throw error;
    throw new StartError(`the database in ${config.data} cannot be used (${error.details.cause})`, {
      cause: error,
    });
  }
}

/** For the demo, which keeps nothing. */
export { demoFolder } from "./db/folder.ts";

/** The same beside a server that may be running, for an operator's command. */
export const openDataBeside = (config: Config) => openData(config, findFolder(config.data));

/** A free port is known too late to be part of the issuer's name. */
const publicUrlOf = ({ publicUrl, port }: Config): string =>
  publicUrl ?? `http://localhost${port === 0 ? "" : `:${port}`}`;
