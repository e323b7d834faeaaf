import { version } from "../../package.json";
import { LIMITS } from "../limits.ts";
import type { Log } from "../core/log.ts";
import { requestIdOf } from "./connection.ts";

/** W3C Trace Context: what a caller says of its trace; of one that is not sampled nothing is told. */
const PARENT = /^[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})/;

const SERVER_KIND = 2;
const ERROR_STATUS = 2;

type Told = { method: string; route: string; status: number; startedAt: number; tookMs: number };

export type Traces = ReturnType<typeof createTraces>;

/**
 * A span for each request, to a collector that speaks OTLP over HTTP in JSON (OpenTelemetry protocol 1.x), some seconds later and many
 * at a time, never on a request's path. Names and attributes are the semantic conventions' for HTTP servers: the route's
 * pattern, never a path, a query or a body. What a collector does not take is dropped, beyond a bound at once.
 */
export function createTraces({ url, log }: { url: string; log: Log }) {
  let spans: object[] = [];
  let dropped = 0;
  let sending: Promise<void> | undefined;

  function note(request: Request, { method, route, status, startedAt, tookMs }: Told): void {
    const [, traceId, parentSpanId, flags] = PARENT.exec(request.headers.get("traceparent") ?? "") ?? [];
    if (flags !== undefined && (Number.parseInt(flags, 16) & 1) === 0) return;
    if (spans.length >= LIMITS.spansWaiting) return void dropped++;
    const nano = (ms: number) => `${BigInt(Math.round(ms * 1000)) * 1000n}`;
    spans.push({
      traceId: traceId ?? hex(16),
      spanId: hex(8),
      ...(parentSpanId && { parentSpanId }),
      name: `${method} ${route}`,
      kind: SERVER_KIND,
      startTimeUnixNano: nano(startedAt),
      endTimeUnixNano: nano(startedAt + tookMs),
      attributes: [
        text("http.request.method", method),
        text("http.route", route),
        { key: "http.response.status_code", value: { intValue: String(status) } },
        text("duet.request_id", requestIdOf(request)),
      ],
      ...(status >= 500 && { status: { code: ERROR_STATUS } }),
    });
  }

  async function send(): Promise<void> {
    if (spans.length === 0) return;
    const batch = spans;
    spans = [];
    const body = {
      resourceSpans: [
        {
          resource: { attributes: [text("service.name", "duet"), text("service.version", version)] },
          scopeSpans: [{ scope: { name: "duet", version }, spans: batch }],
        },
      ],
    };
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(LIMITS.spansSendMs),
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
    } catch (cause) {
      log("warn", "traces_dropped", { spans: batch.length + dropped, cause: String(cause) });
      dropped = 0;
    }
  }

  const sendOnce = () => (sending ??= send().finally(() => (sending = undefined)));
  const timer = setInterval(sendOnce, LIMITS.spansSendMs);
  return {
    note,
    /** Sends what is left. */
    async stop(): Promise<void> {
      clearInterval(timer);
      await sending;
      await send();
    },
  };
}

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

const hex = (bytes: number): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
