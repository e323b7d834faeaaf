import { describe, expect, test } from "bun:test";
import { calculateJwkThumbprint, exportJWK } from "jose";
import { THROTTLES } from "../src/core/auth/throttle.ts";
import { advance, freezeClock, ORIGIN, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { KeyHolder } from "./support/dpop.ts";
import { decode, me, PASSWORDS, refresh, register } from "./support/people.ts";

const ALICE = { username: "alice", password: PASSWORDS["alice"]! };

/** A session that was started with a proof. */
async function held(t: TestApp, algorithm?: string) {
  const key = await KeyHolder.create(t, algorithm);
  const { status, body } = await key.ask("POST", "/api/auth/register", ALICE);
  expect(status).toBe(201);
  return { key, pair: body };
}

const rowOf = async (t: TestApp, token: string): Promise<any> =>
  (await t.sql("SELECT * FROM sessions WHERE id = $1", decode(token).claims.sid))[0];
const codeOf = ({ status, body }: { status: number; body: any }) => [status, body.code ?? body.error];
const eventsOf = async (key: KeyHolder, token: string) =>
  (await key.ask("GET", "/api/auth/events", undefined, token)).body.items.map((event: any) => event.kind);

describe("a session that is started with a proof", () => {
  test.each(["ES256", "EdDSA", "RS256"])("is held by its key for ever: %s", async (algorithm) => {
    await using t = await startApp();
    const { key, pair } = await held(t, algorithm);
    const jkt = await calculateJwkThumbprint(key.jwk);
    expect(pair.token_type).toBe("DPoP");
    expect(decode(pair.access_token).claims.cnf).toEqual({ jkt });
    expect((await key.ask("GET", "/api/auth/me", undefined, pair.access_token)).body.username).toBe("alice");
    const next = await key.ask("POST", "/api/auth/refresh", { refresh_token: pair.refresh_token });
    expect(next.body.token_type).toBe("DPoP");
    expect(decode(next.body.access_token).claims).toMatchObject({ gen: 2, cnf: { jkt } });
    const [device] = (await key.ask("GET", "/api/auth/sessions", undefined, next.body.access_token)).body
      .items;
    expect(device).toMatchObject({ kind: "program", bound: true });
    const asked = await key.ask(
      "POST",
      "/oauth/introspect",
      { token: next.body.access_token },
      next.body.access_token,
    );
    expect(asked.body).toMatchObject({ active: true, token_type: "DPoP", cnf: { jkt } });
    // A new password starts another one, of the same key.
    const change = { current_password: ALICE.password, new_password: PASSWORDS["bob"] };
    const changed = await key.ask("POST", "/api/auth/password", change, next.body.access_token);
    expect(decode(changed.body.access_token).claims.cnf).toEqual({ jkt });
  });

  test("answers any generation to whoever has the key, hours later", async () => {
    freezeClock();
    await using t = await startApp();
    const { key, pair } = await held(t);
    let newest = pair;
    for (let hour = 0; hour < 6; hour++) {
      newest = (await key.ask("POST", "/api/auth/refresh", { refresh_token: newest.refresh_token })).body;
      await key.ask("GET", "/api/auth/me", undefined, newest.access_token);
      advance(3600);
    }
    for (let n = 0; n < 3; n++) {
      const { status, body } = await key.ask("POST", "/api/auth/refresh", {
        refresh_token: pair.refresh_token,
      });
      expect([status, body.refresh_token]).toEqual([200, newest.refresh_token]);
    }
    // From here it is no news; from another network it is, once an hour.
    newest = (await key.ask("POST", "/api/auth/refresh", { refresh_token: newest.refresh_token })).body;
    expect(await eventsOf(key, newest.access_token)).toEqual(["register"]);
  });

  test("tells its owner of an old generation from another network, once an hour", async () => {
    freezeClock();
    await using t = await startApp({ DUET_TRUSTED_PROXIES: "127.0.0.1" });
    const { key, pair } = await held(t);
    const next = (await key.ask("POST", "/api/auth/refresh", { refresh_token: pair.refresh_token })).body;
    await key.ask("GET", "/api/auth/me", undefined, next.access_token);
    advance(121);
    await key.ask("GET", "/api/auth/me", undefined, next.access_token); // the present nonce
    for (let n = 0; n < 3; n++) {
      const headers = {
        dpop: await key.proof("POST", "/api/auth/refresh"),
        "x-forwarded-for": "203.0.113.9",
      };
      const late = await t.json("POST", "/api/auth/refresh", { refresh_token: pair.refresh_token }, headers);
      expect([late.status, late.body.refresh_token]).toEqual([200, next.refresh_token]);
    }
    expect(await eventsOf(key, next.access_token)).toEqual(["key_used_late", "register"]);
  });

  test("ends by a copy of its key only where the overlap of keys has an end", async () => {
    freezeClock();
    await using t = await startApp({ DUET_KEY_OVERLAP: "1h" });
    const { key, pair } = await held(t);
    const next = (await key.ask("POST", "/api/auth/refresh", { refresh_token: pair.refresh_token })).body;
    await key.ask("GET", "/api/auth/me", undefined, next.access_token);
    advance(3600);
    expect((await key.ask("POST", "/api/auth/refresh", { refresh_token: pair.refresh_token })).status).toBe(
      200,
    );
    advance(1);
    const late = await key.ask("POST", "/api/auth/refresh", { refresh_token: pair.refresh_token });
    expect(late.body).toMatchObject({ code: "session_ended", reason: "reuse_detected" });
  });
});

describe("a token that is shown without the key of its session", () => {
  test("opens nothing on any route, ends nothing whatever its generation, and its owner sees it", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const { key, pair } = await held(t);
    const next = (await key.ask("POST", "/api/auth/refresh", { refresh_token: pair.refresh_token })).body;
    await key.ask("GET", "/api/auth/me", undefined, next.access_token);
    advance(500);
    const thief = await KeyHolder.create(t);
    thief.nonce = key.nonce;
    const [stolen, access] = [pair.refresh_token, next.access_token];

    // As Bearer, as a cookie, and by a stream.
    const asBearer = await me(t, access);
    expect(codeOf(asBearer)).toEqual([401, "invalid_dpop_proof"]);
    expect(asBearer.headers.get("www-authenticate")).toBe(
      'DPoP realm="duet", error="invalid_dpop_proof", algs="ES256 EdDSA RS256"',
    );
    for (const path of ["/api/conversations", "/api/events", "/api/auth/events", "/api/search?q=x"])
      expect((await t.fetch(path, { headers: { authorization: `Bearer ${access}` } })).status).toBe(401);
    for (const path of ["/live", "/conversations", "/account", "/lab"]) {
      const page = await t.fetch(path, {
        headers: { cookie: `duet_access=${access}`, accept: "text/html" },
        redirect: "manual",
      });
      expect(page.status).not.toBe(200);
    }
    const visitor = await t.fetch("/", { headers: { cookie: `duet_access=${access}`, accept: "text/html" } });
    expect(await visitor.text()).not.toContain("alice");

    // A refresh with none, with another's, by the cookie, by the OAuth route; whatever the generation.
    for (const token of [stolen, next.refresh_token]) {
      expect(codeOf(await refresh(t, token))).toEqual([400, "invalid_dpop_proof"]);
      expect(codeOf(await thief.ask("POST", "/api/auth/refresh", { refresh_token: token }))).toEqual([
        401,
        "token_invalid",
      ]);
      const asked = { grant_type: "refresh_token", refresh_token: token };
      expect(codeOf(await t.json("POST", "/oauth/token", asked))).toEqual([400, "invalid_dpop_proof"]);
      expect(codeOf(await thief.ask("POST", "/oauth/token", asked))).toEqual([400, "invalid_grant"]);
      const headers = { cookie: `duet_refresh=${token}`, "sec-fetch-site": "same-origin" };
      expect((await t.fetch("/auth/refresh", { method: "POST", headers })).status).toBe(400);
    }
    // Nor does it sign the owner out.
    expect(codeOf(await t.json("POST", "/api/auth/logout", { refresh_token: stolen }))).toEqual([
      400,
      "invalid_dpop_proof",
    ]);
    expect(codeOf(await thief.ask("POST", "/oauth/revoke", { token: access }))).toEqual([
      400,
      "invalid_grant",
    ]);
    // Nobody's business but the owner's: to a resource server it is what it is.
    expect(await rowOf(t, stolen)).toMatchObject({ generation: 2, ended_at: null });
    expect((await key.ask("GET", "/api/auth/me", undefined, access)).status).toBe(200);
    expect(new Set(await eventsOf(key, access))).toEqual(new Set(["key_missing", "register"]));
    expect((await key.ask("POST", "/api/auth/logout", { refresh_token: stolen })).status).toBe(204);
    expect((await key.ask("GET", "/api/auth/me", undefined, access)).body.reason).toBe("logout");
  });

  test("is one event an hour", async () => {
    freezeClock();
    await using t = await startApp();
    const { key, pair } = await held(t);
    for (let n = 0; n < 5; n++) await refresh(t, pair.refresh_token);
    expect(await eventsOf(key, pair.access_token)).toEqual(["key_missing", "register"]);
    advance(3600);
    await refresh(t, pair.refresh_token);
    const newest = (await key.ask("POST", "/api/auth/refresh", { refresh_token: pair.refresh_token })).body;
    expect(await eventsOf(key, newest.access_token)).toEqual(["key_missing", "key_missing", "register"]);
  });

  test("of a session that was started without one is never bound, and ends nothing", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const thief = await KeyHolder.create(t);
    const asked = { refresh_token: alice.refreshToken };
    expect(codeOf(await thief.ask("POST", "/api/auth/refresh", asked))).toEqual([400, "invalid_dpop_proof"]);
    expect(
      codeOf(await thief.ask("POST", "/oauth/token", { grant_type: "refresh_token", ...asked })),
    ).toEqual([400, "invalid_dpop_proof"]);
    expect(codeOf(await thief.ask("GET", "/api/auth/me", undefined, alice.accessToken))).toEqual([
      401,
      "token_invalid",
    ]);
    expect(await rowOf(t, alice.refreshToken)).toMatchObject({
      generation: 1,
      key_thumbprint: null,
      ended_at: null,
    });
    expect(decode((await refresh(t, alice.refreshToken)).body.access_token).claims.cnf).toBeUndefined();
  });
});

describe("a proof", () => {
  test("needs a nonce of the minute before, this one or the next, which the server remembers nowhere", async () => {
    freezeClock();
    await using t = await startApp();
    const key = await KeyHolder.create(t);
    const asks = () => key.ask("POST", "/api/auth/login", ALICE, undefined, { claims: {} });
    const without = await asks();
    expect(codeOf(without)).toEqual([400, "use_dpop_nonce"]);
    const first = without.headers.get("dpop-nonce")!;
    await key.ask("POST", "/api/auth/register", ALICE);
    for (const [seconds, status] of [
      [0, 200],
      [59, 200],
      [60, 200],
      [1, 400],
    ] as const) {
      advance(seconds);
      key.nonce = first;
      expect((await asks()).status).toBe(status);
    }
    key.nonce = "made-up";
    expect(codeOf(await asks())).toEqual([400, "use_dpop_nonce"]);
    // On a resource the same is 401, in the words of RFC 9449 section 9.
    const { body } = await key.ask("POST", "/api/auth/login", ALICE);
    key.nonce = first;
    const late = await key.ask("GET", "/api/auth/me", undefined, body.access_token, { claims: {} });
    expect(codeOf(late)).toEqual([401, "use_dpop_nonce"]);
    expect(late.headers.get("www-authenticate")).toContain('DPoP realm="duet", error="use_dpop_nonce"');
    expect(late.headers.get("dpop-nonce")).not.toBe(first);
    expect(await eventsOf(key, body.access_token)).not.toContain("key_missing");
  });

  test("is of its own request, by a key that signs it, and says nothing else", async () => {
    await using t = await startApp(UNLIMITED);
    const { key, pair } = await held(t);
    const other = await KeyHolder.create(t);
    const token = pair.access_token;
    const privateJwk = await exportJWK(key.pair.privateKey);
    const asks = (changes: object) => key.ask("GET", "/api/auth/me", undefined, token, changes);
    for (const changes of [
      { claims: { htm: "POST" } },
      { claims: { htu: `${ORIGIN}/api/auth/sessions` } },
      { claims: { htu: "http://elsewhere.example/api/auth/me" } },
      { claims: { htu: "not a url" } },
      { claims: { htu: 1 } },
      { claims: { ath: "x" } },
      { claims: { ath: undefined } },
      { claims: { jti: "" } },
      { claims: { jti: 7 } },
      { claims: { jti: "x".repeat(257) } },
      { claims: { iat: "now" } },
      { claims: { exp: 1 } },
      { header: { typ: "JWT" } },
      { header: { jwk: undefined } },
      { header: { jwk: privateJwk } },
      { header: { jwk: { kty: "oct", k: "c2VjcmV0" } } },
      { header: { jwk: other.jwk } },
      { signedBy: other.pair.privateKey },
    ])
      expect([changes, codeOf(await asks(changes))]).toEqual([changes, [401, "invalid_dpop_proof"]]);
    for (const dpop of [
      "",
      "x",
      "a.b.c",
      `${await key.proof("GET", "/api/auth/me", token)}, ${await key.proof("GET", "/api/auth/me", token)}`,
    ]) {
      const answer = await t.json("GET", "/api/auth/me", undefined, { dpop, authorization: `DPoP ${token}` });
      expect([dpop, codeOf(answer)]).toEqual([dpop, [401, "invalid_dpop_proof"]]);
    }
    // Whatever a client says of the host, a query, or its own clock.
    const headers = {
      host: "elsewhere.example",
      authorization: `DPoP ${token}`,
      dpop: await key.proof("GET", "/api/auth/me", token),
    };
    expect((await t.json("GET", "/api/auth/me", undefined, headers)).status).toBe(200);
    expect((await asks({ claims: { htu: `${ORIGIN}/api/auth/me?x=1#y` } })).status).toBe(200);
    expect((await asks({ claims: { iat: 12 } })).status).toBe(200);
    const query = await key.ask("GET", "/api/search?q=x", undefined, token, {
      claims: { htu: `${ORIGIN}/api/search` },
    });
    expect(query.status).toBe(200);
  });

  test("is used once; the same token request, sent again by an HTTP stack, is answered again", async () => {
    await using t = await startApp(UNLIMITED);
    const { key, pair } = await held(t);
    const once = await key.proof("GET", "/api/auth/me", pair.access_token);
    const headers = { authorization: `DPoP ${pair.access_token}`, dpop: once };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => t.json("GET", "/api/auth/me", undefined, headers)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === "invalid_dpop_proof")).toHaveLength(9);

    const again = { dpop: await key.proof("POST", "/api/auth/refresh") };
    const asked = { refresh_token: pair.refresh_token };
    const pairs = await Promise.all(
      Array.from({ length: 10 }, () => t.json("POST", "/api/auth/refresh", asked, again)),
    );
    expect(pairs.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(new Set(pairs.map(({ body }) => body.refresh_token)).size).toBe(1);
    // With another token it is another request.
    const other = { refresh_token: pairs[0]!.body.refresh_token };
    expect(codeOf(await t.json("POST", "/api/auth/refresh", other, again))).toEqual([
      400,
      "invalid_dpop_proof",
    ]);
    // And at the sign-in for another account.
    await register(t, "bob");
    const login = { dpop: await key.proof("POST", "/api/auth/login") };
    expect((await t.json("POST", "/api/auth/login", ALICE, login)).status).toBe(200);
    expect((await t.json("POST", "/api/auth/login", ALICE, login)).status).toBe(200);
    const bob = { username: "bob", password: PASSWORDS["bob"] };
    const sessions = await t.sql("SELECT count(*) AS n FROM sessions");
    expect(codeOf(await t.json("POST", "/api/auth/login", bob, login))).toEqual([400, "invalid_dpop_proof"]);
    expect(await t.sql("SELECT count(*) AS n FROM sessions")).toEqual(sessions);
  });

  test("is remembered for as long as it could be taken; a key that has used too many waits, and no other does", async () => {
    freezeClock();
    await using t = await startApp();
    const { key, pair } = await held(t);
    await key.ask("GET", "/api/auth/me", undefined, pair.access_token);
    expect((await t.sql("SELECT * FROM proofs")).length).toBeGreaterThan(0);
    await t.sql("UPDATE throttles SET full_at = full_at + 1000000");
    const other = await KeyHolder.create(t);
    const bob = (
      await other.ask("POST", "/api/auth/register", { username: "bob", password: PASSWORDS["bob"] })
    ).body;
    expect((await key.ask("GET", "/api/auth/me", undefined, pair.access_token)).status).toBe(200);
    const bucket = `proof_key\n${await calculateJwkThumbprint(key.jwk)}`;
    const id = new Bun.CryptoHasher("sha256").update(bucket).digest("base64url");
    const full = Date.now() + THROTTLES.proof_key.burst * THROTTLES.proof_key.everyMs;
    await t.sql("UPDATE throttles SET full_at = $1 WHERE id = $2", full, id);
    const busy = await key.ask("GET", "/api/auth/me", undefined, pair.access_token);
    expect(codeOf(busy)).toEqual([503, "too_busy"]);
    expect(busy.headers.get("retry-after")).toBe("1");
    expect((await other.ask("GET", "/api/auth/me", undefined, bob.access_token)).status).toBe(200);
    advance(300);
    await t.app.duet.housekeeping.tend();
    expect(await t.sql("SELECT * FROM proofs")).toEqual([]);
  });

  test("that names a key which lies on no curve costs nobody else anything", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const jwk = { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "A".repeat(43) };
    const dpop = `${part({ alg: "ES256", typ: "dpop+jwt", jwk })}.${part({ jti: "x" })}.${"A".repeat(86)}`;
    for (let n = 0; n < 5; n++) {
      const login = { username: "x", password: "x" };
      expect(codeOf(await t.json("POST", "/api/auth/login", login, { dpop }))).toEqual([
        400,
        "invalid_dpop_proof",
      ]);
      expect((await refresh(t, alice.refreshToken)).status).toBe(200);
    }
  });

  test("signs out of all that is presented with it, once", async () => {
    await using t = await startApp(UNLIMITED);
    const { key, pair } = await held(t);
    const other = (await key.ask("POST", "/api/auth/login", ALICE)).body;
    const proof = await key.proof("POST", "/api/auth/logout");
    const headers = { dpop: proof, authorization: `DPoP ${other.access_token}` };
    expect(
      (await t.json("POST", "/api/auth/logout", { refresh_token: pair.refresh_token }, headers)).status,
    ).toBe(204);
    for (const { refresh_token } of [pair, other])
      expect(await rowOf(t, refresh_token)).toMatchObject({ end_reason: "logout" });
  });

  test("opens an event stream, which ends with its session", async () => {
    await using t = await startApp();
    const { key, pair } = await held(t);
    const headers = {
      dpop: await key.proof("GET", "/api/events", pair.access_token),
      authorization: `DPoP ${pair.access_token}`,
    };
    const response = await t.fetch("/api/events", { headers });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    await response.body!.cancel();
  });
});
