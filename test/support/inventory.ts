import type { ThrottleName } from "../../src/core/auth/throttle.ts";
import { PASSWORDS, type Person } from "./people.ts";

/** What anybody may reach. Every other route needs a token: a new one that does not fails here. */
export const PUBLIC = new Set([
  "GET /",
  "GET /healthz",
  "GET /readyz",
  "GET /.well-known/jwks.json",
  "GET /.well-known/oauth-authorization-server",
  "GET /.well-known/openid-configuration",
  "GET /.well-known/change-password",
  "GET /robots.txt",
  "GET /.well-known/security.txt",
  "GET /openapi.json",
  "GET /docs",
  "GET /assets/:file",
  "GET /favicon.ico",
  "GET /login",
  "POST /login",
  "GET /register",
  "POST /register",
  "POST /register/strength",
  "GET /reset",
  "POST /reset",
  "POST /reset/strength",
  "POST /api/auth/reset",
  "POST /language",
  "GET /auth/arrived",
  "GET /auth/refresh",
  "POST /auth/refresh",
  "POST /auth/logout",
  // Nobody's session is over; a browser forgets its key at a 401.
  "POST /auth/dbsc/register",
  "POST /auth/dbsc/refresh",
  "POST /api/auth/register",
  "POST /api/auth/login",
  "POST /api/auth/refresh",
  "POST /api/auth/logout",
  "POST /oauth/token",
  "POST /oauth/revoke",
]);

const signIn = { username: "alice", identifier: "alice", password: "wrong" };
const account = { username: "bob", password: PASSWORDS["bob"]! };

/** The limit that each route stands behind, with a request that it counts. Pages stand behind the same as the API. */
export const LIMITED: Record<
  string,
  [limit: ThrottleName, body?: (alice: Person) => Record<string, string>]
> = {
  "POST /api/auth/login": ["login_account_and_network", () => signIn],
  "POST /login": ["login_account_and_network", () => signIn],
  "POST /oauth/token": ["login_account_and_network", () => ({ ...signIn, grant_type: "password" })],
  "POST /api/auth/register": ["register_network", () => account],
  "POST /register": ["register_network", () => account],
  "POST /register/strength": ["judge_network", () => account],
  "POST /api/auth/reset": ["judge_network", () => ({ token: "x", new_password: PASSWORDS["bob"]! })],
  "POST /reset": ["judge_network", () => ({ token: "x", new_password: PASSWORDS["bob"]! })],
  "POST /api/auth/password": [
    "password_account",
    () => ({ current_password: "wrong", new_password: PASSWORDS["bob"]! }),
  ],
  "POST /api/auth/delete": ["password_account", () => ({ password: "wrong" })],
  "PATCH /api/auth/me": ["profile_account", () => ({ email: "a@example.com" })],
  "POST /api/auth/refresh": ["refresh_session", (alice) => ({ refresh_token: alice.refreshToken })],
  "POST /auth/refresh": ["refresh_session"],
  "GET /auth/refresh": ["refresh_session"],
  "POST /auth/lab/:act": ["refresh_session"],
  "POST /api/conversations": ["conversation_account", () => ({ title: "x" })],
  "POST /conversations": ["conversation_account", () => ({ title: "x" })],
  "PATCH /api/conversations/:id": ["conversation_account", () => ({ title: "x" })],
  "PATCH /api/conversations/:id/messages/:messageId": ["message_account", () => ({ body: "y" })],
  "DELETE /api/conversations/:id/messages/:messageId": ["message_account"],
  "POST /conversations/:id/messages/:messageId": ["message_account", () => ({ body: "y" })],
  "POST /conversations/:id/messages/:messageId/remove": ["message_account"],
  "POST /conversations/:id/title": ["conversation_account", () => ({ title: "y" })],
  "POST /api/conversations/:id/members": ["conversation_account", () => ({ username: "alice" })],
  "POST /conversations/:id/members": ["conversation_account", () => ({ username: "alice" })],
  "POST /api/conversations/:id/messages": ["message_account", () => ({ body: "x" })],
  "POST /conversations/:id": ["message_account", () => ({ body: "x" })],
  "POST /account/profile": ["profile_account", () => ({ username: "alice", email: "a@example.com" })],
  "POST /account/password": [
    "password_account",
    () => ({ current_password: "wrong", new_password: PASSWORDS["bob"]! }),
  ],
  "POST /account/strength": ["judge_account", () => ({ new_password: "x" })],
  "POST /account/delete": ["password_account", () => ({ password: "wrong" })],
  "GET /api/events": ["stream_account"],
  "GET /live": ["stream_account"],
  "GET /api/search": ["search_account"],
  "GET /search": ["search_account"],
  "GET /account/export": ["export_account"],
};
