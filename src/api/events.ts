import { Elysia, t } from "elysia";
import { nameDevice } from "../core/devices.ts";
import type { Events, SecurityEvent } from "../core/events.ts";
import type { Sessions, Viewer } from "../core/sessions.ts";
import { bearerViewer } from "../http/auth.ts";
import { limitOf, pageQuery, timeBody } from "./shapes.ts";

/** What has happened to the viewer's account. */
export const eventRoutes = ({ events, sessions }: { events: Events; sessions: Sessions }) =>
  new Elysia({ name: "api/events" }).use(bearerViewer(sessions)).get(
    "/api/auth/events",
    async ({ viewer, query }) => {
      const { items, next } = await events.list(viewer, { ...query, limit: limitOf(query.limit) });
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
  current: event.session_id === viewer.sessionId,
});
