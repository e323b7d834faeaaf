import { Elysia, t } from "elysia";
import { nameDevice } from "../core/auth/devices.ts";
import type { SecurityEvent } from "../core/auth/security.ts";
import type { Viewer } from "../core/viewer.ts";
import type { Duet } from "../duet.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { limitOf, pageQuery, timeBody } from "./shapes.ts";

/** What has happened to the viewer's account, not to be taken for the event stream, which is live.ts. */
export const securityRoutes = ({ security, ...guard }: Pick<Duet, "security"> & Guard) =>
  new Elysia({ name: "api/security" }).use(bearerViewer(guard)).get(
    "/api/auth/events",
    async ({ viewer, query }) => {
      const { items, next } = await security.list(viewer, { ...query, limit: limitOf(query.limit) });
      return { items: items.map((event) => eventBody(event, viewer)), next };
    },
    { query: t.Object({ ...pageQuery, before: t.Optional(t.String()) }) },
  );

const eventBody = (event: SecurityEvent, viewer: Viewer) => ({
  id: event.id,
  kind: event.kind,
  outcome: event.outcome,
  created_at: timeBody(event.created_at),
  device: nameDevice(event.user_agent),
  ip: event.ip,
  session_id: event.session_id,
  session_kind: event.session_kind,
  session_bound: event.key_thumbprint !== null,
  current: event.session_id === viewer.sessionId,
});
