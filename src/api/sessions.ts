import { Elysia, t } from "elysia";
import { nameDevice } from "../core/auth/devices.ts";
import type { Session } from "../core/auth/sessions.ts";
import type { Viewer } from "../core/viewer.ts";
import type { Duet } from "../duet.ts";
import { DuetError } from "../errors.ts";
import { bearerViewer, presentedToken } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import type { Edge } from "../http/edge.ts";
import { limitOf, pageQuery, programStart, tokenBody, timeBody, userBody } from "./shapes.ts";

type Deps = Pick<Duet, "account" | "users" | "sessions" | "ownSessions" | "shownTokens" | "proofs"> &
  Pick<Edge, "deviceOf" | "showingOf" | "answerJson">;

/** To sign in is to create a session, to sign out is to end it. */
export const sessionRoutes = ({ users, sessions, shownTokens, proofs, showingOf, answerJson }: Deps) =>
  new Elysia({ name: "api/sessions" })
    .use(jsonBodies)
    .post(
      "/api/auth/login",
      async ({ body, request, server, set }) => {
        const showing = showingOf({ request, server });
        const start = await programStart(proofs, showing, set);
        const input = { ...body, identifier: body.username };
        const { user, issued } = await users.login(input, start, showing.device());
        return { ...tokenBody(issued), user: userBody(user) };
      },
      { body: t.Object({ username: t.String(), password: t.String() }) },
    )
    .post(
      "/api/auth/refresh",
      async ({ body, request, server, set }) => {
        const issued = await sessions.refresh(body.refresh_token, showingOf({ request, server }));
        if (!issued.isHeld) return answerJson(tokenBody(issued), request);
        set.headers["dpop-nonce"] = proofs.nonce();
        return tokenBody(issued);
      },
      { body: t.Object({ refresh_token: t.String() }) },
    )
    .post(
      "/api/auth/logout",
      async ({ body, request, server, set }) => {
        const presented = [body.refresh_token, presentedToken(request)].filter(
          (token) => token !== undefined,
        );
        if (presented.length === 0) throw new DuetError("token_missing");
        await shownTokens.logout(presented, showingOf({ request, server }));
        set.status = 204;
      },
      { body: t.Object({ refresh_token: t.Optional(t.String()) }) },
    );

/** The viewer's own sessions, which people know as their devices. */
export const deviceRoutes = ({ account, ownSessions, deviceOf, ...guard }: Deps) =>
  new Elysia({ name: "api/devices" })
    .use(jsonBodies)
    .use(bearerViewer(guard))
    .post("/api/auth/logout-all", async ({ viewer, request, server, set }) => {
      await account.logoutAll(viewer, deviceOf({ request, server }));
      set.status = 204;
    })
    .get(
      "/api/auth/sessions",
      async ({ viewer, query }) => {
        const { items, next } = await ownSessions.list(viewer, { ...query, limit: limitOf(query.limit) });
        return { items: items.map((session) => sessionBody(session, viewer)), next };
      },
      { query: t.Object({ ...pageQuery, cursor: t.Optional(t.String()) }) },
    )
    .delete("/api/auth/sessions/:id", async ({ viewer, params, request, server, set }) => {
      await ownSessions.revoke(viewer, params.id, deviceOf({ request, server }));
      set.status = 204;
    });

const sessionBody = (session: Session, viewer: Viewer) => ({
  id: session.id,
  current: session.id === viewer.sessionId,
  device: nameDevice(session.user_agent),
  kind: session.kind,
  bound: session.key_thumbprint !== null,
  ip: session.ip,
  created_at: timeBody(session.created_at),
  seen_at: timeBody(session.seen_at),
  idle_ends_at: timeBody(session.idle_ends_at),
  ends_at: timeBody(session.ends_at),
});
