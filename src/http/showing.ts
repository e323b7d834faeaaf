import type { Device } from "../core/auth/devices.ts";
import type { Showing } from "../core/auth/proofs.ts";
import type { Incoming } from "./connection.ts";

/** How a token is shown with a request: everything that its session's row may ask for. */
export const createShowingOf =
  (deviceOf: (incoming: Incoming) => Device) =>
  (incoming: Incoming, scheme: Showing["scheme"] = "body"): Showing => {
    const { request } = incoming;
    return {
      scheme,
      proof: request.headers.get("dpop"),
      deviceProof: request.headers.get("secure-session-response")?.replaceAll('"', "") ?? null,
      method: request.method,
      get path() {
        return new URL(request.url, "http://localhost").pathname;
      },
      device: () => deviceOf(incoming),
    };
  };
