import { createDeviceOf } from "./connection.ts";
import { createCookies } from "./cookies.ts";
import { createJsonAnswer } from "./headers.ts";
import { createShowingOf } from "./showing.ts";

/** Cookies, `deviceOf`, `showingOf` and `answerJson`, which routes need beside the services of Duet. */
export type Edge = ReturnType<typeof createEdge>;

/** Made from the settings, once for all routes. */
export function createEdge(settings: { issuer: string; trustedProxies: string[] | undefined }) {
  const deviceOf = createDeviceOf(settings.trustedProxies ?? []);
  return {
    cookies: createCookies(settings.issuer),
    deviceOf,
    showingOf: createShowingOf(deviceOf),
    answerJson: createJsonAnswer(settings.issuer.startsWith("https:")),
  };
}
