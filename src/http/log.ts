import { LOG_LEVELS, type Log, type LogLevel } from "../core/log.ts";

/** One JSON object per line on standard error; JSON keeps every control character out of the terminal. */
export function createLog(level: LogLevel, write: (line: string) => void): Log {
  const threshold = LOG_LEVELS.indexOf(level);
  return (eventLevel, event, facts = {}) => {
    if (LOG_LEVELS.indexOf(eventLevel) > threshold) return;
    const known = typeof facts === "function" ? facts() : facts;
    write(`${JSON.stringify({ time: new Date().toISOString(), level: eventLevel, event, ...known })}\n`);
  };
}
