import { createDeviceOf, peerOf, type Incoming } from "./connection.ts";
import { createCors } from "./cors.ts";
import { createCookies } from "./cookies.ts";
import { createJsonAnswer } from "./headers.ts";
import { createToldByProxy } from "./proxies.ts";
import { createShowingOf } from "./showing.ts";

/** Cookies, `deviceOf`, `showingOf`, `answerJson` and the like, which routes need beside the services of Duet. */
export type Edge = ReturnType<typeof createEdge>;

/** Made from the settings, once for all routes. */
export function createEdge(settings: {
  issuer: string;
  trustedProxies: string[] | undefined;
  allowedOrigins: string[] | undefined;
}) {
  const deviceOf = createDeviceOf(settings.trustedProxies ?? []);
  const toldByProxy = createToldByProxy(settings.trustedProxies ?? []);
  return {
    cors: createCors(settings.allowedOrigins ?? []),
    toldByProxy: (incoming: Incoming) => toldByProxy(peerOf(incoming), incoming.request),
    cookies: createCookies(settings.issuer),
    deviceOf,
    showingOf: createShowingOf(deviceOf),
    answerJson: createJsonAnswer(settings.issuer.startsWith("https:")),
  };
}
