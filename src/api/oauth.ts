import { Elysia, t } from "elysia";
import { invalidField } from "../errors.ts";
import { PROOF_ALGORITHMS } from "../core/auth/proofs.ts";
import type { Claims } from "../core/auth/signer.ts";
import type { Duet } from "../duet.ts";
import type { Guard } from "../http/auth.ts";
import { createCallerCheck } from "../http/caller.ts";
import { formOrJsonBodies } from "../http/body.ts";
import { PUBLIC_DOCUMENT } from "../http/headers.ts";
import { about, named, PROOF_ERRORS, says, SIGN_IN_ERRORS, TOKEN_ERRORS } from "../http/reference.ts";
import type { Edge } from "../http/edge.ts";
import { programStart, signedInBody, tokenBody, TokenPair, Whole } from "./shapes.ts";

type Deps = Pick<Duet, "users" | "signIns" | "shownTokens" | "introspect" | "settings"> &
  Pick<Edge, "deviceOf"> &
  Guard;

/**
 * The standard routes, so that any OAuth 2 client library works with Duet as it is. Clients are public and all one:
 * a `client_id` is taken and means nothing.
 */
export function oauthRoutes({ users, signIns, shownTokens, introspect, settings, deviceOf, ...guard }: Deps) {
  const { sessions, proofs, showingOf } = guard;
  const { issuer, introspectionSecret } = settings;
  const checkCaller = createCallerCheck(guard, introspectionSecret);
  return (
    new Elysia({ name: "api/oauth", ...about("oauth") })
      .use(formOrJsonBodies)
      /** RFC 8414. */
      .get(
        "/.well-known/oauth-authorization-server",
        () =>
          Response.json(metadata(issuer, introspectionSecret !== undefined), { headers: PUBLIC_DOCUMENT }),
        says("oauthMetadata", { 200: Metadata }),
      )
      /** For clients that look nowhere else: the same, which promises no OpenID Connect. */
      .get(
        "/.well-known/openid-configuration",
        () =>
          Response.json(metadata(issuer, introspectionSecret !== undefined), { headers: PUBLIC_DOCUMENT }),
        says("openidConfiguration", { 200: Metadata }),
      )
      /** RFC 6749 section 4.3 (password), section 6 (refresh_token) and, for who has a second factor, section 4.5. */
      .post(
        "/oauth/token",
        async ({ body, request, server, set }) => {
          set.headers["pragma"] = "no-cache";
          const showing = showingOf({ request, server }, "body");
          switch (body.grant_type) {
            case "password": {
              const { username, password } = body;
              if (username === undefined) throw invalidField("username", "required");
              if (password === undefined) throw invalidField("password", "required");
              const start = await programStart(proofs, showing, set);
              const input = { identifier: username, password };
              const { user: _, ...pair } = signedInBody(await users.login(input, start, showing.device()));
              return pair;
            }
            case CHALLENGE_GRANT: {
              if (!body.challenge) throw invalidField("challenge", "required");
              const answer = { code: body.code, recoveryCode: body.recovery_code };
              const start = await programStart(proofs, showing, set);
              return tokenBody(
                (await signIns.finish(body.challenge, answer, start, showing.device())).issued,
              );
            }
            case "refresh_token": {
              if (!body.refresh_token) throw invalidField("refresh_token", "required");
              const issued = await sessions.refresh(body.refresh_token, showing);
              if (issued.isHeld) set.headers["dpop-nonce"] = proofs.nonce();
              return tokenBody(issued);
            }
            default:
              throw invalidField("grant_type", "invalid");
          }
        },
        {
          body: t.Object({
            grant_type: t.String(),
            username: t.Optional(t.String()),
            password: t.Optional(t.String()),
            refresh_token: t.Optional(t.String()),
            challenge: t.Optional(t.String()),
            code: t.Optional(t.String()),
            recovery_code: t.Optional(t.String()),
          }),
          ...says(
            "oauthToken",
            { 200: TokenPair },
            ["invalid_credentials", ...SIGN_IN_ERRORS, ...TOKEN_ERRORS, "rate_limited", ...PROOF_ERRORS],
            ["DPoP"],
          ),
        },
      )
      /** RFC 7009: ends the session of the token, whichever it is; 200 for what is no token of ours too. */
      .post(
        "/oauth/revoke",
        async ({ body, request, server }) => {
          if (body.token === "") throw invalidField("token", "required");
          await shownTokens.logout([body.token], showingOf({ request, server }, "body"));
          // Some clients parse every answer.
          return {};
        },
        {
          body: t.Object({ token: t.String() }),
          ...says(
            "oauthRevoke",
            { 200: t.Object({}) },
            ["token_invalid", "key_missing", ...PROOF_ERRORS],
            ["DPoP"],
          ),
        },
      )
      /** RFC 7662: whether a token would be accepted now, for whoever may ask. */
      .post(
        "/oauth/introspect",
        async ({ body, request, server }) => {
          const sessionId = await checkCaller({ request, server }, body.client_secret);
          if (!body.token) throw invalidField("token", "required");
          const claims = await introspect(body.token, { sessionId, device: deviceOf({ request, server }) });
          return claims ? introspectionBody(claims) : { active: false };
        },
        {
          body: t.Object({ token: t.Optional(t.String()), client_secret: t.Optional(t.String()) }),
          ...says(
            "oauthIntrospect",
            { 200: Introspection },
            ["token_missing", ...TOKEN_ERRORS, ...PROOF_ERRORS],
            ["Authorization", "DPoP"],
          ),
        },
      )
  );
}

/** An extension grant (RFC 6749 section 4.5): the second step after `second_factor_required`. */
const CHALLENGE_GRANT = "urn:duet:grant-type:challenge";

const Texts = t.Array(t.String());

const Metadata = named(
  "AuthorizationServerMetadata",
  t.Object({
    issuer: t.String(),
    token_endpoint: t.String(),
    revocation_endpoint: t.String(),
    introspection_endpoint: t.String(),
    jwks_uri: t.String(),
    response_types_supported: Texts,
    grant_types_supported: Texts,
    dpop_signing_alg_values_supported: Texts,
    token_endpoint_auth_methods_supported: Texts,
    revocation_endpoint_auth_methods_supported: Texts,
    introspection_endpoint_auth_methods_supported: Texts,
    ui_locales_supported: Texts,
  }),
);

const metadata = (issuer: string, hasIntrospectionSecret: boolean) => ({
  issuer,
  token_endpoint: `${issuer}/oauth/token`,
  revocation_endpoint: `${issuer}/oauth/revoke`,
  introspection_endpoint: `${issuer}/oauth/introspect`,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
  // There is no authorization endpoint: Duet signs in its own people only.
  response_types_supported: [],
  grant_types_supported: ["password", "refresh_token", CHALLENGE_GRANT],
  dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
  token_endpoint_auth_methods_supported: ["none"],
  revocation_endpoint_auth_methods_supported: ["none"],
  introspection_endpoint_auth_methods_supported: [
    ...(hasIntrospectionSecret ? ["client_secret_basic", "client_secret_post"] : []),
    "Bearer",
  ],
  ui_locales_supported: ["en", "zh"],
});

const Introspection = named(
  "Introspection",
  t.Object({
    active: t.Boolean(),
    token_type: t.Optional(t.UnionEnum(["Bearer", "DPoP", "refresh_token"])),
    iss: t.Optional(t.String()),
    aud: t.Optional(t.String()),
    sub: t.Optional(t.String()),
    sid: t.Optional(t.String()),
    gen: t.Optional(Whole),
    jti: t.Optional(t.String()),
    iat: t.Optional(Whole),
    exp: t.Optional(Whole),
    auth_time: t.Optional(Whole),
    amr: t.Optional(Texts),
    username: t.Optional(t.String()),
    client_id: t.Optional(t.String()),
    cnf: t.Optional(t.Object({ jkt: t.String() })),
  }),
);

const introspectionBody = ({ type, ...claims }: Claims) => ({
  active: true,
  token_type: type === "refresh" ? "refresh_token" : claims.cnf ? "DPoP" : "Bearer",
  ...claims,
});
