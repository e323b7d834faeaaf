import { Elysia, t } from "elysia";
import type { Duet } from "../duet.ts";
import { DuetError } from "../errors.ts";
import { presentedToken } from "../http/auth.ts";
import { jsonBodies } from "../http/body.ts";
import type { Edge } from "../http/edge.ts";
import { about, PROOF_ERRORS, says, TOKEN_ERRORS } from "../http/reference.ts";
import { programStart, SignedIn, signedInBody, tokenBody, TokenPair } from "./shapes.ts";

type Deps = Pick<Duet, "users" | "sessions" | "shownTokens" | "proofs"> &
  Pick<Edge, "showingOf" | "answerJson">;

/** To sign in is to create a session, to sign out is to end it. */
export const sessionRoutes = ({ users, sessions, shownTokens, proofs, showingOf, answerJson }: Deps) =>
  new Elysia({ name: "api/sessions", ...about("sessions") })
    .use(jsonBodies)
    .post(
      "/api/auth/login",
      async ({ body, request, server, set }) => {
        const showing = showingOf({ request, server });
        const start = await programStart(proofs, showing, set);
        const input = { ...body, identifier: body.username };
        return signedInBody(await users.login(input, start, showing.device()));
      },
      {
        body: t.Object({ username: t.String(), password: t.String() }),
        ...says(
          "login",
          { 200: SignedIn },
          ["invalid_credentials", "second_factor_required", "rate_limited", ...PROOF_ERRORS],
          ["DPoP"],
        ),
      },
    )
    .post(
      "/api/auth/refresh",
      async ({ body, request, server, set }) => {
        const issued = await sessions.refresh(body.refresh_token, showingOf({ request, server }));
        if (!issued.isHeld) return answerJson(tokenBody(issued), request);
        set.headers["dpop-nonce"] = proofs.nonce();
        return tokenBody(issued);
      },
      {
        body: t.Object({ refresh_token: t.String() }),
        ...says(
          "refresh",
          { 200: TokenPair },
          ["token_missing", ...TOKEN_ERRORS, "rate_limited", ...PROOF_ERRORS],
          ["DPoP"],
        ),
      },
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
      {
        body: t.Object({ refresh_token: t.Optional(t.String()) }),
        ...says(
          "logout",
          { 204: null },
          ["token_missing", "key_missing", ...PROOF_ERRORS],
          ["Authorization", "DPoP"],
        ),
      },
    );
