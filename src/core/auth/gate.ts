import { DuetError } from "../../errors.ts";

/** Whose work it is, and how many places it takes (1, and never more than there are). Of one `key` only one works at a time. */
export type Turn = { network: string; key: string; weight?: number };

type Waiting = Turn & { begin: () => void; refuse: () => void };

/**
 * Lets tasks of at most `limit` places work at a time and `queueMax` wait, and is fair by network: whose turn is longest ago comes
 * next, and where all places are taken the network with the most of them gives one up to any with fewer, so that
 * none ever has more than its share while others come. Error code: `too_busy`.
 */
export function createGate({ limit, queueMax }: { limit: number; queueMax: number }) {
  let working = 0;
  const busy = new Set<string>();
  const waiting: Waiting[] = [];
  /** When each network that waits had its last turn, as a count of turns. */
  const lastTurn = new Map<string, number>();
  let turns = 0;

  const placesOf = ({ weight = 1 }: Turn) => Math.min(weight, limit);
  const countOf = (network: string) => waiting.filter((each) => each.network === network).length;

  /** Begins whatever may: the first of the network whose turn is longest ago. */
  function admit() {
    while (working < limit) {
      const ready = waiting.filter(({ key }) => !busy.has(key));
      if (ready.length === 0) return;
      const since = ({ network }: Turn) => lastTurn.get(network) ?? 0;
      const next = ready.reduce((first, each) => (since(each) < since(first) ? each : first));
      // One that takes more waits for them; nobody goes past it meanwhile, or it would wait for ever.
      if (working + placesOf(next) > limit) return;
      waiting.splice(waiting.indexOf(next), 1);
      if (countOf(next.network) > 0) lastTurn.set(next.network, ++turns);
      else lastTurn.delete(next.network);
      busy.add(next.key);
      working += placesOf(next);
      next.begin();
    }
  }

  /** A place in the queue for a network, if need be that of the last one of a network with more. */
  function makeRoom(network: string): boolean {
    if (waiting.length < queueMax) return true;
    const most = waiting.reduce((a, b) => (countOf(b.network) > countOf(a.network) ? b : a)).network;
    if (countOf(most) <= countOf(network) + 1) return false;
    const [last] = waiting.splice(
      waiting.findLastIndex((each) => each.network === most),
      1,
    );
    last!.refuse();
    return true;
  }

  return async <T>(turn: Turn, task: () => Promise<T>): Promise<T> => {
    const { network, key } = turn;
    const tooBusy = () => new DuetError("too_busy", { retryAfterSeconds: 2 });
    if (!makeRoom(network)) throw tooBusy();
    await new Promise<void>((begin, reject) => {
      waiting.push({ ...turn, begin, refuse: () => reject(tooBusy()) });
      admit();
    });
    try {
      return await task();
    } finally {
      working -= placesOf(turn);
      busy.delete(key);
      admit();
    }
  };
}
