import { Elysia } from "elysia";
import { apiRoutes } from "./api/index.ts";
import { metricsRoutes } from "./api/metrics.ts";
import { openapiRoutes } from "./api/openapi.ts";
import { ME, meAtOnce } from "./api/users.ts";
import { issuerOf, type Config } from "./config.ts";
import { newId } from "./core/ids.ts";
import { networkOf } from "./core/addresses.ts";
import type { Log } from "./core/log.ts";
import { createMetrics } from "./core/metrics.ts";
import { openData } from "./data.ts";
import { createDuet, type Duet, type Tuning } from "./duet.ts";
import { DuetError } from "./errors.ts";
import { serveAssets } from "./http/assets.ts";
import { refuseLargeBodies } from "./http/body.ts";
import { continueAs, hasUnreadBody, noteConnection, requestIdOf, traceIdOf } from "./http/connection.ts";
import { refuseCrossOrigin } from "./http/csrf.ts";
import { createEdge } from "./http/edge.ts";
import { createHeld } from "./http/held.ts";
import { createHeaders, isComplete } from "./http/headers.ts";
import { createHints } from "./http/hints.ts";
import { createLineWriter, createLog } from "./http/log.ts";
import { createServerMetrics, measureProcess } from "./http/metrics.ts";
import { createOnce } from "./http/once.ts";
import { problems, renderProblem } from "./http/problem.ts";
import { prepareRequest } from "./http/request.ts";
import { startServer, type Server } from "./http/server.ts";
import { createTraces, type Traces } from "./http/traces.ts";
import { LIMITS } from "./limits.ts";
import { createPost } from "./mail/smtp.ts";
import { webPages } from "./web/index.ts";
import { writeLetter } from "./web/letter.view.tsx";
import { createPageErrors } from "./web/problem.tsx";
import { createWeb } from "./web/page.ts";

export type App = Awaited<ReturnType<typeof createApp>>;

/**
 * Every route of Duet with what stands before it, as an Elysia plugin: for `createApp` below, or for a program of your
 * own that mounts them. Not in it: the response headers (http/headers.ts), the check of Host (http/request.ts), the bound
 * on what slow peers hold (http/held.ts), and that a form which is submitted twice is done once (http/once.ts).
 */
export function createRoutes(duet: Duet, edge = createEdge(duet.settings), metrics = createMetrics()) {
  const web = createWeb(duet, edge);
  const root = new Elysia({ name: "duet" });
  // Hooks reach only what is registered after them, so what concerns every route comes first.
  return root
    .use(
      problems({
        root: () => root,
        renderPage: createPageErrors(web),
        deviceOf: edge.deviceOf,
        log: duet.log,
      }),
    )
    .use(refuseLargeBodies)
    .use(refuseCrossOrigin(duet.settings.issuer, edge.cors.isAllowed))
    .use(serveAssets)
    .use(metricsRoutes({ metrics, token: duet.settings.metricsToken }))
    .use(openapiRoutes({ root: () => root, issuer: duet.settings.issuer }))
    .use(apiRoutes({ ...duet, ...edge }))
    .use(webPages({ ...web, metrics, root: () => root }));
}

/**
 * The server: the data folder, opened and held until `close`, the services on it, and HTTP around them. Throws
 * StartError.
 */
export async function createApp(config: Config, { log: given, ...tuning }: Tuning & { log?: Log } = {}) {
  const measured = createServerMetrics();
  const log = measured.hearing(
    given ?? createLog(config.log, createLineWriter(process.stderr), process.stderr.isTTY),
  );
  const issuer = issuerOf(config);
  const data = await openData(config, issuer, tuning.clock);
  const settings = { ...config, issuer };
  const duet = createDuet({ ...data, settings, log }, { observe: measured.observe, ...tuning });
  const edge = createEdge(duet.settings);
  const { metrics } = measured;
  const routes = createRoutes(duet, edge, metrics);
  measured.name(routes.routes);
  const stopMeasuring = measureProcess(metrics);
  metrics.gauge("duet_streams", "Event streams that are open.", () => duet.notifier.size());
  metrics.gauge("duet_commits_total", "Transactions that were committed.", data.store.commits, "counter");
  metrics.gauge(
    "duet_key_age_seconds",
    "How long the present key has signed.",
    () => (data.clock() - (duet.keys.active().activatedAt ?? data.clock())) / 1000,
  );
  const once = createOnce(duet.forms, edge.cookies.accessToken);
  const hint = createHints({ issuer, trustsProxies: (config.trustedProxies ?? []).length > 0, log });
  const held = createHeld(tuning.monotonic);
  const networkBehind = (request: Request) => networkOf(edge.deviceOf({ request, server: null }).ip);
  const hold = (request: Request, giveUp: () => void) => held.hold(networkBehind(request), 0, giveUp);
  const traces = config.tracesUrl ? createTraces({ url: config.tracesUrl, log }) : undefined;
  const withHeaders = createHeaders(issuer.startsWith("https:"));

  const answerAtOnce = meAtOnce({ ...duet, ...edge });
  const countMe = measured.counterFor("GET", ME, 200);

  /** One request to one answer. `peerOf` says which address is at the other end of the connection. */
  function handle(request: Request, peerOf?: () => string | undefined): Response | Promise<Response> {
    const receivedAt = performance.now();
    // What a script of another origin may read has more headers.
    const answer = isLeaving || edge.cors.isAllowed(request) ? undefined : answerAtOnce(request);
    if (!answer) return handleFully(request, peerOf?.(), receivedAt);
    countMe(performance.now() - receivedAt);
    if (traces) trace(traces, request, answer.status, receivedAt);
    log("debug", "request", () => factsOf(request, answer, 0));
    return answer;
  }

  async function handleFully(
    request: Request,
    peer: string | undefined,
    receivedAt: number,
  ): Promise<Response> {
    noteConnection(request, { peer, hold });
    hint(request);
    let asked = request;
    let response: Response;
    try {
      asked = continueAs(prepareRequest(request), request);
      const whole =
        edge.cors.preflight(asked) ?? (await once(asked, (form) => routes.handle(continueAs(form, request))));
      // Bun sends no body to HEAD.
      const isDone = isComplete(whole) || request.method === "HEAD";
      response = isDone ? whole : await held.answer(whole, () => networkBehind(request));
    } catch (error) {
      const problem = error instanceof DuetError ? error : new DuetError("internal_error", { cause: error });
      if (problem.status >= 500)
        log("error", problem.code, { request_id: requestIdOf(request), cause: String(error) });
      response = renderProblem(problem, asked);
    }
    const answer = edge.cors.open(
      withHeaders(response, () => requestIdOf(request)),
      asked,
    );
    if (isLeaving || hasUnreadBody(request)) answer.headers.set("connection", "close");
    const path = URL.parse(request.url, "http://localhost")?.pathname ?? "";
    measured.count(request.method, path, answer.status, performance.now() - receivedAt);
    if (traces) trace(traces, request, answer.status, receivedAt);
    log("debug", "request", () => factsOf(request, answer, performance.now() - receivedAt));
    return answer;
  }

  function trace(to: Traces, request: Request, status: number, receivedAt: number): void {
    const path = URL.parse(request.url, "http://localhost")?.pathname ?? "";
    const tookMs = performance.now() - receivedAt;
    const { method } = request;
    to.note(request, {
      method,
      route: measured.routeOf(path),
      status,
      startedAt: Date.now() - tookMs,
      tookMs,
    });
  }

  /** For what `handle` itself could not answer. */
  function unanswered(cause: unknown): Response {
    log("error", "unanswered", { cause: String(cause) });
    return withHeaders(new Response(null, { status: 500 }), () => newId(Date.now()));
  }

  const stopTending = duet.housekeeping.start();
  const { smtpUrl: url, mailFrom: from = "" } = config;
  const post = url && createPost({ url, from, write: (letter) => writeLetter(letter, issuer) });
  const stopLetters = post ? duet.startLetters(post) : async () => {};
  let server: Server | undefined;
  /** A new server has taken over: each connection is answered for the last time. */
  let isLeaving = false;

  /** Starts listening; answers where. Throws StartError if the port is taken by whoever does not share it. */
  function listen(isShared = false): string {
    server = startServer({ ...config, isShared }, handle, unanswered);
    const host = config.host === "127.0.0.1" ? "localhost" : config.host;
    return `http://${host.includes(":") ? `[${host}]` : host}:${server.port}`;
  }

  /** For a server that another one has taken over from: does nothing by itself any more, and ends the streams. */
  async function leave(): Promise<void> {
    isLeaving = true;
    await stopTending();
    await withinBounds(stopLetters());
    duet.notifier.close();
  }

  /** While another server writes to the same folder: the streams here hear of it, until the function it answers is called. */
  function watchOthers(): () => void {
    data.store.onTouched((what) => {
      if (what === "all") duet.notifier.notifyAll();
    });
    const timer = setInterval(data.store.isCurrent, LIMITS.othersLookMs);
    return () => clearInterval(timer);
  }

  /** Finishes the requests that are under way, within bounds, then lets go of the folder. */
  async function close(): Promise<void> {
    stopMeasuring();
    await stopTending();
    await withinBounds(stopLetters());
    duet.notifier.close();
    if (server) await withinBounds(server.stop());
    await server?.stop(true);
    await traces?.stop();
    await data.close();
  }

  const { isUnsure, lock, unlock } = data;
  return {
    duet,
    metrics,
    publicUrl: config.publicUrl,
    isUnsure,
    handle,
    listen,
    leave,
    lock,
    unlock,
    watchOthers,
    close,
    routes: routes.routes,
  };
}

/** Of what may hang: a peer, a mail server. */
const withinBounds = (work: Promise<unknown>) => Promise.race([work, Bun.sleep(LIMITS.shutdownWaitMs)]);

/** What is said of a request in the log. */
const factsOf = (request: Request, answer: Response, ms: number) => ({
  request_id: requestIdOf(request),
  trace_id: traceIdOf(request),
  method: request.method,
  path: URL.parse(request.url, "http://localhost")?.pathname,
  status: answer.status,
  ms: Math.round(ms),
});
