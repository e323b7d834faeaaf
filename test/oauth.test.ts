import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import express from "express";
import { auth, requiredScopes } from "express-oauth2-jwt-bearer";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { advance, freezeClock, startApp, temporaryFolder, type TestApp } from "./support/app.ts";
import { codeOf } from "./support/authenticator.ts";
import { decode, login, me, PASSWORDS, refresh, register, type Person } from "./support/people.ts";
import { BINARY, freePort, run, type Running } from "./support/process.ts";

const SECRET = "resource servers say this to introspect";
const form = (t: TestApp, path: string, fields: Record<string, string> | string, headers = {}) =>
  t.fetch(path, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: typeof fields === "string" ? fields : new URLSearchParams(fields).toString(),
  });
const basic = (secret: string, name = "rs") => ({
  authorization: `Basic ${Buffer.from(`${name}:${encodeURIComponent(secret)}`).toString("base64")}`,
});

describe("clients that nobody here wrote, against the executable", () => {
  let server: Running;
  let issuer: URL;
  const alice = { username: "alice", password: PASSWORDS["alice"]! };
  const insecure = { [oauth.allowInsecureRequests]: true };

  beforeAll(async () => {
    const port = freePort();
    issuer = new URL(`http://localhost:${port}`);
    const folder = temporaryFolder();
    const flags = ["--data", folder, "--port", `${port}`, "--introspection-secret", SECRET];
    server = await run([BINARY, ...flags]);
    const body = JSON.stringify(alice);
    const headers = { "content-type": "application/json" };
    await fetch(new URL("/api/auth/register", issuer), { method: "POST", headers, body });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("oauth4webapi: discovers, gets a pair, refreshes, introspects, revokes", async () => {
    const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
    const as = await oauth.processDiscoveryResponse(issuer, found);
    const app: oauth.Client = { client_id: "any" };
    const none = oauth.None();
    const granted = await oauth.genericTokenEndpointRequest(
      as,
      app,
      none,
      "password",
      new URLSearchParams(alice),
      insecure,
    );
    const pair = await oauth.processGenericTokenEndpointResponse(as, app, granted);
    expect(pair).toMatchObject({ token_type: "bearer", expires_in: 1800 });

    const renewed = await oauth.refreshTokenGrantRequest(as, app, none, pair.refresh_token!, insecure);
    const next = await oauth.processRefreshTokenResponse(as, app, renewed);
    expect(decode(next.access_token).claims.gen).toBe(2);

    const rs: oauth.Client = { client_id: "rs" };
    const introspect = async (token: string) => {
      const asked = await oauth.introspectionRequest(
        as,
        rs,
        oauth.ClientSecretBasic(SECRET),
        token,
        insecure,
      );
      return oauth.processIntrospectionResponse(as, rs, asked);
    };
    expect(await introspect(next.access_token)).toMatchObject({
      active: true,
      iss: issuer.origin,
      username: "alice",
      token_type: "Bearer",
    });
    const revoked = await oauth.revocationRequest(as, app, none, next.refresh_token!, insecure);
    await oauth.processRevocationResponse(revoked);
    expect(await introspect(next.access_token)).toEqual({ active: false });

    const refused = await oauth.refreshTokenGrantRequest(as, app, none, next.refresh_token!, insecure);
    const failure = oauth.processRefreshTokenResponse(as, app, refused);
    expect(await failure.catch((error) => error)).toMatchObject({
      name: "ResponseBodyError",
      error: "invalid_grant",
      error_description: "This session has ended",
    });
  });

  test("openid-client: the same, as its users write it", async () => {
    const config = await client.discovery(issuer, "any", undefined, client.None(), {
      algorithm: "oauth2",
      execute: [client.allowInsecureRequests],
    });
    const pair = await client.genericGrantRequest(config, "password", alice);
    const next = await client.refreshTokenGrant(config, pair.refresh_token!);
    expect(decode(next.refresh_token!).claims.gen).toBe(2);
    const answer = await client.fetchProtectedResource(
      config,
      next.access_token,
      new URL("/api/auth/me", issuer),
      "GET",
    );
    expect(await answer.json()).toMatchObject({ username: "alice" });
    await client.tokenRevocation(config, next.access_token);
    const refused = await client.refreshTokenGrant(config, next.refresh_token!).catch((error) => error);
    expect(refused).toMatchObject({ error: "invalid_grant", status: 400 });
    const wrong = client.genericGrantRequest(config, "password", { ...alice, password: "wrong" });
    expect(await wrong.catch((error) => error)).toMatchObject({ error: "invalid_grant" });
  });

  test("oauth4webapi and openid-client: are told of a second factor, and finish by the extension grant", async () => {
    const bob = { username: "bob", password: PASSWORDS["bob"]! };
    const call = async (path: string, body: object, token?: string) => {
      const headers = {
        "content-type": "application/json",
        ...(token && { authorization: `Bearer ${token}` }),
      };
      const answer = await fetch(new URL(path, issuer), {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      return (await answer.json()) as Record<string, any>;
    };
    const { access_token: token } = await call("/api/auth/register", bob);
    const { id, secret } = await call("/api/auth/factors/totp", {}, token);
    const confirm = `/api/auth/factors/totp/${id}/confirm`;
    const { recovery_codes: codes } = await call(confirm, { code: codeOf(secret) }, token);

    const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
    const as = await oauth.processDiscoveryResponse(issuer, found);
    const grant = as.grant_types_supported!.find((each) => each.startsWith("urn:duet:"))!;
    const app: oauth.Client = { client_id: "any" };
    const ask = async (type: string, fields: Record<string, string>) =>
      oauth.processGenericTokenEndpointResponse(
        as,
        app,
        await oauth.genericTokenEndpointRequest(
          as,
          app,
          oauth.None(),
          type,
          new URLSearchParams(fields),
          insecure,
        ),
      );
    const half = await ask("password", bob).catch((error) => error);
    expect(half).toBeInstanceOf(oauth.ResponseBodyError);
    expect(half.error).toBe("second_factor_required");
    const { challenge } = half.cause as { challenge: string };
    const wrong = await ask(grant, { challenge, code: "000000" }).catch((error) => error);
    expect(wrong.error).toBe("invalid_grant");
    const pair = await ask(grant, { challenge, code: codeOf(secret, 1) });
    expect(decode(pair.access_token).claims.amr).toEqual(["pwd", "otp", "mfa"]);

    const config = await client.discovery(issuer, "any", undefined, client.None(), {
      algorithm: "oauth2",
      execute: [client.allowInsecureRequests],
    });
    const asked = await client.genericGrantRequest(config, "password", bob).catch((error) => error);
    expect(asked.error).toBe("second_factor_required");
    const again = { challenge: asked.cause.challenge, recovery_code: codes[0] };
    expect((await client.genericGrantRequest(config, grant, again)).token_type).toBe("bearer");
  });

  test("oauth4webapi with DPoP: asks again with the nonce, refreshes, shows it with ath, and nobody else can", async () => {
    const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
    const as = await oauth.processDiscoveryResponse(issuer, found);
    expect(as.dpop_signing_alg_values_supported).toContain("ES256");
    const app: oauth.Client = { client_id: "any" };
    const none = oauth.None();
    const DPoP = oauth.DPoP(app, await oauth.generateKeyPair("ES256"));
    const grant = async () => {
      const fields = new URLSearchParams(alice);
      const options = { ...insecure, DPoP };
      const answer = await oauth.genericTokenEndpointRequest(as, app, none, "password", fields, options);
      return oauth.processGenericTokenEndpointResponse(as, app, answer);
    };
    const first = await grant().catch((error) => error);
    expect(oauth.isDPoPNonceError(first)).toBe(true);
    const pair = await grant();
    expect(pair.token_type).toBe("dpop");
    const renewed = await oauth.refreshTokenGrantRequest(as, app, none, pair.refresh_token!, {
      ...insecure,
      DPoP,
    });
    const next = await oauth.processRefreshTokenResponse(as, app, renewed);
    const at = new URL("/api/auth/me", issuer);
    const headers = new Headers();
    const answer = await oauth.protectedResourceRequest(next.access_token, "GET", at, headers, null, {
      ...insecure,
      DPoP,
    });
    expect(await answer.json()).toMatchObject({ username: "alice" });
    // With another key, and without one.
    const other = oauth.DPoP(app, await oauth.generateKeyPair("ES256"));
    for (const options of [{ ...insecure, DPoP: other }, insecure]) {
      const ask = async () =>
        oauth.processRefreshTokenResponse(
          as,
          app,
          await oauth.refreshTokenGrantRequest(as, app, none, next.refresh_token!, options),
        );
      let refused = await ask().catch((error) => error);
      if (oauth.isDPoPNonceError(refused)) refused = await ask().catch((error) => error);
      expect(["invalid_grant", "invalid_dpop_proof"]).toContain(refused.error);
    }
    const challenged = await oauth
      .protectedResourceRequest(next.access_token, "GET", at, headers, null, insecure)
      .catch((error) => error);
    expect(challenged).toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
    expect(challenged.cause[0]).toMatchObject({
      scheme: "dpop",
      parameters: { error: "invalid_dpop_proof" },
    });
  });

  test("openid-client with DPoP: the same, as its users write it", async () => {
    const config = await client.discovery(issuer, "any", undefined, client.None(), {
      algorithm: "oauth2",
      execute: [client.allowInsecureRequests],
    });
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const pair = await client.genericGrantRequest(config, "password", alice, { DPoP });
    expect(pair.token_type).toBe("dpop");
    let next = pair;
    for (let n = 2; n < 4; n++) {
      next = await client.refreshTokenGrant(config, next.refresh_token!, undefined, { DPoP });
      expect(decode(next.access_token).claims.gen).toBe(n);
      const at = new URL("/api/auth/me", issuer);
      const options = { DPoP };
      const answer = await client.fetchProtectedResource(
        config,
        next.access_token,
        at,
        "GET",
        null,
        undefined,
        options,
      );
      expect(await answer.json()).toMatchObject({ username: "alice" });
    }
  });

  test("jose and express-oauth2-jwt-bearer, strict: verify by the published keys alone", async () => {
    const config = await client.discovery(issuer, "any", undefined, client.None(), {
      algorithm: "oauth2",
      execute: [client.allowInsecureRequests],
    });
    const pair = await client.genericGrantRequest(config, "password", alice);
    const jwks = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri!));
    const expected = { issuer: issuer.origin, audience: issuer.origin, typ: "at+jwt" };
    const { payload } = await jwtVerify(pair.access_token, jwks, expected);
    expect(payload["username"]).toBe("alice");
    // Not even by a verifier that looks at nothing but the signature.
    await expect(jwtVerify(pair.refresh_token!, jwks)).rejects.toThrow("alg");

    const app = express();
    const options = { issuerBaseURL: issuer.origin, audience: issuer.origin, tokenSigningAlg: "ES256" };
    app.use(auth({ ...options, strict: true }));
    app.get("/", (request, response) => void response.json(request.auth!.payload));
    app.get("/scoped", requiredScopes("admin"), (_, response) => void response.json({}));
    const resource = app.listen(0, "127.0.0.1");
    try {
      const { port } = resource.address() as { port: number };
      const ask = (token: string, path = "/") =>
        fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${token}` } });
      const accepted = await ask(pair.access_token);
      expect([accepted.status, await accepted.json()]).toEqual([200, payload]);
      for (const token of [pair.refresh_token!, `${pair.access_token.slice(0, -4)}AAAA`])
        expect((await ask(token)).status).toBe(401);
      expect((await ask(pair.access_token, "/scoped")).status).toBe(403);
    } finally {
      resource.closeAllConnections();
      resource.close();
    }
  });
});

describe("/oauth/token", () => {
  test("takes a form, or JSON, and answers the pair and no more", async () => {
    await using t = await startApp();
    const { username, password } = await register(t, "alice");
    const fields = { grant_type: "password", username, password, client_id: "x", scope: "y" };
    const response = await form(t, "/oauth/token", fields);
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("pragma")).toBe("no-cache");
    const pair: any = await response.json();
    expect(Object.keys(pair).toSorted()).toEqual([
      "access_token",
      "expires_in",
      "refresh_expires_in",
      "refresh_token",
      "token_type",
    ]);
    const grant = { grant_type: "refresh_token", refresh_token: pair.refresh_token };
    expect((await t.json("POST", "/oauth/token", grant)).status).toBe(200);
  });

  test.each([
    ["nothing", "", "invalid_request", 400],
    ["no password", "grant_type=password&username=alice", "invalid_request", 400],
    ["no token", "grant_type=refresh_token", "invalid_request", 400],
    ["one field twice", "grant_type=password&grant_type=password", "invalid_request", 400],
    ["another grant", "grant_type=client_credentials", "unsupported_grant_type", 400],
    ["a wrong password", "grant_type=password&username=alice&password=x", "invalid_grant", 400],
    ["a forged token", "grant_type=refresh_token&refresh_token=a.b.c", "invalid_grant", 400],
    ["too much", `grant_type=${"x".repeat(200_000)}`, "invalid_request", 413],
  ])("with %s answers RFC 6749's %#", async (_, body, error, status) => {
    await using t = await startApp();
    await register(t, "alice");
    const response = await form(t, "/oauth/token", body as string, { "accept-language": "zh" });
    const answer: any = await response.json();
    expect([response.status, answer.error]).toEqual([status as number, error as string]);
    expect(answer.error_description).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
    expect(response.headers.get("content-type")).toStartWith("application/json");
    expect(response.headers.get("www-authenticate")).toBeNull();
  });

  test("answers another type, method, origin or too many attempts in that shape too", async () => {
    freezeClock();
    await using t = await startApp();
    const error = async (response: Response) => {
      const body: any = await response.json();
      return [response.status, body.error];
    };
    const post = (headers: Record<string, string>, body: string) =>
      t.fetch("/oauth/token", { method: "POST", headers, body });
    expect(await error(await post({ "content-type": "text/plain; j" }, "{}"))).toEqual([
      415,
      "invalid_request",
    ]);
    expect(await error(await t.fetch("/oauth/token"))).toEqual([405, "invalid_request"]);
    expect(await error(await t.fetch("/oauth/nothing"))).toEqual([404, "invalid_request"]);
    const foreign = { "content-type": "application/x-www-form-urlencoded", origin: "https://evil.example" };
    expect(await error(await post(foreign, "grant_type=password"))).toEqual([403, "access_denied"]);
    const guess = { grant_type: "password", username: "alice", password: "wrong" };
    for (let i = 0; i < 8; i++) await form(t, "/oauth/token", guess);
    const limited = await form(t, "/oauth/token", guess);
    expect(limited.headers.get("retry-after")).toBe("120");
    expect(await error(limited)).toEqual([429, "temporarily_unavailable"]);
  });

  test("follows the one rule of rotation, and names the reason of a session's end", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const renew = async (refresh_token: string): Promise<any> =>
      (await form(t, "/oauth/token", { grant_type: "refresh_token", refresh_token })).json();
    const first = await renew(alice.refreshToken);
    expect((await renew(alice.refreshToken)).refresh_token).toBe(first.refresh_token);
    await me(t, first.access_token);
    advance(121);
    const caught = await renew(alice.refreshToken);
    expect(caught).toMatchObject({ error: "invalid_grant", reason: "reuse_detected" });
    expect((await me(t, first.access_token)).body.reason).toBe("reuse_detected");
  });
});

describe("/oauth/revoke", () => {
  test("ends the session of a token of either type, and is 200 for anything else", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    for (const token of [alice.accessToken, alice.accessToken, "nonsense", "a.b.c"]) {
      const response = await form(t, "/oauth/revoke", { token, token_type_hint: "anything" });
      expect([response.status, await response.json()]).toEqual([200, {}]);
    }
    expect((await refresh(t, alice.refreshToken)).body.reason).toBe("logout");
    for (const body of ["", "token="]) expect((await form(t, "/oauth/revoke", body)).status).toBe(400);
  });
});

describe("/oauth/introspect", () => {
  const ask = async (t: TestApp, token: string, headers: object): Promise<any> =>
    (await form(t, "/oauth/introspect", { token }, headers)).json();

  test("asks who is asking, before anything else", async () => {
    await using t = await startApp({ DUET_INTROSPECTION_SECRET: SECRET });
    const alice = await register(t, "alice");
    const refused: [object, Record<string, string>][] = [
      [{}, {}],
      [{}, { client_secret: "wrong" }],
      [{}, { client_secret: "" }],
      [basic("wrong"), {}],
      [{ authorization: "Basic !!!" }, {}],
      [{ authorization: `Bearer ${alice.refreshToken}` }, {}],
      [{ authorization: `Bearer ${alice.accessToken}x` }, {}],
    ];
    for (const [headers, fields] of refused) {
      const response = await form(t, "/oauth/introspect", { token: alice.accessToken, ...fields }, headers);
      expect([response.status, await response.json()]).toMatchObject([401, { error: "invalid_client" }]);
      expect(response.headers.get("www-authenticate")).toBe('Basic realm="duet", Bearer realm="duet"');
    }
    const own = { authorization: `Bearer ${alice.accessToken}` };
    const posted = { token: alice.accessToken, client_id: "rs", client_secret: SECRET };
    expect((await form(t, "/oauth/introspect", posted)).status).toBe(200);
    for (const headers of [own, basic(SECRET), basic(SECRET, "any name")])
      expect(await ask(t, alice.accessToken, headers)).toMatchObject({ active: true });
    expect((await form(t, "/oauth/introspect", {}, own)).status).toBe(400);
  });

  test("takes the secret by Basic as the standard encodes it, and as most clients send it", async () => {
    const secret = "4+%2F&=/ a secret with all that is odd in it";
    await using t = await startApp({ DUET_INTROSPECTION_SECRET: secret });
    const alice = await register(t, "alice");
    const raw = { authorization: `Basic ${Buffer.from(`rs:${secret}`).toString("base64")}` };
    for (const headers of [raw, basic(secret)])
      expect(await ask(t, alice.accessToken, headers)).toMatchObject({ active: true });
  });

  test("without the secret takes none, not even an empty one", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    for (const headers of [basic(""), basic("undefined"), basic(SECRET)])
      expect(await ask(t, alice.accessToken, headers)).toEqual({
        error: "invalid_client",
        error_description: expect.any(String),
      });
  });

  test("says of every access token whether it would be accepted now, and nothing of one that would not", async () => {
    freezeClock();
    await using t = await startApp({ DUET_INTROSPECTION_SECRET: SECRET });
    const alice = await register(t, "alice");
    const isActive = async (token: string) => (await ask(t, token, basic(SECRET))).active;
    const next = (await refresh(t, alice.refreshToken)).body;
    // Asking about the successor is no use of it: the answer that carried it may still have been lost.
    expect(await isActive(next.access_token)).toBe(true);
    advance(60);
    expect((await refresh(t, alice.refreshToken)).body.refresh_token).toBe(next.refresh_token);
    await me(t, next.access_token);
    const states = async (tokens: string[]) => Promise.all(tokens.map(isActive));
    const all = [alice.accessToken, next.access_token];
    expect(await states(all)).toEqual([true, true]);
    advance(1800);
    expect(await states(all)).toEqual([false, false]);
    expect(await ask(t, next.access_token, basic(SECRET))).toEqual({ active: false });
    const last = (await refresh(t, next.refresh_token)).body;
    expect(await isActive(last.access_token)).toBe(true);
    await t.json("POST", "/api/auth/logout", { refresh_token: last.refresh_token });
    expect(await states([...all, last.access_token, "x", "a.b.c"])).toEqual(Array(5).fill(false));
  });

  test("tells of a refresh token nobody but its own session, and takes a dead one for shown", async () => {
    freezeClock();
    await using t = await startApp({ DUET_INTROSPECTION_SECRET: SECRET });
    const [alice, mallory] = [await register(t, "alice"), await register(t, "mallory")];
    const other = await login(t, "alice");
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const own = bearer(alice.accessToken);
    const strangers = [basic(SECRET), bearer(mallory.accessToken), bearer(other.accessToken)];
    expect(await ask(t, alice.refreshToken, own)).toMatchObject({
      active: true,
      token_type: "refresh_token",
    });
    for (const headers of strangers)
      expect(await ask(t, alice.refreshToken, headers)).toEqual({ active: false });

    // Its successor is in use: whoever shows it has kept a copy.
    const next = (await refresh(t, alice.refreshToken)).body;
    await me(t, next.access_token);
    advance(120);
    for (const headers of strangers)
      expect(await ask(t, alice.refreshToken, headers)).toEqual({ active: false });
    expect((await me(t, next.access_token)).status).toBe(200);
    advance(1);
    expect(await ask(t, alice.refreshToken, bearer(mallory.accessToken))).toEqual({ active: false });
    expect((await me(t, next.access_token)).body).toMatchObject({
      code: "session_ended",
      reason: "reuse_detected",
    });
    expect((await me(t, other.accessToken)).status).toBe(200);
    expect(t.logged.map(({ event }) => event)).toContain("reuse_detected");
  });
});

describe("the metadata", () => {
  test("are for any origin, cacheable, under the one issuer", async () => {
    await using t = await startApp({ DUET_PUBLIC_URL: "https://duet.example.com" });
    const alice: Person = await register(t, "alice");
    const { status, headers, body } = await t.json("GET", "/.well-known/oauth-authorization-server");
    expect(status).toBe(200);
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("cache-control")).toBe("public, max-age=300");
    expect(body.issuer).toBe(decode(alice.accessToken).claims.iss);
    expect((await t.json("GET", "/.well-known/openid-configuration")).body).toEqual(body);
    const change = await t.fetch("/.well-known/change-password", { redirect: "manual" });
    expect([change.status, change.headers.get("location")]).toEqual([302, "/account#change-password"]);
    expect(await (await t.fetch("/robots.txt")).text()).toBe(
      "User-agent: *\nAllow: /$\nAllow: /lab\nAllow: /docs\nAllow: /login\nAllow: /register\nAllow: /assets/\nDisallow: /\n",
    );
    const addresses = Object.entries(body).filter(([name]) => /_endpoint$|_uri$/.test(name));
    expect(addresses).toHaveLength(4);
    for (const [, url] of addresses) {
      expect(url).toStartWith("https://duet.example.com/");
      expect(t.app.routes.map(({ path }) => path)).toContain(new URL(url as string).pathname);
    }
    expect(body.introspection_endpoint_auth_methods_supported).toEqual(["Bearer"]);
  });
});
