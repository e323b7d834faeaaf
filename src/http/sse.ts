import type { LiveEvent } from "../core/chat/live.ts";
import type { Language } from "../locales/index.ts";
import { endBody } from "./problem.ts";
import { pulledBody } from "./pulled.ts";

/** One server-sent event (WHATWG HTML section 9.2). Each has a name and data: some readers take one without for a message. */
export type SseEvent = { event: string; id?: string; data: unknown };

/** The events of a stream that are the same for programs and for pages: where it is, and how it ends. */
export function streamEvent(event: StreamEvent, language?: Language): SseEvent {
  switch (event.kind) {
    case "token_expired":
      return { event: event.kind, data: {} };
    case "session_ended":
      return { event: event.kind, data: endBody(event.end, language) };
    default:
      return { event: event.kind, id: event.id, data: {} };
  }
}

type StreamEvent = Extract<
  LiveEvent,
  { kind: "ready" | "reset" | "heartbeat" | "token_expired" | "session_ended" }
>;

type Source<T> = { next(): Promise<IteratorResult<T, void>>; return(): Promise<void> };

/**
 * An event stream for an answer. Data travels as JSON, in which no line break stands for itself, so that nothing a
 * person wrote can begin another field or event.
 */
export function eventStream<T>(source: Source<T>, toEvent: (item: T) => SseEvent): Response {
  const body = pulledBody({
    async next() {
      const { value, done } = await source.next();
      return done ? { value: undefined, done } : { value: encode(toEvent(value)), done: false };
    },
    return: source.return,
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" },
  });
}

function encode({ event, id, data }: SseEvent): string {
  const place = id === undefined ? "" : `id: ${id}\n`;
  return `event: ${event}\n${place}data: ${JSON.stringify(data)}\n\n`;
}
