import { Elysia, t } from "elysia";
import type { Duet } from "../duet.ts";
import { bearerViewer } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import type { Edge } from "../http/edge.ts";
import { tokenBody, userBody } from "./shapes.ts";

export const registration = ({ users, deviceOf }: Pick<Duet, "users"> & Pick<Edge, "deviceOf">) =>
  new Elysia({ name: "api/registration" }).use(jsonBodies).post(
    "/api/auth/register",
    async ({ body, request, server, set }) => {
      const { user, issued } = await users.register(body, deviceOf({ request, server }));
      set.status = 201;
      return { ...tokenBody(issued), user: userBody(user) };
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
export const me = ({
  account,
  sessions,
  deviceOf,
}: Pick<Duet, "account" | "sessions"> & Pick<Edge, "deviceOf">) =>
  new Elysia({ name: "api/me" })
    .use(jsonBodies)
    .use(bearerViewer(sessions))
    .get("/api/auth/me", ({ viewer }) => userBody({ ...viewer, id: viewer.userId }))
    .patch(
      "/api/auth/me",
      async ({ viewer, body, request, server }) =>
        userBody(await account.updateProfile(viewer, body, deviceOf({ request, server }))),
      {
        body: t.Object({
          username: t.Optional(t.String()),
          email: t.Optional(t.Union([t.String(), t.Null()])),
        }),
      },
    )
    .post(
      "/api/auth/password",
      async ({ viewer, body, request, server }) => {
        const passwords = { currentPassword: body.current_password, newPassword: body.new_password };
        return tokenBody(await account.changePassword(viewer, passwords, deviceOf({ request, server })));
      },
      { body: t.Object({ current_password: t.String(), new_password: t.String() }) },
    )
    .post(
      "/api/auth/delete",
      async ({ viewer, body, request, server, set }) => {
        await account.remove(viewer, body, deviceOf({ request, server }));
        set.status = 204;
      },
      { body: t.Object({ password: t.String() }) },
    );
