import { createDeviceOf } from "./connection.ts";
import { createCookies } from "./cookies.ts";
import { createJsonAnswer } from "./headers.ts";

/** Cookies, `deviceOf` and `answerJson`, which routes need beside the services of Duet. */
export type Edge = ReturnType<typeof createEdge>;

/** Made from the settings, once for all routes. */
export const createEdge = (settings: { issuer: string; trustedProxies: string[] | undefined }) => ({
  cookies: createCookies(settings.issuer),
  deviceOf: createDeviceOf(settings.trustedProxies ?? []),
  answerJson: createJsonAnswer(settings.issuer.startsWith("https:")),
});
