import { Elysia, t } from "elysia";
import type { Duet } from "../duet.ts";
import { jsonBodies } from "../http/body.ts";
import type { Edge } from "../http/edge.ts";
import { about, named, PROOF_ERRORS, says, SIGN_IN_ERRORS } from "../http/reference.ts";
import { PasskeyJson, programStart, SignedIn, signedInBody, Whole } from "./shapes.ts";

type Deps = Pick<Duet, "signIns" | "stepUp" | "challenges" | "proofs"> & Pick<Edge, "showingOf" | "deviceOf">;

/** Proving once more who it is, and signing in by a passkey. */
export const challengeRoutes = ({ signIns, stepUp, challenges, proofs, showingOf, deviceOf }: Deps) =>
  new Elysia({ name: "api/challenges", ...about("sessions") })
    .use(jsonBodies)
    .post(
      "/api/auth/challenge",
      async ({ body, request, server, set }) => {
        const showing = showingOf({ request, server });
        const { challenge, code, recovery_code: recoveryCode, passkey, password } = body;
        const answer = { code, recoveryCode, passkey, password };
        const { row } = await challenges.find(challenge, "sign_in", "step_up");
        if (row.purpose === "step_up") {
          const { accessToken, accessExpiresIn, isHeld } = await stepUp.finish(challenge, answer, showing);
          if (isHeld) set.headers["dpop-nonce"] = proofs.nonce();
          return {
            access_token: accessToken,
            token_type: isHeld ? ("DPoP" as const) : ("bearer" as const),
            expires_in: accessExpiresIn,
          };
        }
        const start = await programStart(proofs, showing, set);
        return signedInBody({ signedIn: await signIns.finish(challenge, answer, start, showing.device()) });
      },
      {
        body: t.Object({
          challenge: t.String(),
          code: t.Optional(t.String()),
          recovery_code: t.Optional(t.String()),
          passkey: t.Optional(PasskeyJson),
          password: t.Optional(t.String()),
        }),
        ...says(
          "answerChallenge",
          { 200: t.Union([SignedIn, AccessToken]) },
          [
            ...SIGN_IN_ERRORS.slice(1),
            "token_invalid",
            "session_ended",
            "user_not_found",
            "rate_limited",
            ...PROOF_ERRORS,
          ],
          ["DPoP"],
        ),
      },
    )
    .post(
      "/api/auth/passkeys/challenge",
      async ({ request, server, set }) => {
        const start = await programStart(proofs, showingOf({ request, server }), set);
        return signIns.passkeyOptions(start, deviceOf({ request, server }));
      },
      says(
        "passkeyChallenge",
        { 200: t.Object({ challenge: t.String(), options: PasskeyJson }) },
        ["rate_limited", ...PROOF_ERRORS],
        ["DPoP"],
      ),
    )
    .post(
      "/api/auth/passkeys/login",
      async ({ body, request, server, set }) => {
        const showing = showingOf({ request, server });
        const start = await programStart(proofs, showing, set);
        const { challenge, passkey } = body;
        return signedInBody({
          signedIn: await signIns.byPasskey(challenge, passkey, start, showing.device()),
        });
      },
      {
        body: t.Object({ challenge: t.String(), passkey: PasskeyJson }),
        ...says(
          "passkeyLogin",
          { 200: SignedIn },
          ["challenge_ended", "passkey_invalid", "rate_limited", ...PROOF_ERRORS],
          ["DPoP"],
        ),
      },
    );

/** After a step-up: nothing that could be refreshed. */
const AccessToken = named(
  "AccessToken",
  t.Object({
    access_token: t.String(),
    token_type: t.UnionEnum(["bearer", "DPoP"]),
    expires_in: Whole,
  }),
);
