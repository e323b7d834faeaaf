import type { Device } from "../core/auth/devices.ts";
import { newId } from "../core/ids.ts";
import type { Held } from "./held.ts";
import { languageOf } from "./language.ts";
import { createClientAddress } from "./proxies.ts";

/** Kept beside a request, for those who handle it later. */
type Facts = {
  /** its name */
  id?: string;
  /** the address at the other end of its connection */
  peer?: string | undefined;
  /** counts what is held for its sender */
  hold?: (request: Request, giveUp: () => void) => Held;
  isBodyRead?: true;
};

const FACTS = Symbol("facts");
/** On the request itself: a WeakMap costs the collector more than all else that is done for a small answer. */
type Known = Request & { [FACTS]?: Facts };

/** Says what is known of the connection that brought a request. */
export const noteConnection = (request: Request, known: Pick<Facts, "peer" | "hold">) =>
  void ((request as Known)[FACTS] = known);

/** The same for the request that has replaced another (prepareRequest). */
export function continueAs(next: Request, request: Request): Request {
  if (next !== request) (next as Known)[FACTS] = factsOf(request);
  return next;
}

const factsOf = (request: Known): Facts => (request[FACTS] ??= {});

/** Begins to hold a body for its sender; `giveUp` is called where that takes too long. Error code: `too_busy`. */
export const holdBody = (request: Request, giveUp: () => void): Held | undefined =>
  factsOf(request).hold?.(request, giveUp);

/** Says that a body was read to its end. */
export const noteBodyRead = (request: Request) => void (factsOf(request).isBodyRead = true);

/**
 * Whether a body was announced and not read to its end. The connection must not be used again then: HAProxy 2.6 would
 * give it to the next client, whose request would be taken for the rest of that body.
 */
export function hasUnreadBody(request: Request): boolean {
  const { headers } = request;
  const isAnnounced = Number(headers.get("content-length") ?? 0) > 0 || headers.has("transfer-encoding");
  return isAnnounced && !factsOf(request).isBodyRead;
}

/** The name of a request in answers and in the log, made when it is first asked for. */
export const requestIdOf = (request: Request): string => (factsOf(request).id ??= newId(Date.now()));

/** The trace that a request is part of, if a proxy says so (W3C Trace Context, `traceparent`): to find its lines by. */
export const traceIdOf = (request: Request): string | undefined =>
  /^[\da-f]{2}-(?!0{32})([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/.exec(
    request.headers.get("traceparent") ?? "",
  )?.[1];

/** As much of Elysia's context as says where a request came from. */
export type Incoming = {
  request: Request;
  server: { requestIP(request: Request): { address: string } | null } | null;
};

/** The address at the other end of the connection. */
export const peerOf = ({ request, server }: Incoming): string =>
  factsOf(request).peer ?? server?.requestIP(request)?.address ?? "127.0.0.1";

/**
 * Where a request came from, worked out when somebody asks. Behind another program's Elysia, which notes no peer, its
 * server knows the address.
 */
export function createDeviceOf(trustedProxies: string[]): (incoming: Incoming) => Device {
  const clientAddress = createClientAddress(trustedProxies);
  return (incoming) => {
    const { request } = incoming;
    const peer = peerOf(incoming);
    return {
      userAgent: request.headers.get("user-agent") ?? "",
      ip: clientAddress(peer, request),
      // Worked out when a letter may be written.
      get language() {
        return languageOf(request);
      },
    };
  };
}
