import { Elysia } from "elysia";
import { conversationRoutes } from "./conversations.ts";
import { eventRoutes } from "./events.ts";
import { healthRoutes } from "./health.ts";
import { keyRoutes } from "./keys.ts";
import { liveRoutes } from "./live.ts";
import { messageRoutes } from "./messages.ts";
import { oauthRoutes } from "./oauth.ts";
import { searchRoutes } from "./search.ts";
import { deviceRoutes, sessionRoutes } from "./sessions.ts";
import { me, registration } from "./users.ts";

type Parts = Parameters<typeof healthRoutes>[0] &
  Parameters<typeof keyRoutes>[0] &
  Parameters<typeof registration>[0] &
  Parameters<typeof sessionRoutes>[0] &
  Parameters<typeof me>[0] &
  Parameters<typeof eventRoutes>[0] &
  Parameters<typeof oauthRoutes>[0] &
  Parameters<typeof conversationRoutes>[0] &
  Parameters<typeof messageRoutes>[0] &
  Parameters<typeof searchRoutes>[0] &
  Parameters<typeof liveRoutes>[0];

/** Everything for programs. */
export const apiRoutes = (parts: Parts) =>
  new Elysia({ name: "api" })
    .use(healthRoutes(parts))
    .use(keyRoutes(parts))
    .use(registration(parts))
    .use(sessionRoutes(parts))
    .use(deviceRoutes(parts))
    .use(me(parts))
    .use(eventRoutes(parts))
    .use(oauthRoutes(parts))
    .use(conversationRoutes(parts))
    .use(messageRoutes(parts))
    .use(searchRoutes(parts))
    .use(liveRoutes(parts));
