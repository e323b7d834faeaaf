import { Elysia, t } from "elysia";
import type { Duet } from "../duet.ts";
import type { Viewer } from "../core/viewer.ts";
import { isHeldBy } from "../core/auth/holders.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import type { Edge } from "../http/edge.ts";
import { about, PROOF_ERRORS, says } from "../http/reference.ts";
import { isPlainGet } from "../http/request.ts";
import { orNull, programStart, SignedIn, tokenBody, TokenPair, User, userBody } from "./shapes.ts";

export const registration = ({
  users,
  proofs,
  showingOf,
}: Pick<Duet, "users" | "proofs"> & Pick<Edge, "showingOf">) =>
  new Elysia({ name: "api/registration", ...about("sessions") }).use(jsonBodies).post(
    "/api/auth/register",
    async ({ body, request, server, set }) => {
      const showing = showingOf({ request, server });
      const start = await programStart(proofs, showing, set);
      const { user, issued } = await users.register(body, start, showing.device());
      set.status = 201;
      return { ...tokenBody(issued), user: userBody(user) };
    },
    {
      body: t.Object({
        username: t.String(),
        password: t.String(),
        email: t.Optional(orNull(t.String())),
        invitation: t.Optional(t.String()),
      }),
      ...says(
        "register",
        { 201: SignedIn },
        [
          "registration_closed",
          "link_ended",
          "username_taken",
          "email_taken",
          "rate_limited",
          ...PROOF_ERRORS,
        ],
        ["DPoP"],
      ),
    },
  );

/** Whoever has forgotten their password, by a link that an operator has made. */
export const resetRoute = ({ links, deviceOf }: Pick<Duet, "links"> & Pick<Edge, "deviceOf">) =>
  new Elysia({ name: "api/reset", ...about("account") }).use(jsonBodies).post(
    "/api/auth/reset",
    async ({ body, request, server, set }) => {
      const input = { token: body.token, newPassword: body.new_password };
      await links.reset(input, deviceOf({ request, server }));
      set.status = 204;
    },
    {
      body: t.Object({ token: t.String(), new_password: t.String() }),
      ...says("resetPassword", { 204: null }, ["link_ended", "rate_limited"]),
    },
  );

export const ME = "/api/auth/me";

type MeParts = Pick<Duet, "sessions"> & Pick<Edge, "answerJson">;

/**
 * `GET /api/auth/me`, which others ask before everything they do, where memory alone can say yes: at once, with nothing
 * between. undefined leaves it to the route.
 */
export const meAtOnce =
  ({ sessions, answerJson }: MeParts) =>
  (request: Request): Response | undefined => {
    if (!isPlainGet(request, ME)) return undefined;
    const header = request.headers.get("authorization");
    const viewer = header?.startsWith("Bearer ") && sessions.recall(header.slice("Bearer ".length));
    return viewer ? answerJson(viewerBody(viewer), request) : undefined;
  };

const viewerBody = ({ userId: id, username, email }: Viewer) => userBody({ id, username, email });

/** The viewer's own account. */
export const me = ({
  account,
  deviceOf,
  answerJson,
  ...guard
}: Pick<Duet, "account"> & Pick<Edge, "deviceOf" | "answerJson"> & Guard) =>
  new Elysia({ name: "api/me", ...about("account", "token") })
    .use(jsonBodies)
    .use(bearerViewer(guard))
    .get(
      ME,
      ({ viewer, request }) =>
        isHeldBy(viewer) ? viewerBody(viewer) : answerJson(viewerBody(viewer), request),
      says("getMe", { 200: User }),
    )
    .patch(
      "/api/auth/me",
      async ({ viewer, body, request, server }) =>
        userBody(await account.updateProfile(viewer, body, deviceOf({ request, server }))),
      {
        body: t.Object({
          username: t.Optional(t.String()),
          email: t.Optional(orNull(t.String())),
        }),
        ...says("updateMe", { 200: User }, [
          "username_taken",
          "email_taken",
          "proof_required",
          "rate_limited",
        ]),
      },
    )
    .post(
      "/api/auth/password",
      async ({ viewer, body, request, server }) => {
        const passwords = { currentPassword: body.current_password, newPassword: body.new_password };
        return tokenBody(await account.changePassword(viewer, passwords, deviceOf({ request, server })));
      },
      {
        body: t.Object({ current_password: t.Optional(t.String()), new_password: t.String() }),
        ...says("changePassword", { 200: TokenPair }, ["proof_required", "rate_limited"]),
      },
    )
    .post(
      "/api/auth/delete",
      async ({ viewer, body, request, server, set }) => {
        await account.remove(viewer, body, deviceOf({ request, server }));
        set.status = 204;
      },
      {
        body: t.Object({ password: t.Optional(t.String()) }),
        ...says("deleteAccount", { 204: null }, ["proof_required", "rate_limited"]),
      },
    );
