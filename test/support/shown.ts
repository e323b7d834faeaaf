import type { Device } from "../../src/core/auth/devices.ts";
import type { Showing } from "../../src/core/auth/proofs.ts";

/** How a test shows a token without HTTP: as whoever has no key. */
export const shownFrom = (device: Device): Showing => ({
  scheme: "Bearer",
  proof: null,
  deviceProof: null,
  method: "GET",
  path: "/",
  device: () => device,
});
