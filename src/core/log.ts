/** From nothing to everything. */
export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export type Facts = Record<string, unknown>;

/** One event with its facts, made by a function where most are not written. Never a password, a token or a cookie. */
export type Log = (level: Exclude<LogLevel, "silent">, event: string, facts?: Facts | (() => Facts)) => void;
