import { Elysia } from "elysia";
import type { Duet } from "../duet.ts";
import type { Edge } from "../http/edge.ts";
import { challengeRoutes } from "./challenges.ts";
import { conversationRoutes } from "./conversations.ts";
import { deviceRoutes } from "./devices.ts";
import { emailRoutes, forgotRoute } from "./emails.ts";
import { factorRoutes } from "./factors.ts";
import { healthRoutes } from "./health.ts";
import { keyRoutes } from "./keys.ts";
import { liveRoutes } from "./live.ts";
import { messageRoutes } from "./messages.ts";
import { oauthRoutes } from "./oauth.ts";
import { searchRoutes } from "./search.ts";
import { securityRoutes } from "./security.ts";
import { sessionRoutes } from "./sessions.ts";
import { me, registration, resetRoute } from "./users.ts";

/** Everything for programs. */
export const apiRoutes = (parts: Duet & Edge) =>
  new Elysia({ name: "api" })
    .use(healthRoutes(parts))
    .use(keyRoutes(parts))
    .use(registration(parts))
    .use(resetRoute(parts))
    .use(forgotRoute(parts))
    .use(sessionRoutes(parts))
    .use(challengeRoutes(parts))
    .use(factorRoutes(parts))
    .use(emailRoutes(parts))
    .use(deviceRoutes(parts))
    .use(me(parts))
    .use(securityRoutes(parts))
    .use(oauthRoutes(parts))
    .use(conversationRoutes(parts))
    .use(messageRoutes(parts))
    .use(searchRoutes(parts))
    .use(liveRoutes(parts));
