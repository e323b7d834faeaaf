import type { Device } from "../core/auth/devices.ts";
import { newId } from "../core/ids.ts";
import { createClientAddress } from "./proxies.ts";

/** Kept beside a request: its name, and the address at the other end of its connection. */
type Facts = { id?: string; peer?: string | undefined };

const facts = new WeakMap<Request, Facts>();

/** Says who is at the other end of the connection that brought a request. */
export const notePeer = (request: Request, peer: string | undefined) =>
  facts.set(request, { ...facts.get(request), peer });

/** The same for the request that has replaced another (prepareRequest). */
export function continueAs(next: Request, request: Request): Request {
  if (next !== request) facts.set(next, factsOf(request));
  return next;
}

function factsOf(request: Request): Facts {
  const known = facts.get(request) ?? {};
  facts.set(request, known);
  return known;
}

/** The name of a request in answers and in the log, made when it is first asked for. */
export const requestIdOf = (request: Request): string => (factsOf(request).id ??= newId(Date.now()));

/** As much of Elysia's context as says where a request came from. */
type Incoming = {
  request: Request;
  server: { requestIP(request: Request): { address: string } | null } | null;
};

/**
 * Where a request came from, worked out when somebody asks. Behind another program's Elysia, which notes no peer, its
 * server knows the address.
 */
export function createDeviceOf(trustedProxies: string[]): (incoming: Incoming) => Device {
  const clientAddress = createClientAddress(trustedProxies);
  return ({ request, server }) => {
    const peer = factsOf(request).peer ?? server?.requestIP(request)?.address ?? "127.0.0.1";
    return { userAgent: request.headers.get("user-agent") ?? "", ip: clientAddress(peer, request) };
  };
}
