import { LOG_LEVELS, type Log, type LogLevel } from "../core/log.ts";

/** What is known of a request beside itself. */
export type Facts = { id: string; ip: string; receivedAt: number };

const known = new WeakMap<Request, Facts>();

export const noteFacts = (request: Request, facts: Facts) => known.set(request, facts);

export const factsOf = (request: Request): Facts => {
  const facts = known.get(request);
  if (!facts) throw new Error("a request that did not come through handle()");
  return facts;
};

/** The device a session is started from, for its row. */
export const deviceOf = (request: Request) => ({
  userAgent: request.headers.get("user-agent") ?? "",
  ip: factsOf(request).ip,
});

/** One JSON object per line on standard error; JSON keeps every control character out of the terminal. */
export function createLog(level: LogLevel, write: (line: string) => void): Log {
  const threshold = LOG_LEVELS.indexOf(level);
  return (eventLevel, event, facts = {}) => {
    if (LOG_LEVELS.indexOf(eventLevel) > threshold) return;
    write(`${JSON.stringify({ time: new Date().toISOString(), level: eventLevel, event, ...facts })}\n`);
  };
}
