import { DuetError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { isPulled, pulledBody } from "./pulled.ts";

type Holding = { network: string; bytes: number; movedAt: number; giveUp: () => void };

/** Something held for one peer. */
export type Held = {
  /** The peer took or sent something; `bytes` are held now, if more than before. Error code: `too_busy`. */
  moved(bytes?: number): void;
  end(): void;
};

/**
 * Bounds the memory that peers hold by being slow: answers that are not read, bodies that are not sent. Counted by bytes,
 * each as one connection's worth at least, for each network and over all. Where there is no room, whoever has not moved
 * for longest gives way, if that is long enough ago to be called stalled. `monotonic` is in milliseconds.
 */
export function createHeld(monotonic: () => number = () => performance.now()) {
  // In the order in which they moved.
  const holdings = new Set<Holding>();
  let allBytes = 0;
  const bytesOf = new Map<string, number>();

  function count(network: string, bytes: number): void {
    allBytes += bytes;
    const left = (bytesOf.get(network) ?? 0) + bytes;
    if (left === 0) bytesOf.delete(network);
    else bytesOf.set(network, left);
  }

  function end(holding: Holding): void {
    if (holdings.delete(holding)) count(holding.network, -holding.bytes);
  }

  function makeRoom(network: string, bytes: number): void {
    const isFull = () => allBytes + bytes > LIMITS.heldBytesMax;
    const isFullOf = () => (bytesOf.get(network) ?? 0) + bytes > LIMITS.heldBytesPerNetworkMax;
    for (const holding of holdings) {
      if (!isFull() && !isFullOf()) return;
      if (monotonic() - holding.movedAt < LIMITS.stalledMs) break;
      if (!isFull() && holding.network !== network) continue;
      end(holding);
      holding.giveUp();
    }
    if (isFull() || isFullOf()) throw new DuetError("too_busy", { retryAfterSeconds: 5 });
  }

  /** Error code: `too_busy`. `giveUp` is called where it has to make room, and then it is over. */
  function hold(network: string, size: number, giveUp: () => void): Held {
    const bytes = Math.max(size, LIMITS.connectionBytes);
    makeRoom(network, bytes);
    const holding: Holding = { network, bytes, movedAt: monotonic(), giveUp };
    count(network, bytes);
    holdings.add(holding);
    return {
      moved(size = 0) {
        const more = Math.max(0, size - holding.bytes);
        if (!holdings.has(holding)) return;
        holding.movedAt = monotonic();
        holdings.delete(holding);
        holdings.add(holding);
        if (more > 0) makeRoom(network, more);
        count(network, more);
        holding.bytes += more;
      },
      end: () => end(holding),
    };
  }

  return {
    hold,

    /**
     * An answer as its reader may have it: what the system takes at once anyway stays as it is, a larger one is sent
     * piece by piece and held until it is read. Error code: `too_busy`.
     */
    async answer(response: Response, network: () => string): Promise<Response> {
      if (!response.body || isPulled(response.body)) return response;
      const bytes = await response.bytes();
      if (bytes.byteLength <= LIMITS.pieceBytes) return new Response(bytes, response);
      const stopping = new AbortController();
      const held = hold(network(), bytes.byteLength, () => stopping.abort());
      let sent = 0;
      const pieces = {
        async next(): Promise<IteratorResult<Uint8Array, void>> {
          held.moved();
          if (sent >= bytes.byteLength) return { value: undefined, done: true };
          return { value: bytes.subarray(sent, (sent += LIMITS.pieceBytes)), done: false };
        },
        return: async () => held.end(),
      };
      return new Response(pulledBody(pieces, stopping.signal), response);
    },
  };
}
