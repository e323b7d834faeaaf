import { describe, expect, test } from "bun:test";
import { ACTS } from "../src/core/auth/step-up.ts";
import { advance, freezeClock, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { codeOf } from "./support/authenticator.ts";
import { Visitor } from "./support/browserless.ts";
import { KeyHolder } from "./support/dpop.ts";
import { answer, goOnWith, password, withAuthenticator, withPasskey } from "./support/factors.ts";
import { PUBLIC } from "./support/inventory.ts";
import { decode, me, PASSWORDS, refresh, register, type Person } from "./support/people.ts";

const SOME_ID = "01999999-0000-7000-8000-000000000000";

/** A way to ask for each act, by the API or by a page. */
const WAYS: Record<keyof typeof ACTS, (alice: Person, visitor: Visitor) => Promise<{ status: number }>> = {
  password_change: (alice) => alice.call("POST", "/api/auth/password", { new_password: PASSWORDS["bob"] }),
  email_change: (alice) =>
    alice.call("PATCH", "/api/auth/me", { email: `${crypto.randomUUID()}@example.com` }),
  factor_add: (alice) => alice.call("POST", "/api/auth/factors/totp", {}),
  factor_remove: (alice) => alice.call("DELETE", `/api/auth/factors/${SOME_ID}`),
  recovery_codes: (alice) => alice.call("POST", "/api/auth/factors/recovery-codes"),
  account_delete: (alice) => alice.call("POST", "/api/auth/delete", {}),
  account_export: (_, visitor) => visitor.open("/account/export"),
  operate: (_, visitor) => visitor.open("/admin"),
};

const challengeIn = (html: string) => /name="challenge" value="([^"]+)"/.exec(html)![1]!;

/** Alice with an authenticator, signed in as a program and in a browser. */
async function start(t: TestApp) {
  const alice = await register(t, "alice");
  const { operator } = t.app.duet;
  await operator.setOperator(await operator.find("alice"), true);
  const factor = await withAuthenticator(alice);
  const visitor = new Visitor(t);
  const half = await visitor.submit("/login", { identifier: "alice", password: alice.password });
  const [code] = factor.codes;
  await visitor.submit("/login/challenge", { challenge: challengeIn(half.html), code: code! });
  return { visitor, alice, ...factor };
}

describe("what cannot be undone, or opens the door", () => {
  test.each(Object.keys(ACTS) as (keyof typeof ACTS)[])(
    "%s: asks for a proof of the last ten minutes, and goes on with one",
    async (act) => {
      freezeClock();
      await using t = await startApp(UNLIMITED);
      const { visitor, alice, secret } = await start(t);
      advance(599);
      // Nothing is done yet by asking; what is refused for another reason was not refused for this one.
      if (act !== "account_delete" && act !== "password_change")
        expect((await WAYS[act](alice, visitor)).status).not.toBe(401);
      advance(1);
      const asked = await WAYS[act](alice, visitor);
      expect(asked.status).toBe(401);
      const begun = await alice.call("POST", "/api/auth/factors/recovery-codes");
      expect(begun.body.code).toBe("proof_required");
      const proved = await answer(t, { challenge: begun.body.challenge, code: codeOf(secret) });
      expect(Object.keys(proved.body)).toEqual(["access_token", "token_type", "expires_in"]);
      goOnWith(alice, proved.body);
      // A browser's is proved on a page; what a program has proved is no browser's.
      const page = await visitor.open("/account/proof");
      const own = { challenge: challengeIn(page.html), code: codeOf(secret, 1) };
      const elsewhere = await answer(t, own);
      expect(elsewhere.body.code).toBe("challenge_ended");
      expect((await visitor.submit("/account/proof", own)).path).toBe("/account");
      expect((await WAYS[act](alice, visitor)).status).not.toBe(401);
    },
  );

  test("is asked for as RFC 9470 has it, by whatever one has", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const bob = await register(t, "bob");
    advance(600);
    const asked = await bob.call("PATCH", "/api/auth/me", { email: "bob@example.com" });
    expect(asked.headers.get("www-authenticate")).toBe(
      'Bearer realm="duet", error="insufficient_user_authentication", max_age=600',
    );
    expect(asked.body.factors).toEqual(["password"]);
    const { challenge } = asked.body;
    const wrong = await answer(t, { challenge, password: "wrong" });
    expect([wrong.status, wrong.body.errors[0].code]).toEqual([422, "wrong_password"]);
    expect((await answer(t, { challenge, code: "000000" })).body.code).toBe("code_invalid");
    goOnWith(bob, (await answer(t, { challenge, password: bob.password })).body);
    expect((await bob.call("PATCH", "/api/auth/me", { email: "bob@example.com" })).status).toBe(200);
    // The name alone, and the same address again, open no door.
    advance(600);
    const name = await bob.call("PATCH", "/api/auth/me", { username: "Bob", email: "bob@example.com" });
    expect(name.status).toBe(200);
    // Who has nothing but the password gives that, as ever.
    const change = { current_password: bob.password, new_password: PASSWORDS["carol"] };
    const changed = await bob.call("POST", "/api/auth/password", change);
    expect(changed.status).toBe(200);
    goOnWith(bob, changed.body);
    expect((await bob.call("POST", "/api/auth/delete", {})).status).toBe(422);
    // Who has more gives that, and the password is no proof.
    const { codes } = await withAuthenticator(bob);
    advance(600);
    const more = await bob.call("POST", "/api/auth/delete", { password: PASSWORDS["carol"] });
    expect(more.body.factors).toEqual(["totp", "recovery_code"]);
    const by = { challenge: more.body.challenge };
    expect((await answer(t, { ...by, password: PASSWORDS["carol"] })).status).toBe(422);
    goOnWith(bob, (await answer(t, { ...by, recovery_code: codes[0] })).body);
    const { key } = await withPasskey(bob);
    advance(600);
    const passkey = (await bob.call("POST", "/api/auth/delete", {})).body;
    expect(passkey.factors).toEqual(["totp", "passkey", "recovery_code"]);
    const shown = { challenge: passkey.challenge, passkey: key.get(passkey.passkey_options) };
    goOnWith(bob, (await answer(t, shown)).body);
    expect(decode(bob.accessToken).claims.amr).toContain("hwk");
    // A wrong password is wrong, also where none is asked for.
    expect((await bob.call("POST", "/api/auth/delete", { password: "wrong" })).status).toBe(422);
    expect((await bob.call("POST", "/api/auth/delete", {})).status).toBe(204);
  });
});

describe("a proof", () => {
  test("is in one access token: nothing to refresh, the session as it was, and nobody else's", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const { alice, secret } = await start(t);
    const { sid } = decode(alice.accessToken).claims;
    advance(700);
    const { challenge } = (await alice.call("POST", "/api/auth/factors/recovery-codes")).body;
    const rowOf = async () => (await t.sql("SELECT * FROM sessions WHERE id = $1", sid))[0];
    const before = await rowOf();
    const proved = (await answer(t, { challenge, code: codeOf(secret) })).body;
    expect(await rowOf()).toEqual(before);
    const { claims } = decode(proved.access_token);
    expect(claims).toMatchObject({ gen: 1, auth_time: Math.floor(Date.now() / 1000) });
    expect((await refresh(t, proved.access_token)).status).toBe(401);
    // Whoever holds the session besides has proved nothing, and refreshes as before.
    expect((await alice.call("POST", "/api/auth/factors/recovery-codes")).body.code).toBe("proof_required");
    const next = (await refresh(t, alice.refreshToken)).body;
    expect(decode(next.access_token).claims.auth_time).toBe(before!["authenticated_at"] / 1000);
    // Of the generation that was shown: it is no first use of one that its holder never got.
    advance(700);
    const late = (await alice.call("POST", "/api/auth/factors/recovery-codes")).body;
    const lost = (await answer(t, { challenge: late.challenge, code: codeOf(secret) })).body.access_token;
    expect(decode(lost).claims.gen).toBe(1);
    expect((await me(t, lost)).status).toBe(200);
    expect((await refresh(t, alice.refreshToken)).body.refresh_token).toBe(next.refresh_token);
    // It ends with the session.
    await alice.call("POST", "/api/auth/logout");
    expect((await me(t, lost)).body.code).toBe("session_ended");
    expect((await answer(t, { challenge, code: codeOf(secret, 1) })).body.code).toBe("challenge_ended");
  });

  test("of a session that has ended meanwhile is none", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const { alice, secret } = await start(t);
    advance(700);
    const { challenge } = (await alice.call("POST", "/api/auth/factors/recovery-codes")).body;
    await alice.call("POST", "/api/auth/logout");
    expect((await answer(t, { challenge, code: codeOf(secret) })).body).toMatchObject({
      code: "session_ended",
      reason: "logout",
    });
  });

  test("is told by introspection, as when and how one signed in", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const { alice } = await start(t);
    const { body } = await t.json(
      "POST",
      "/oauth/introspect",
      { token: alice.accessToken },
      {
        authorization: `Bearer ${alice.accessToken}`,
      },
    );
    expect([body.amr, body.auth_time]).toEqual([["pwd", "otp", "mfa"], Math.floor(Date.now() / 1000)]);
  });

  test("in a session that a key holds needs that key, and the token is bound to it", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const [key, thief] = [await KeyHolder.create(t), await KeyHolder.create(t)];
    const input = { username: "alice", password: alice.password };
    const { body } = await key.ask("POST", "/api/auth/login", input);
    advance(700);
    const path = "/api/auth/factors/recovery-codes";
    const { challenge } = (await key.ask("POST", path, undefined, body.access_token)).body;
    const given = { challenge, password: alice.password };
    expect((await answer(t, given)).status).toBe(400);
    expect((await thief.ask("POST", "/api/auth/challenge", given)).status).toBe(401);
    const proved = await key.ask("POST", "/api/auth/challenge", given);
    expect(proved.body.token_type).toBe("DPoP");
    expect((await me(t, proved.body.access_token)).status).toBe(401);
    const asked = await key.ask("POST", path, undefined, proved.body.access_token);
    expect(asked.body.code).toBe("factor_missing");
  });
});

describe("a page's proof", () => {
  test("is its own session's: what asks somebody else puts nobody's tokens into this browser", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const { visitor, codes } = await start(t);
    const bob = new Visitor(t);
    await bob.register("bob");
    const before = bob.jar.get("duet_access");
    const challenge = challengeIn((await visitor.open("/account/proof")).html);
    const stolen = await bob.submit("/account/proof", { challenge, code: codes[2]! });
    expect([stolen.status, stolen.html.includes("Current password")]).toEqual([410, true]);
    expect(bob.jar.get("duet_access")).toEqual(before!);
    expect((await visitor.submit("/account/proof", { challenge, code: codes[2]! })).path).toBe("/account");
  });

  test("can always be asked for by its owner, whoever has copied the token", async () => {
    freezeClock();
    await using t = await startApp({ DUET_TRUSTED_PROXIES: "127.0.0.1" });
    const alice = await register(t, "alice");
    advance(700);
    const ask = (ip: string) =>
      alice.call("PATCH", "/api/auth/me", { email: "a@example.com" }, { "x-forwarded-for": ip });
    const statuses = [];
    for (let n = 0; n < 35; n++) statuses.push((await ask("203.0.113.1")).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
    expect((await ask("198.51.100.1")).body.code).toBe("proof_required");
  });
});

describe("half a sign-in", () => {
  test("opens nothing, route by route", async () => {
    await using t = await startApp({ ...UNLIMITED, DUET_METRICS_TOKEN: "what prometheus says to be let in" });
    const alice = await register(t, "alice");
    await withAuthenticator(alice);
    const { challenge } = (await password(t, alice)).body;
    const visitor = new Visitor(t);
    const page = await visitor.submit("/login", { identifier: "alice", password: alice.password });
    expect(page.html).toContain('name="challenge"');
    // Nothing was set that could be shown.
    expect([...visitor.jar.keys()]).toEqual([]);
    expect(await t.sql("SELECT id FROM sessions WHERE ended_at IS NULL AND era = 2")).toHaveLength(1);
    let tried = 0;
    for (const { method, path } of t.app.routes) {
      if (PUBLIC.has(`${method} ${path}`)) continue;
      for (const shown of [
        { authorization: `Bearer ${challenge}` },
        { authorization: `DPoP ${challenge}` },
        { cookie: `duet_access=${challenge}; duet_refresh=${challenge}` },
      ]) {
        const headers = { ...shown, "hx-request": "true", "sec-fetch-site": "same-origin" };
        const got = await t.fetch(path.replace(":act", "refresh").replaceAll(/:\w+/g, SOME_ID), {
          method,
          headers,
        });
        expect([method, path, got.status]).toEqual([method, path, 401]);
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(150);
    for (const path of ["/api/auth/refresh", "/oauth/token"]) {
      const body = { refresh_token: challenge, grant_type: "refresh_token" };
      expect((await t.json("POST", path, body)).status).toBeGreaterThanOrEqual(400);
    }
    expect((await t.json("POST", "/api/auth/logout", { refresh_token: challenge })).status).toBe(204);
    expect((await me(t, alice.accessToken)).status).toBe(200);
  });
});

describe("without script", () => {
  test("the second step, and what was being done when a proof was asked for, are pages", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const { alice, secret, codes } = await start(t);
    const visitor = new Visitor(t);
    const half = await visitor.submit("/login", {
      identifier: "alice",
      password: alice.password,
      next: "/account",
    });
    expect([half.status, half.html.includes("One more step")]).toEqual([200, true]);
    const challenge = challengeIn(half.html);
    const wrong = await visitor.submit("/login/challenge", { challenge, code: "000000", next: "/account" });
    expect(wrong.status).toBe(401);
    expect(wrong.html).toContain('id="code-error"');
    expect(challengeIn(wrong.html)).toBe(challenge);
    const right = await visitor.submit("/login/challenge", { challenge, code: codes[1]!, next: "/account" });
    expect([right.status, right.path]).toEqual([200, "/account"]);
    expect(right.html).toContain("Password and authenticator code; 8 recovery codes left.");

    advance(700);
    const asked = await visitor.submit("/account/profile", { username: "alice", email: "a&'b@example.com" });
    expect(asked.status).toBe(401);
    const [, held] = /name="held" value="([^"]+)"/.exec(asked.html)!;
    const unescaped = held!.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&amp;", "&");
    const proved = await visitor.submit("/account/proof", {
      challenge: challengeIn(asked.html),
      code: codeOf(secret),
      next: "/account",
      held: unescaped,
    });
    expect(proved.status).toBe(200);
    const [, action] = /<form method="post" action="(\/account\/profile\?once=[^"]+)"/.exec(proved.html)!;
    const done = await visitor.submit(action!, { username: "alice", email: "a@example.com" });
    expect(done.path).toBe("/account?done=profile");
    // What it was does not lead elsewhere.
    const { html } = await visitor.open("/account/proof");
    for (const bad of [
      '{"action":"//evil.example","fields":{}}',
      '{"action":"/account","fields":{"a":1}}',
      "{",
      "7",
    ]) {
      advance(30);
      const next = {
        challenge: challengeIn((await visitor.open("/account/proof")).html),
        code: codeOf(secret),
      };
      const got = await visitor.submit("/account/proof", { ...next, held: bad, next: "//evil.example" });
      expect(got.path).toBe("/account");
    }
    expect(html).not.toContain("evil");
  });

  test("a form with passwords is filled in again, and no page ever holds one", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const { visitor } = await start(t);
    advance(700);
    const asked = await visitor.submit("/account/password", { new_password: PASSWORDS["bob"]! });
    expect(asked.status).toBe(401);
    expect(asked.html).not.toContain('name="held"');
    expect(asked.html).not.toContain(PASSWORDS["bob"]!);
  });
});
