import { Elysia, t } from "elysia";
import type { Duet } from "../duet.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import type { Edge } from "../http/edge.ts";
import { about, says } from "../http/reference.ts";
import { User, userBody } from "./shapes.ts";

type Deps = Pick<Duet, "emails"> & Pick<Edge, "deviceOf">;

/** Where there is a mail server: a letter for whoever has forgotten their password. */
export const forgotRoute = ({ emails, deviceOf }: Deps) =>
  new Elysia({ name: "api/forgot", ...about("account") }).use(jsonBodies).post(
    "/api/auth/forgot",
    async ({ body, request, server, set }) => {
      await emails.forgot(body.identifier, deviceOf({ request, server }));
      set.status = 202;
    },
    {
      body: t.Object({ identifier: t.String() }),
      ...says("forgotPassword", { 202: null }, ["not_found", "rate_limited"]),
    },
  );

/** One's own address: confirming it. */
export const emailRoutes = ({ emails, deviceOf, ...guard }: Deps & Guard) =>
  new Elysia({ name: "api/emails", ...about("account", "token") })
    .use(jsonBodies)
    .use(bearerViewer(guard))
    .post(
      "/api/auth/email/confirm",
      async ({ viewer, body, request, server }) => {
        const { email } = await emails.confirm(viewer, body.token, deviceOf({ request, server }));
        return userBody({ id: viewer.userId, username: viewer.username, email });
      },
      {
        body: t.Object({ token: t.String() }),
        ...says("confirmEmail", { 200: User }, ["link_ended", "link_of_another", "email_taken", "not_found"]),
      },
    )
    .post(
      "/api/auth/email/send",
      async ({ viewer, set }) => {
        await emails.sendAgain(viewer);
        set.status = 202;
      },
      says("sendEmailAgain", { 202: null }, ["not_found", "rate_limited"]),
    );
