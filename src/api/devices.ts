import { Elysia, t, type Static } from "elysia";
import { nameDevice } from "../core/auth/devices.ts";
import type { OwnSession } from "../core/auth/own-sessions.ts";
import type { Viewer } from "../core/viewer.ts";
import type { Duet } from "../duet.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import type { Edge } from "../http/edge.ts";
import { about, named, says } from "../http/reference.ts";
import { Id, limitOf, orNull, Page, pageQuery, SessionKinds, Time, timeBody } from "./shapes.ts";

const SessionBody = named(
  "Session",
  t.Object({
    id: Id,
    current: t.Boolean(),
    device: orNull(t.String()),
    name: orNull(t.String()),
    kind: SessionKinds,
    bound: t.Boolean(),
    ip: orNull(t.String()),
    created_at: Time,
    seen_at: Time,
    idle_ends_at: Time,
    ends_at: Time,
  }),
);

/** The viewer's own sessions, which people know as their devices. */
export const deviceRoutes = ({
  account,
  ownSessions,
  deviceOf,
  ...guard
}: Pick<Duet, "account" | "ownSessions"> & Pick<Edge, "deviceOf"> & Guard) =>
  new Elysia({ name: "api/devices", ...about("devices", "token") })
    .use(jsonBodies)
    .use(bearerViewer(guard))
    .post(
      "/api/auth/logout-all",
      async ({ viewer, request, server, set }) => {
        await account.logoutAll(viewer, deviceOf({ request, server }));
        set.status = 204;
      },
      says("logoutAll", { 204: null }),
    )
    .get(
      "/api/auth/sessions",
      async ({ viewer, query }) => {
        const { items, next } = await ownSessions.list(viewer, { ...query, limit: limitOf(query.limit) });
        return { items: items.map((session) => sessionBody(session, viewer)), next };
      },
      {
        query: t.Object({ ...pageQuery, cursor: t.Optional(t.String()) }),
        ...says("listSessions", { 200: Page(SessionBody) }),
      },
    )
    .patch(
      "/api/auth/sessions/:id",
      async ({ viewer, params, body, set }) => {
        await ownSessions.rename(viewer, params.id, body.name);
        set.status = 204;
      },
      { body: t.Object({ name: t.String() }), ...says("renameSession", { 204: null }, ["rate_limited"]) },
    )
    .delete(
      "/api/auth/sessions/:id",
      async ({ viewer, params, request, server, set }) => {
        await ownSessions.revoke(viewer, params.id, deviceOf({ request, server }));
        set.status = 204;
      },
      says("endSession", { 204: null }),
    );

const sessionBody = (session: OwnSession, viewer: Viewer): Static<typeof SessionBody> => ({
  id: session.id,
  current: session.id === viewer.sessionId,
  device: nameDevice(session.user_agent),
  name: session.device_name,
  kind: session.kind,
  bound: session.key_thumbprint !== null,
  ip: session.ip,
  created_at: timeBody(session.created_at),
  seen_at: timeBody(session.seen_at),
  idle_ends_at: timeBody(session.idle_ends_at),
  ends_at: timeBody(session.ends_at),
});
