/** From nothing to everything. */
export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** One event with its facts. Never a password, a token or a cookie. */
export type Log = (
  level: Exclude<LogLevel, "silent">,
  event: string,
  facts?: Record<string, unknown>,
) => void;
