import { isIP } from "node:net";
import { networks, plain } from "../core/addresses.ts";

/**
 * The address of whoever is calling: the peer's, unless the peer is a proxy that the operator trusts. Then it is the
 * last one in `X-Forwarded-For` that is no trusted proxy; what stands before it anybody can have written. No other
 * header is believed.
 */
export function createClientAddress(trusted: string[]): (peer: string, request: Request) => string {
  if (trusted.length === 0) return plain;
  const proxies = networks(trusted);
  return (peer: string, request: Request): string => {
    let address = plain(peer);
    const forwarded = (request.headers.get("x-forwarded-for") ?? "").split(",").slice(-20);
    while (proxies.include(address) && forwarded.length > 0) {
      const previous = plain(withoutPort(forwarded.pop()!.trim()));
      // A proxy that names no address names nobody: the proxy itself is counted.
      if (!isIP(previous)) break;
      address = previous;
    }
    return address;
  };
}

/** Some proxies write `192.0.2.1:4001` or `[2001:db8::1]:4001`. */
const withoutPort = (text: string) =>
  /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;

/** What a trusted proxy tells of the request that it asks about (`X-Forwarded-Method`, `-Uri`); null from anybody else. */
export function createToldByProxy(trusted: string[]) {
  const proxies = networks(trusted);
  return (peer: string, request: Request): { method: string | undefined; uri: string | undefined } | null => {
    if (trusted.length === 0 || !proxies.include(plain(peer))) return null;
    const of = (name: string) => request.headers.get(name) ?? undefined;
    return { method: of("x-forwarded-method"), uri: of("x-forwarded-uri") };
  };
}
