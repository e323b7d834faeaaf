import { Elysia, t } from "elysia";
import type { Sessions } from "../core/sessions.ts";
import type { Users } from "../core/users.ts";
import { bearerViewer } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import { deviceOf } from "../http/observe.ts";
import { grantBody, userBody } from "./shapes.ts";

export const registration = ({ users }: { users: Users }) =>
  new Elysia({ name: "api/registration" }).use(jsonBodies).post(
    "/api/auth/register",
    async ({ body, request, set }) => {
      const { user, grant } = await users.register(body, deviceOf(request));
      set.status = 201;
      return { ...grantBody(grant), user: userBody(user) };
    },
    {
      body: t.Object({
        username: t.String(),
        password: t.String(),
        email: t.Optional(t.Union([t.String(), t.Null()])),
      }),
    },
  );

/** The viewer's own account. */
export const me = ({ users, sessions }: { users: Users; sessions: Sessions }) =>
  new Elysia({ name: "api/me" })
    .use(jsonBodies)
    .use(bearerViewer(sessions))
    .get("/api/auth/me", ({ viewer }) => userBody({ ...viewer, id: viewer.userId }))
    .patch(
      "/api/auth/me",
      async ({ viewer, body, request }) =>
        userBody(await users.updateProfile(viewer, body, deviceOf(request))),
      {
        body: t.Object({
          username: t.Optional(t.String()),
          email: t.Optional(t.Union([t.String(), t.Null()])),
        }),
      },
    )
    .post(
      "/api/auth/password",
      async ({ viewer, body, request }) => {
        const passwords = { currentPassword: body.current_password, newPassword: body.new_password };
        return grantBody(await users.changePassword(viewer, passwords, deviceOf(request)));
      },
      { body: t.Object({ current_password: t.String(), new_password: t.String() }) },
    )
    .post(
      "/api/auth/delete",
      async ({ viewer, body, request, set }) => {
        await users.remove(viewer, body, deviceOf(request));
        set.status = 204;
      },
      { body: t.Object({ password: t.String() }) },
    );
