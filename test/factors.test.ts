import { describe, expect, test } from "bun:test";
import { COMMAND_LINE } from "../src/core/auth/actors.ts";
import { advance, freezeClock, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { Authenticator, codeOf } from "./support/authenticator.ts";
import { KeyHolder } from "./support/dpop.ts";
import { answer, goOnWith, password, withAuthenticator, withPasskey } from "./support/factors.ts";
import { decode, login, me, PASSWORDS, refresh, register } from "./support/people.ts";

const kindsOf = async (t: TestApp, userId: string) =>
  (await t.sql("SELECT kind, outcome FROM auth_events WHERE user_id = $1 ORDER BY id", userId)).map(
    ({ kind, outcome }) => `${kind} ${outcome}`,
  );

describe("an authenticator", () => {
  test("counts once its first code has come, ends every session and gives recovery codes", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const elsewhere = await login(t, "alice");
    const begun = await alice.call("POST", "/api/auth/factors/totp", { name: "  My phone " });
    expect(begun.status).toBe(201);
    expect(begun.body.uri).toBe(
      `otpauth://totp/localhost:alice?issuer=localhost&secret=${begun.body.secret}&algorithm=SHA1&digits=6&period=30`,
    );
    expect(Buffer.byteLength(begun.body.secret)).toBe(32);
    // Nothing of it counts yet, and the database has none of it in clear.
    expect((await alice.call("GET", "/api/auth/factors")).body).toEqual({
      items: [],
      recovery_codes_left: 0,
    });
    expect((await password(t, alice)).status).toBe(200);
    expect(JSON.stringify(await t.sql("SELECT * FROM factors"))).not.toContain(begun.body.secret);
    const path = `/api/auth/factors/totp/${begun.body.id}/confirm`;
    const wrong = await alice.call("POST", path, { code: codeOf(begun.body.secret, 7) });
    expect([wrong.status, wrong.body.errors]).toEqual([
      422,
      [{ field: "code", code: "wrong_code", detail: expect.any(String) }],
    ]);
    const confirmed = await alice.call("POST", path, { code: codeOf(begun.body.secret) });
    expect(confirmed.body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: "bearer",
      expires_in: 1800,
      refresh_expires_in: 604_800,
      factor: {
        id: begun.body.id,
        kind: "totp",
        name: "My phone",
        created_at: new Date().toISOString(),
        last_used_at: null,
      },
      recovery_codes: expect.any(Array),
    });
    for (const old of [alice, elsewhere])
      expect((await me(t, old.accessToken)).body).toMatchObject({
        code: "session_ended",
        reason: "factors_changed",
      });
    goOnWith(alice, confirmed.body);
    const { claims } = decode(alice.accessToken);
    expect(claims).toMatchObject({ amr: ["pwd", "otp", "mfa"], auth_time: Math.floor(Date.now() / 1000) });
    const codes: string[] = confirmed.body.recovery_codes;
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    const kept = JSON.stringify(await t.sql("SELECT * FROM recovery_codes"));
    for (const code of codes) expect(kept).not.toContain(code.replaceAll("-", ""));
    expect((await alice.call("GET", "/api/auth/factors")).body.recovery_codes_left).toBe(10);
    // It was begun once, and is confirmed once.
    expect((await alice.call("POST", path, { code: codeOf(begun.body.secret, 1) })).status).toBe(404);
  });

  test("is asked for at every sign-in: by page, program and OAuth client; and its codes are good once", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const { secret } = await withAuthenticator(alice);
    const asked = await password(t, alice);
    const { challenge } = asked.body;
    expect(asked.status).toBe(401);
    expect(asked.headers.get("www-authenticate")).toBe('Bearer realm="duet"');
    expect(asked.body).toMatchObject({
      code: "second_factor_required",
      challenge: expect.any(String),
      factors: ["totp", "recovery_code"],
      passkey_options: null,
    });
    // The code that has set it up was one.
    expect((await answer(t, { challenge, code: codeOf(secret) })).body.code).toBe("code_invalid");
    advance(30);
    const code = codeOf(secret);
    const signedIn = await answer(t, { challenge, code: `${code.slice(0, 3)} ${code.slice(3)}` });
    expect(signedIn.status).toBe(200);
    expect(signedIn.body.user.username).toBe("alice");
    expect(decode(signedIn.body.access_token).claims.amr).toEqual(["pwd", "otp", "mfa"]);
    expect((await answer(t, { challenge, code: codeOf(secret, 1) })).body.code).toBe("challenge_ended");
    const second = (await password(t, alice)).body.challenge;
    expect((await answer(t, { challenge: second, code })).body.code).toBe("code_invalid");

    // A clock may be a step early or late, and no more; what was taken is never taken again, nor what was before it.
    advance(300);
    for (const [steps, status] of [
      [-2, 401],
      [2, 401],
      [-1, 200],
      [-1, 401],
      [1, 200],
      [0, 401],
    ] as const) {
      await t.sql("DELETE FROM throttles");
      const next = (await password(t, alice)).body.challenge;
      const got = await answer(t, { challenge: next, code: codeOf(secret, steps) });
      expect([steps, got.status]).toEqual([steps, status]);
    }

    advance(300);
    const form = { username: "alice", password: PASSWORDS["alice"], grant_type: "password" };
    const half = await t.json("POST", "/oauth/token", form);
    expect([half.status, half.body]).toEqual([
      400,
      {
        error: "second_factor_required",
        error_description: expect.any(String),
        challenge: expect.any(String),
        factors: ["totp", "recovery_code"],
        passkey_options: null,
      },
    ]);
    const grant = { grant_type: "urn:duet:grant-type:challenge", challenge: half.body.challenge };
    const refused = await t.json("POST", "/oauth/token", { ...grant, code: "000000" });
    expect([refused.status, refused.body.error]).toEqual([400, "invalid_grant"]);
    const granted = await t.json("POST", "/oauth/token", { ...grant, code: codeOf(secret) });
    expect([granted.status, granted.body.token_type]).toEqual([200, "bearer"]);
    expect((await refresh(t, granted.body.refresh_token)).status).toBe(200);
    // A code is given out once even where it is shown many times at once.
    advance(30);
    const many = await Promise.all(Array.from({ length: 4 }, () => password(t, alice)));
    const answers = await Promise.all(
      many.map(({ body }) => answer(t, { challenge: body.challenge, code: codeOf(secret) })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401]);
  });

  test("is never switched off by failure: what cannot be opened is 503, and opens nothing", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const { secret } = await withAuthenticator(alice);
    await t.sql("UPDATE factors SET sealed_secret = $1", "AAAA.AAAA");
    const { challenge } = (await password(t, alice)).body;
    const got = await answer(t, { challenge, code: codeOf(secret, 1) });
    expect([got.status, got.body.code]).toEqual([503, "unavailable"]);
    expect((await password(t, alice)).body.code).toBe("second_factor_required");
  });
});

describe("recovery codes", () => {
  test("let in once each, however they are typed, and are made anew on demand", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const { codes } = await withAuthenticator(alice);
    const use = async (recovery_code: string) => {
      const { challenge } = (await password(t, alice)).body;
      return answer(t, { challenge, recovery_code });
    };
    const typed = codes[0]!.toLowerCase().replaceAll("-", " ").replaceAll("0", "o").replaceAll("1", "l");
    const signedIn = await use(typed);
    expect(signedIn.status).toBe(200);
    expect((await use(codes[0]!)).body.code).toBe("code_invalid");
    expect((await use("not a code")).body.code).toBe("code_invalid");
    goOnWith(alice, signedIn.body);
    expect((await alice.call("GET", "/api/auth/factors")).body.recovery_codes_left).toBe(9);
    const made = await alice.call("POST", "/api/auth/factors/recovery-codes");
    expect(made.body.codes).toHaveLength(10);
    expect((await use(codes[1]!)).body.code).toBe("code_invalid");
    expect((await use(made.body.codes[9])).status).toBe(200);
    // One at a time, of however many at once.
    const many = await Promise.all(Array.from({ length: 5 }, () => use(made.body.codes[0])));
    expect(many.filter(({ status }) => status === 200)).toHaveLength(1);
    const bob = await register(t, "bob");
    const other = await withAuthenticator(bob);
    expect((await use(other.codes[0]!)).body.code).toBe("code_invalid");
  });
});

describe("recovery codes that were there before", () => {
  test("are for who has a second factor, and none outlives the time without one", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const early = await alice.call("POST", "/api/auth/factors/recovery-codes");
    expect([early.status, early.body.code]).toEqual([409, "factor_missing"]);
    // As if somebody had planted one.
    await t.sql("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, 'planted')", alice.id);
    const { codes } = await withAuthenticator(alice);
    expect(codes).toHaveLength(10);
    expect(await t.sql("SELECT code_hash FROM recovery_codes WHERE code_hash = 'planted'")).toEqual([]);
    const many = await Promise.all(
      Array.from({ length: 4 }, () => alice.call("POST", "/api/auth/factors/recovery-codes")),
    );
    for (const { status } of many) expect(status).toBe(200);
    expect(await t.sql("SELECT code_hash FROM recovery_codes")).toHaveLength(10);
    // Where none is left it is not among what would do.
    await t.sql("DELETE FROM recovery_codes");
    expect((await password(t, alice)).body.factors).toEqual(["totp"]);
  });
});

describe("a passkey", () => {
  test("is all that one needs, and a second factor; it is named, listed, counted", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const { id, key, codes } = await withPasskey(alice, new Authenticator(undefined, true));
    expect(codes).toHaveLength(10);
    expect(decode(alice.accessToken).claims.amr).toEqual(["pwd", "swk", "user", "mfa"]);
    expect((await alice.call("GET", "/api/auth/factors")).body.items).toEqual([
      { id, kind: "passkey", name: "My key", created_at: new Date().toISOString(), last_used_at: null },
    ]);
    const begin = async () => (await t.json("POST", "/api/auth/passkeys/challenge")).body;
    const { challenge, options } = await begin();
    expect(options).toMatchObject({ rpId: "localhost", userVerification: "required", allowCredentials: [] });
    const alone = await t.json("POST", "/api/auth/passkeys/login", { challenge, passkey: key.get(options) });
    expect([alone.status, alone.body.user.username]).toEqual([200, "alice"]);
    expect(decode(alone.body.access_token).claims.amr).toEqual(["swk", "user", "mfa"]);
    goOnWith(alice, alone.body);
    const [row] = await t.sql("SELECT counter, is_synced, is_backed_up, last_used_at FROM factors");
    expect(row).toEqual({ counter: 1, is_synced: 1, is_backed_up: 1, last_used_at: Date.now() });

    const asked = (await password(t, alice)).body;
    expect(asked.factors).toEqual(["passkey", "recovery_code"]);
    const [allowed] = asked.passkey_options.allowCredentials;
    expect(allowed.id).toBe(Buffer.from(key.id).toString("base64url"));
    const second = await answer(t, { challenge: asked.challenge, passkey: key.get(asked.passkey_options) });
    expect(second.status).toBe(200);
    expect(decode(second.body.access_token).claims.amr).toEqual(["pwd", "swk", "user", "mfa"]);

    // No answer to one challenge is one to another, and none is taken twice.
    const one = await begin();
    const other = await begin();
    const stray = { challenge: one.challenge, passkey: key.get(other.options) };
    expect((await t.json("POST", "/api/auth/passkeys/login", stray)).body.code).toBe("passkey_invalid");
    const right = { challenge: one.challenge, passkey: key.get(one.options) };
    expect((await t.json("POST", "/api/auth/passkeys/login", right)).status).toBe(200);
    expect((await t.json("POST", "/api/auth/passkeys/login", right)).body.code).toBe("challenge_ended");
    // A challenge of a password is none of a passkey alone, nor the other way round.
    const half = (await password(t, alice)).body;
    const swapped = { challenge: half.challenge, passkey: key.get(half.passkey_options) };
    expect((await t.json("POST", "/api/auth/passkeys/login", swapped)).body.code).toBe("challenge_ended");
    const whole = await begin();
    const back = await answer(t, { challenge: whole.challenge, passkey: key.get(whole.options) });
    expect(back.body.code).toBe("challenge_ended");
  });

  test("is refused from another origin, without its user, forged, or copied", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const { key } = await withPasskey(alice);
    const tryWith = async (make: (options: any) => unknown) => {
      const { challenge, options } = (await t.json("POST", "/api/auth/passkeys/challenge")).body;
      return t.json("POST", "/api/auth/passkeys/login", { challenge, passkey: make(options) });
    };
    const stranger = new Authenticator();
    stranger.userHandle = key.userHandle;
    for (const make of [
      (o: any) => key.get(o, { origin: "http://evil.example" }),
      (o: any) => key.get(o, { host: "evil.example" }),
      (o: any) => key.get(o, { flags: 1 }),
      (o: any) => key.get(o, { flags: 4 }),
      (o: any) => key.get(o, { type: "webauthn.create" }),
      (o: any) => key.get(o, { challenge: "AAAA" }),
      (o: any) => {
        const shown = key.get(o);
        return { ...shown, response: { ...shown.response, userHandle: "AAAA" } };
      },
      (o: any) => stranger.get(o),
      (o: any) => ({ ...stranger.get(o), id: key.get(o).id, rawId: key.get(o).id }),
      () => ({}),
      () => ({ id: "x".repeat(5000) }),
      () => ({ id: 7, response: null }),
      (o: any) => ({
        ...key.get(o),
        response: { clientDataJSON: "!", authenticatorData: "", signature: "" },
      }),
    ]) {
      const got = await tryWith(make);
      expect([got.status, got.body.code]).toEqual([401, "passkey_invalid"]);
    }
    expect((await tryWith((o) => key.get(o))).status).toBe(200);
    // Two of it: the one that has not counted as far.
    key.counter -= 1;
    expect((await tryWith((o) => key.get(o))).body.code).toBe("passkey_invalid");
    expect(await kindsOf(t, alice.id)).toContain("passkey_cloned failure");
    expect(t.logged.map(({ event }) => event)).toContain("passkey_cloned");
    key.counter += 1;
    expect((await tryWith((o) => key.get(o))).status).toBe(200);
    const { body } = await alice.call("POST", "/api/auth/passkeys/options");
    // What the browser says of the way to it may be anything.
    const odd = new Authenticator().create(body.options, { origin: "http://evil.example" });
    for (const transports of ["internal", 5, {}, [{ toString: 1 }], null]) {
      const passkey = { ...odd, response: { ...odd.response, transports } };
      const got = await alice.call("POST", "/api/auth/passkeys", { challenge: body.challenge, passkey });
      expect([422, 410]).toContain(got.status);
    }
    const strange = (await alice.call("POST", "/api/auth/passkeys/options")).body;
    const made = new Authenticator().create(strange.options);
    Object.assign(made.response, { transports: [{ toString: 1 }, 7, "internal"] });
    const kept = { challenge: strange.challenge, passkey: made };
    const added = await alice.call("POST", "/api/auth/passkeys", kept);
    expect(added.status).toBe(201);
    goOnWith(alice, added.body);
    expect(await t.sql("SELECT transports FROM factors WHERE id = $1", added.body.factor.id)).toEqual([
      { transports: "internal" },
    ]);
  });

  test("is refused by an origin that is not the one it is made for", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const { body } = await alice.call("POST", "/api/auth/passkeys/options");
    for (const changes of [{ origin: "http://evil.example" }, { host: "evil.example" }, { flags: 1 }]) {
      const passkey = new Authenticator().create(body.options, changes);
      const got = await alice.call("POST", "/api/auth/passkeys", { challenge: body.challenge, passkey });
      expect([got.status, got.body.errors?.[0].field]).toEqual([422, "passkey"]);
    }
  });

  test("is one account's, and of somebody disabled or gone it opens nothing", async () => {
    await using t = await startApp(UNLIMITED);
    const [alice, bob] = [await register(t, "alice"), await register(t, "bob")];
    const { key } = await withPasskey(alice);
    const { body } = await bob.call("POST", "/api/auth/passkeys/options");
    const hers = key.userHandle;
    const taken = { challenge: body.challenge, passkey: key.create(body.options) };
    key.userHandle = hers;
    expect((await bob.call("POST", "/api/auth/passkeys", taken)).status).toBe(422);
    // Nor is a challenge to add one anybody else's.
    const mine = { challenge: body.challenge, passkey: new Authenticator().create(body.options) };
    expect((await alice.call("POST", "/api/auth/passkeys", mine)).body.code).toBe("challenge_ended");
    const enter = async () => {
      const { challenge, options } = (await t.json("POST", "/api/auth/passkeys/challenge")).body;
      return t.json("POST", "/api/auth/passkeys/login", { challenge, passkey: key.get(options) });
    };
    const { operator } = t.app.duet;
    await operator.disable(await operator.find("alice"));
    expect((await enter()).body.code).toBe("passkey_invalid");
    await operator.enable(await operator.find("alice"));
    const back = await enter();
    expect(back.status).toBe(200);
    goOnWith(alice, back.body);
    expect((await alice.call("POST", "/api/auth/delete", {})).status).toBe(204);
    expect((await enter()).body.code).toBe("passkey_invalid");
    expect(await t.sql("SELECT id FROM factors")).toEqual([]);
    expect(await t.sql("SELECT user_id FROM recovery_codes")).toEqual([]);
  });
});

describe("removing a factor", () => {
  test("ends every session; the last one takes the recovery codes along, and the password stays a way in", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const { id } = await withAuthenticator(alice);
    const passkey = await withPasskey(alice);
    expect(passkey.codes).toEqual([]);
    const before = alice.accessToken;
    const bob = await register(t, "bob");
    expect((await bob.call("DELETE", `/api/auth/factors/${id}`)).status).toBe(404);
    const removed = await alice.call("DELETE", `/api/auth/factors/${id}`);
    expect([removed.status, removed.body.factor.id]).toEqual([200, id]);
    goOnWith(alice, removed.body);
    expect((await me(t, before)).body.reason).toBe("factors_changed");
    expect((await password(t, alice)).body.factors).toEqual(["passkey", "recovery_code"]);
    expect((await alice.call("DELETE", `/api/auth/factors/${id}`)).status).toBe(404);
    goOnWith(alice, (await alice.call("DELETE", `/api/auth/factors/${passkey.id}`)).body);
    expect((await alice.call("GET", "/api/auth/factors")).body).toEqual({
      items: [],
      recovery_codes_left: 0,
    });
    expect((await password(t, alice)).status).toBe(200);
    // As many as may be.
    for (let n = 0; n < 3; n++) await withAuthenticator(alice);
    const more = await alice.call("POST", "/api/auth/factors/totp", {});
    expect([more.status, more.body.errors[0].code]).toEqual([422, "too_many"]);
  });
});

describe("a second factor", () => {
  test("is still asked for after an operator's link, unless it says otherwise", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    await withAuthenticator(alice);
    const { links, operator } = t.app.duet;
    const user = await operator.find("alice");
    const set = async (link: string, to: string) => {
      const token = new URL(link).searchParams.get("token");
      expect((await t.json("POST", "/api/auth/reset", { token, new_password: to })).status).toBe(204);
      alice.password = to;
    };
    const { challenge } = (await password(t, alice)).body;
    await set(await links.makeReset(user, COMMAND_LINE), PASSWORDS["bob"]!);
    expect((await answer(t, { challenge, code: "000000" })).body.code).toBe("challenge_ended");
    expect((await password(t, alice)).body.code).toBe("second_factor_required");
    await set(await links.makeReset(user, COMMAND_LINE, { withoutFactors: true }), PASSWORDS["carol"]!);
    expect((await password(t, alice)).status).toBe(200);
    expect(await t.sql("SELECT id FROM factors")).toEqual([]);
    expect((await kindsOf(t, alice.id)).slice(-3)).toEqual([
      "factor_remove success",
      "password_reset success",
      "login success",
    ]);
  });
});

describe("a challenge", () => {
  test("takes five tries, then there is a wait that grows, and a right password without its factor counts", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const { secret } = await withAuthenticator(alice);
    await t.sql("DELETE FROM throttles");
    const { challenge } = (await password(t, alice)).body;
    const tries = [];
    for (let n = 0; n < 6; n++) tries.push(await answer(t, { challenge, code: "000000" }));
    expect(tries.map(({ body }) => body.code)).toEqual([...Array(5).fill("code_invalid"), "challenge_ended"]);
    // Waiting for as long as one is told, again and again.
    const waits: number[] = [];
    for (let n = 0; n < 22; n++) {
      const next = (await password(t, alice)).body.challenge;
      if (!next) break;
      let got = await answer(t, { challenge: next, code: "000000" });
      const wait = got.body.code === "rate_limited" ? Number(got.headers.get("retry-after")) : 0;
      waits.push(wait);
      advance(wait);
      if (wait > 0) got = await answer(t, { challenge: next, code: "000000" });
      expect(["code_invalid", "challenge_ended"]).toContain(got.body.code);
      await t.sql("DELETE FROM challenges");
      await t.sql(
        "UPDATE throttles SET full_at = 0 WHERE id = $1",
        bucket("login_account_and_network", "alice"),
      );
    }
    expect(waits.slice(0, 4)).toEqual([15, 15, 15, 15]);
    expect(Math.max(...waits)).toBe(600);
    const [, ...rest] = waits.filter((wait) => wait > 0);
    expect(rest).toEqual(rest.toSorted((a, b) => a - b));
    // The right one is taken as soon as one may try, and gives what it took back.
    advance(600);
    const last = (await password(t, alice)).body.challenge;
    expect((await answer(t, { challenge: last, code: codeOf(secret) })).status).toBe(200);

    await t.sql("DELETE FROM throttles");
    const halves = [];
    for (let n = 0; n < 9; n++) halves.push((await password(t, alice)).status);
    expect(halves).toEqual([...Array(8).fill(401), 429]);
    await t.sql("DELETE FROM throttles");
    advance(30);
    for (let n = 0; n < 12; n++) {
      const { body } = await password(t, alice);
      expect((await answer(t, { challenge: body.challenge, code: codeOf(secret) })).status).toBe(200);
      advance(30);
    }
  });

  test("is answered by many wrong codes at once no more than five times", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    await withAuthenticator(alice);
    const { challenge } = (await password(t, alice)).body;
    const many = await Promise.all(
      Array.from({ length: 30 }, (_, n) => answer(t, { challenge, code: String(n).padStart(6, "0") })),
    );
    const codes = many.map(({ body }) => body.code);
    expect(codes.filter((code) => code === "code_invalid")).toHaveLength(5);
    expect(codes.filter((code) => code === "challenge_ended")).toHaveLength(25);
  });

  test("after a hundred wrong codes is answered from networks alone from which somebody has signed in", async () => {
    freezeClock();
    await using t = await startApp({ DUET_TRUSTED_PROXIES: "127.0.0.1" });
    const alice = await register(t, "alice");
    const { secret } = await withAuthenticator(alice);
    const from = (ip: string) => ({ "x-forwarded-for": ip });
    const half = async (ip: string) =>
      (await t.json("POST", "/api/auth/login", { username: "alice", password: alice.password }, from(ip)))
        .body;
    for (let n = 0; n < 100; n++) {
      const ip = `203.0.${n}.7`;
      const { challenge } = await half(ip);
      const got = await t.json("POST", "/api/auth/challenge", { challenge, code: "000000" }, from(ip));
      expect(got.body.code).toBe("code_invalid");
      await t.sql("UPDATE throttles SET full_at = 0 WHERE id = $1", bucket("login_account", "alice"));
    }
    advance(30);
    const there = await half("198.51.100.9");
    const strange = { challenge: there.challenge, code: codeOf(secret) };
    const refused = await t.json("POST", "/api/auth/challenge", strange, from("198.51.100.9"));
    expect([refused.status, refused.body.code]).toEqual([429, "rate_limited"]);
    // Its owner comes in from where they have been before, as if nothing were the matter.
    const own = (await password(t, alice)).body;
    expect((await answer(t, { challenge: own.challenge, code: codeOf(secret) })).status).toBe(200);
  });

  test("dies with the password, the account and its ten minutes, and is nobody else's", async () => {
    freezeClock();
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const { secret, codes } = await withAuthenticator(alice);
    const begin = async () => (await password(t, alice)).body.challenge as string;
    const isOver = async (challenge: string) =>
      expect((await answer(t, { challenge, recovery_code: codes[0] })).body.code).toBe("challenge_ended");
    const late = await begin();
    advance(600);
    await isOver(late);
    for (const never of ["", "x", "a".repeat(43)]) await isOver(never);
    // Another password: what was asked before it is asked no more.
    const old = await begin();
    const { challenge } = (await password(t, alice)).body;
    goOnWith(alice, (await answer(t, { challenge, code: codeOf(secret) })).body);
    const changed = await alice.call("POST", "/api/auth/password", { new_password: PASSWORDS["bob"] });
    expect(changed.status).toBe(200);
    await isOver(old);
    alice.password = PASSWORDS["bob"]!;
    const { operator } = t.app.duet;
    const again = await begin();
    await operator.disable(await operator.find("alice"));
    await isOver(again);
    await operator.enable(await operator.find("alice"));
    // One answer, of one kind.
    const open = await begin();
    for (const body of [{}, { code: "1", recovery_code: "2" }, { password: alice.password }])
      expect((await answer(t, { challenge: open, ...body })).status).toBe(422);
    expect((await answer(t, { challenge: open, recovery_code: codes[0] })).status).toBe(200);
  });

  test("that a key began is answered by that key alone", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const { codes } = await withAuthenticator(alice);
    const [key, thief] = [await KeyHolder.create(t), await KeyHolder.create(t)];
    const input = { username: "alice", password: alice.password };
    const begin = async () => (await key.ask("POST", "/api/auth/login", input)).body.challenge as string;
    const path = "/api/auth/challenge";
    const challenge = await begin();
    const body = { challenge, recovery_code: codes[0] };
    expect((await t.json("POST", path, body)).body.code).toBe("invalid_dpop_proof");
    expect((await thief.ask("POST", path, body)).body.code).toBe("invalid_dpop_proof");
    const signedIn = await key.ask("POST", path, body);
    expect([signedIn.status, signedIn.body.token_type]).toEqual([200, "DPoP"]);
    expect((await key.ask("GET", "/api/auth/me", undefined, signedIn.body.access_token)).status).toBe(200);
    expect((await me(t, signedIn.body.access_token)).status).toBe(401);
    // Nor is one that no key began bound by whoever answers it.
    const plain = (await password(t, alice)).body.challenge;
    const bound = await thief.ask("POST", path, { challenge: plain, recovery_code: codes[1] });
    expect(bound.body.code).toBe("invalid_dpop_proof");
  });

  test("is cleared away when its time is over", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    await withAuthenticator(alice);
    await password(t, alice);
    await t.json("POST", "/api/auth/passkeys/challenge");
    advance(3600);
    await t.app.duet.housekeeping.tend();
    expect(await t.sql("SELECT id FROM challenges")).toEqual([]);
  });
});

/** Where a limit is counted (core/auth/throttle.ts). */
const bucket = (limit: string, account: string, network = "127.0.0.1") =>
  new Bun.CryptoHasher("sha256")
    .update(limit === "login_account" ? `${limit}\n${account}` : `${limit}\n${account}\n${network}`)
    .digest("base64url");
