import type { Device } from "./devices.ts";

/** Who does what an operator does, and from where. */
export type Actor = { name: string; device: Device };

/** The machine itself, on which the operator's commands run. */
export const COMMAND_LINE: Actor = { name: "duet", device: { userAgent: "duet", ip: "127.0.0.1" } };
