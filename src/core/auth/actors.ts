import type { Device } from "./devices.ts";

/** Who does what an operator does, and from where; without an id it is the command line. */
export type Actor = { name: string; userId?: string; device: Device };

/** No username has a space. */
export const COMMAND_LINE_NAME = "command line";

/** The machine itself, on which the operator's commands run. */
export const COMMAND_LINE: Actor = {
  name: COMMAND_LINE_NAME,
  device: { userAgent: "duet", ip: "127.0.0.1" },
};
