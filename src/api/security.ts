import { Elysia, t, type Static } from "elysia";
import { nameDevice } from "../core/auth/devices.ts";
import {
  SECURITY_EVENT_KINDS,
  whereOf,
  type SecurityEvent,
  type SecurityEventKind,
} from "../core/auth/security.ts";
import type { Viewer } from "../core/viewer.ts";
import type { Duet } from "../duet.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { about, named, says } from "../http/reference.ts";
import { Id, limitOf, orNull, Page, pageQuery, SessionKinds, Time, timeBody } from "./shapes.ts";

/** What has happened to the viewer's account, not to be taken for the event stream, which is live.ts. */
export const securityRoutes = ({ security, ...guard }: Pick<Duet, "security"> & Guard) =>
  new Elysia({ name: "api/security", ...about("account", "token") }).use(bearerViewer(guard)).get(
    "/api/auth/events",
    async ({ viewer, query }) => {
      const { items, next } = await security.list(viewer, { ...query, limit: limitOf(query.limit) });
      return { items: items.map((event) => eventBody(event, viewer)), next };
    },
    {
      query: t.Object({ ...pageQuery, before: t.Optional(t.String()) }),
      ...says("listEvents", { 200: Page(SecurityEventBody) }),
    },
  );

const SecurityEventBody = named(
  "SecurityEvent",
  t.Object({
    id: Id,
    kind: t.UnionEnum(SECURITY_EVENT_KINDS),
    outcome: t.UnionEnum(["success", "failure"]),
    created_at: Time,
    device: orNull(t.String()),
    ip: orNull(t.String()),
    operator: orNull(t.String()),
    session_id: orNull(Id),
    session_kind: orNull(SessionKinds),
    session_bound: t.Boolean(),
    current: t.Boolean(),
  }),
);

function eventBody(event: SecurityEvent, viewer: Viewer): Static<typeof SecurityEventBody> {
  const { userAgent, ip } = whereOf(event);
  return {
    id: event.id,
    kind: event.kind as SecurityEventKind,
    outcome: event.outcome,
    created_at: timeBody(event.created_at),
    device: userAgent === undefined ? null : nameDevice(userAgent),
    ip: ip ?? null,
    operator: event.operator,
    session_id: event.session_id,
    session_kind: event.session_kind,
    session_bound: event.key_thumbprint !== null,
    current: event.session_id === viewer.sessionId,
  };
}
