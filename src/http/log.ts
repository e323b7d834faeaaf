import { LIMITS } from "../limits.ts";
import { LOG_LEVELS, type Facts, type Log, type LogLevel } from "../core/log.ts";

const COLOURS = { error: 31, warn: 33, info: 36, debug: 90 } as const;

/**
 * One JSON object per line on standard error; JSON keeps every control character out of the terminal. `isForPeople`: the same
 * facts in a line for a person, who looks at a terminal.
 */
export function createLog(level: LogLevel, write: (line: string) => void, isForPeople = false): Log {
  const threshold = LOG_LEVELS.indexOf(level);
  return (eventLevel, event, facts = {}) => {
    if (LOG_LEVELS.indexOf(eventLevel) > threshold) return;
    const known = typeof facts === "function" ? facts() : facts;
    const time = new Date().toISOString();
    if (isForPeople)
      write(`${time.slice(11, 23)} ${coloured(eventLevel)} ${event} ${inWords(known)}`.trimEnd() + "\n");
    else write(`${JSON.stringify({ time, level: eventLevel, event, ...known })}\n`);
  };
}

/**
 * Writes lines for as long as somebody takes them: what waits is bounded, and lines beyond that are left out and counted
 * in one that comes when there is room again. Nobody waits for a reader that has stopped.
 */
export function createLineWriter(
  stream: { write(text: string, done: () => void): unknown },
  bytesMax = LIMITS.logBytesWaiting,
): (line: string) => void {
  let waiting = 0;
  let left = 0;
  function put(line: string) {
    const bytes = Buffer.byteLength(line);
    waiting += bytes;
    stream.write(line, () => void (waiting -= bytes));
  }
  return (line) => {
    if (waiting >= bytesMax) return void left++;
    if (left > 0) {
      const lines = left;
      left = 0;
      put(
        `${JSON.stringify({ time: new Date().toISOString(), level: "warn", event: "lines_left_out", lines })}\n`,
      );
    }
    put(line);
  };
}

const coloured = (level: keyof typeof COLOURS) => `\x1b[${COLOURS[level]}m${level.padEnd(5)}\x1b[0m`;

const inWords = (facts: Facts) =>
  Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        `${name}=${/^[\w.:/-]+$/.test(String(value)) ? String(value) : JSON.stringify(value)}`,
    )
    .join(" ");
