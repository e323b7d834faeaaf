import type { SessionObserver } from "../core/auth/observer.ts";
import type { Log } from "../core/log.ts";
import { createMetrics, type Metrics } from "../core/metrics.ts";

/** Seconds. */
const DURATIONS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];
const DELAY_EVERY_MS = 250;

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const ID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/gi;

/** What a server says of itself to whoever watches it. */
export type ServerMetrics = ReturnType<typeof createServerMetrics>;

export function createServerMetrics() {
  const metrics = createMetrics();
  const requests = metrics.counter("duet_requests_total", "Requests by route and status.");
  const seconds = metrics.histogram("duet_request_seconds", "How long answers took, by route.", DURATIONS);
  const refreshes = metrics.counter(
    "duet_refreshes_total",
    "Refresh tokens that were shown, by the row of the rule that decided.",
  );
  const uses = metrics.counter("duet_first_uses_total", "Pairs that were used for the first time.");
  const events = metrics.counter(
    "duet_events_total",
    "What the log tells, by event and outcome: sign-ins, reuse, limits, failures.",
  );
  let routes = new Map<string, string>();
  const counters = new Map<string, (tookMs: number) => void>();

  /** What counts an answer of one route, made once. */
  function counterFor(method: string, route: string, status: number): (tookMs: number) => void {
    const key = `${method} ${route} ${status}`;
    let count = counters.get(key);
    if (!count) {
      const cell = requests.of({ method, route, status: String(status) });
      const took = seconds({ route });
      counters.set(
        key,
        (count = (tookMs) => {
          cell.n++;
          took(tookMs / 1000);
        }),
      );
    }
    return count;
  }

  /** The pattern that a path belongs to, so that there are as many as routes. */
  function routeOf(path: string): string {
    const shape = path.replaceAll(ID, ":");
    return routes.get(shape) ?? routes.get(shape.replace(/[^/]+$/, ":")) ?? "none";
  }

  return {
    metrics,

    /** Which routes there are. */
    name(all: { path: string }[]): void {
      routes = new Map(all.map(({ path }) => [path.replaceAll(/:\w+/g, ":"), path]));
    },

    count(method: string, path: string, status: number, tookMs: number): void {
      counterFor(METHODS.has(method) ? method : "other", routeOf(path), status)(tookMs);
    },

    counterFor,
    routeOf,

    /** The same log, with what is told counted, whatever its level. */
    hearing:
      (log: Log): Log =>
      (level, event, facts) => {
        if (event !== "request") {
          const outcome = typeof facts === "object" ? facts["outcome"] : undefined;
          events.add({ event, ...(typeof outcome === "string" && { outcome }) });
        }
        log(level, event, facts);
      },

    observe: ((event) => {
      if (event.kind === "used") uses.add();
      else refreshes.add({ decision: event.decision });
    }) satisfies SessionObserver,
  };
}

/** What is measured of the process itself, and how late its event loop is. Answers how to stop that. */
export function measureProcess({ gauge }: Metrics): () => void {
  let latestMs = 0;
  let worstMs = 0;
  let due = performance.now() + DELAY_EVERY_MS;
  const timer = setInterval(() => {
    latestMs = Math.max(0, performance.now() - due);
    worstMs = Math.max(worstMs, latestMs);
    due = performance.now() + DELAY_EVERY_MS;
  }, DELAY_EVERY_MS);
  timer.unref();
  gauge(
    "duet_event_loop_delay_seconds",
    "The longest that the event loop was late since this was last asked for.",
    () => {
      const worst = Math.max(worstMs, performance.now() - due);
      worstMs = 0;
      return worst / 1000;
    },
  );
  gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  gauge(
    "process_cpu_seconds_total",
    "Processor time.",
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    "counter",
  );
  gauge("process_start_time_seconds", "When it started, since 1970.", () => performance.timeOrigin / 1000);
  return () => clearInterval(timer);
}
