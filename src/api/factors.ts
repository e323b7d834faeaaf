import { Elysia, t, type Static } from "elysia";
import type { Changed } from "../core/auth/own-factors.ts";
import type { Duet } from "../duet.ts";
import { bearerViewer, type Guard } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import type { Edge } from "../http/edge.ts";
import { about, named, says } from "../http/reference.ts";
import { Id, orNull, PasskeyJson, Time, timeBody, tokenBody, TokenPair, Whole } from "./shapes.ts";

const CHANGE_ERRORS = ["proof_required" as const, "rate_limited" as const];

/** How the viewer signs in, beside the password. */
export const factorRoutes = ({
  ownFactors,
  deviceOf,
  ...guard
}: Pick<Duet, "ownFactors"> & Pick<Edge, "deviceOf"> & Guard) =>
  new Elysia({ name: "api/factors", ...about("factors", "token") })
    .use(jsonBodies)
    .use(bearerViewer(guard))
    .get(
      "/api/auth/factors",
      async ({ viewer }) => {
        const { items, recoveryCodesLeft } = await ownFactors.list(viewer);
        return { items: items.map(factorBody), recovery_codes_left: recoveryCodesLeft };
      },
      says("listFactors", { 200: t.Object({ items: t.Array(Factor), recovery_codes_left: Whole }) }),
    )
    .post(
      "/api/auth/factors/totp",
      async ({ viewer, body, request, server, set }) => {
        set.status = 201;
        return ownFactors.beginAuthenticator(viewer, body ?? {}, deviceOf({ request, server }));
      },
      {
        body: t.Optional(t.Object({ name: t.Optional(t.String()) })),
        ...says(
          "beginAuthenticator",
          { 201: t.Object({ id: Id, secret: t.String(), uri: t.String() }) },
          CHANGE_ERRORS,
        ),
      },
    )
    .post(
      "/api/auth/factors/totp/:id/confirm",
      async ({ viewer, params, body, request, server }) =>
        changedBody(
          await ownFactors.confirmAuthenticator(viewer, params.id, body.code, deviceOf({ request, server })),
        ),
      {
        body: t.Object({ code: t.String() }),
        ...says("confirmAuthenticator", { 200: FactorChange }, CHANGE_ERRORS),
      },
    )
    .delete(
      "/api/auth/factors/:id",
      async ({ viewer, params, request, server }) =>
        changedBody(await ownFactors.remove(viewer, params.id, deviceOf({ request, server }))),
      says("removeFactor", { 200: FactorChange }, CHANGE_ERRORS),
    )
    .post(
      "/api/auth/factors/recovery-codes",
      async ({ viewer, request, server }) => ({
        codes: await ownFactors.makeRecoveryCodes(viewer, deviceOf({ request, server })),
      }),
      says("makeRecoveryCodes", { 200: t.Object({ codes: t.Array(t.String()) }) }, [
        ...CHANGE_ERRORS,
        "factor_missing",
      ]),
    )
    .post(
      "/api/auth/passkeys/options",
      ({ viewer, request, server }) => ownFactors.beginPasskey(viewer, deviceOf({ request, server })),
      says("beginPasskey", { 200: t.Object({ challenge: t.String(), options: PasskeyJson }) }, [
        ...CHANGE_ERRORS,
        "validation_failed",
      ]),
    )
    .post(
      "/api/auth/passkeys",
      async ({ viewer, body, request, server, set }) => {
        set.status = 201;
        return changedBody(await ownFactors.addPasskey(viewer, body, deviceOf({ request, server })));
      },
      {
        body: t.Object({ challenge: t.String(), passkey: PasskeyJson, name: t.Optional(t.String()) }),
        ...says("addPasskey", { 201: FactorChange }, [...CHANGE_ERRORS, "challenge_ended"]),
      },
    );

const Factor = named(
  "Factor",
  t.Object({
    id: Id,
    kind: t.UnionEnum(["totp", "passkey"]),
    name: t.String(),
    created_at: Time,
    last_used_at: orNull(Time),
  }),
);

const factorBody = ({
  id,
  kind,
  name,
  created_at,
  last_used_at,
}: Changed["factor"]): Static<typeof Factor> => ({
  id,
  kind,
  name,
  created_at: timeBody(created_at),
  last_used_at: last_used_at === null ? null : timeBody(last_used_at),
});

/** With the pair of a new session, since all others have ended. */
const FactorChange = named(
  "FactorChange",
  t.Object({ ...TokenPair.properties, factor: Factor, recovery_codes: t.Array(t.String()) }),
);

const changedBody = ({ issued, factor, recoveryCodes }: Changed): Static<typeof FactorChange> => ({
  ...tokenBody(issued),
  factor: factorBody(factor),
  recovery_codes: recoveryCodes,
});
