import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { advance, freezeClock, startApp, testFolder, type TestApp } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { decode, login, me, refresh, register, type Person } from "./support/people.ts";

/** The rows themselves, read beside the server. */
const rowOf = async (t: TestApp, refreshToken: string): Promise<any> =>
  (await t.sql("SELECT * FROM sessions WHERE id = $1", decode(refreshToken).claims.sid))[0];

const ended = (reason: string) => ({ status: 401, code: "session_ended", reason });
const refusal = ({ status, body }: { status: number; body: any }) => ({
  status,
  code: body.code,
  ...(body.reason && { reason: body.reason }),
});

describe("a refresh", () => {
  test("answers a new pair of the next generation and leaves the old access token its minutes", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    advance(60);
    const { status, body } = await refresh(t, alice.refreshToken);
    expect(status).toBe(200);
    expect(Object.keys(body).toSorted()).toEqual([
      "access_token",
      "expires_in",
      "refresh_expires_in",
      "refresh_token",
      "token_type",
    ]);
    expect(body).toMatchObject({ token_type: "bearer", expires_in: 1800, refresh_expires_in: 604_800 });
    expect(decode(body.refresh_token).claims.gen).toBe(2);
    expect(decode(body.access_token).claims.gen).toBe(2);
    expect((await me(t, alice.accessToken)).status).toBe(200);
    expect((await me(t, body.access_token)).status).toBe(200);
    expect(await rowOf(t, alice.refreshToken)).toMatchObject({ generation: 2, ended_at: null });
  });

  test("100 at once with one token make one generation and one successor", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const answers = await Promise.all(Array.from({ length: 100 }, () => refresh(t, alice.refreshToken)));
    expect(answers.map((a) => a.status)).toEqual(Array(100).fill(200));
    expect(new Set(answers.map((a) => a.body.refresh_token)).size).toBe(1);
    expect(await rowOf(t, alice.refreshToken)).toMatchObject({ generation: 2, ended_at: null });
  });

  test("whose answer was lost, even days ago, is answered with the same successor again", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const lost = await refresh(t, alice.refreshToken);
    advance(6 * 86_400);
    const again = await refresh(t, alice.refreshToken);
    expect(again.status).toBe(200);
    expect(again.body.refresh_token).toBe(lost.body.refresh_token);
    expect(again.body.access_token).not.toBe(lost.body.access_token);
    expect((await me(t, again.body.access_token)).status).toBe(200);
  });

  test("whose answer was lost in a session long in use is answered with the same successor again", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    await me(t, alice.accessToken); // generation 1 is in use
    advance(1500);
    const second = await refresh(t, alice.refreshToken);
    await me(t, second.body.access_token); // and so is generation 2
    advance(1500);
    const lost = await refresh(t, second.body.refresh_token);
    advance(3600);
    const again = await refresh(t, second.body.refresh_token);
    expect(again.body.refresh_token).toBe(lost.body.refresh_token);
    expect((await me(t, again.body.access_token)).status).toBe(200);
  });

  test("by a straggler within the overlap is answered with the same successor again", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const first = await refresh(t, alice.refreshToken);
    expect((await me(t, first.body.access_token)).status).toBe(200); // the successor's first use
    advance(120);
    const straggler = await refresh(t, alice.refreshToken);
    expect(straggler.status).toBe(200);
    expect(straggler.body.refresh_token).toBe(first.body.refresh_token);
    expect(await rowOf(t, alice.refreshToken)).toMatchObject({ generation: 2, ended_at: null });
  });

  test("by a thief, after the owner's first use of the successor, ends this session and no other", async () => {
    freezeClock();
    await using t = await startApp();
    const phone = await register(t, "alice");
    const laptop = await login(t, "alice");
    const stolen = phone.refreshToken;
    const owner = await refresh(t, phone.refreshToken);
    await me(t, owner.body.access_token);
    advance(121);
    expect(refusal(await refresh(t, stolen))).toEqual(ended("reuse_detected"));
    expect(refusal(await me(t, owner.body.access_token))).toEqual(ended("reuse_detected"));
    expect(refusal(await me(t, phone.accessToken))).toEqual(ended("reuse_detected"));
    expect(refusal(await refresh(t, owner.body.refresh_token))).toEqual(ended("reuse_detected"));
    expect((await me(t, laptop.accessToken)).status).toBe(200);
    expect((await refresh(t, laptop.refreshToken)).status).toBe(200);
    expect(t.logged.filter(({ event }) => event === "reuse_detected")).toHaveLength(1);
  });

  test("by many thieves at once ends the session once", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    await me(t, (await refresh(t, alice.refreshToken)).body.access_token);
    advance(121);
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(t, alice.refreshToken)));
    expect(answers.map(refusal)).toEqual(Array(50).fill(ended("reuse_detected")));
    expect(t.logged.filter(({ event }) => event === "reuse_detected")).toHaveLength(1);
  });

  test("by a thief who was first is caught when the owner shows the same token after the thief's first use", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const thief = await refresh(t, alice.refreshToken);
    await me(t, thief.body.access_token);
    advance(121);
    expect(refusal(await refresh(t, alice.refreshToken))).toEqual(ended("reuse_detected"));
    expect(refusal(await me(t, thief.body.access_token))).toEqual(ended("reuse_detected"));
  });

  test("counts the newest refresh token's own use as its generation's first use", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const second = await refresh(t, alice.refreshToken);
    advance(121);
    const third = await refresh(t, second.body.refresh_token);
    expect(decode(third.body.refresh_token).claims.gen).toBe(3);
    // Its successor was used at that moment, two generations behind or not.
    advance(120);
    const late = await refresh(t, alice.refreshToken);
    expect(late.body.refresh_token).toBe(third.body.refresh_token);
    advance(1);
    expect(refusal(await refresh(t, alice.refreshToken))).toEqual(ended("reuse_detected"));
  });

  test("by several programs that hold one token is answered with the newest pair, whoever is behind", async () => {
    freezeClock();
    await using t = await startApp();
    const { refreshToken: shared } = await register(t, "alice");
    const a = await refresh(t, shared);
    await me(t, a.body.access_token);
    advance(3);
    const b = await refresh(t, shared);
    expect(b.body.refresh_token).toBe(a.body.refresh_token);
    advance(11);
    const c = await refresh(t, shared);
    expect(c.body.refresh_token).toBe(a.body.refresh_token);
    // Twice on, while a sibling still shows the first.
    advance(46);
    const further = await refresh(t, a.body.refresh_token);
    expect(decode(further.body.refresh_token).claims.gen).toBe(3);
    await me(t, further.body.access_token);
    // A third step would make the row forget the first one, which lives: the newest is answered with itself.
    const kept = await refresh(t, further.body.refresh_token);
    expect(kept.body.refresh_token).toBe(further.body.refresh_token);
    advance(60);
    const sibling = await refresh(t, shared);
    expect([sibling.status, sibling.body.refresh_token]).toEqual([200, further.body.refresh_token]);
    advance(61);
    expect(decode((await refresh(t, further.body.refresh_token)).body.refresh_token).claims.gen).toBe(4);
    expect(refusal(await refresh(t, shared))).toEqual(ended("reuse_detected"));
  });

  test("follows the way that its session was started, not the one that its token is shown on", async () => {
    freezeClock();
    await using t = await startApp();
    const browser = new Visitor(t);
    await browser.register("bob");
    const token = browser.jar.get("duet_refresh")!.value;
    expect(await rowOf(t, token)).toMatchObject({ kind: "browser" });
    const next = await refresh(t, token);
    await me(t, next.body.access_token);
    advance(11);
    expect(refusal(await refresh(t, token))).toEqual(ended("reuse_detected"));
  });

  test("is strict where the overlap is 0, and a lost answer is still no theft", async () => {
    freezeClock();
    await using t = await startApp({ DUET_PROGRAM_OVERLAP: "0" });
    const alice = await register(t, "alice");
    const lost = await refresh(t, alice.refreshToken);
    const again = await refresh(t, alice.refreshToken);
    expect(again.body.refresh_token).toBe(lost.body.refresh_token);
    await me(t, again.body.access_token);
    expect(refusal(await refresh(t, alice.refreshToken))).toEqual(ended("reuse_detected"));
  });

  test("never ends a session by a token that is forged, malformed, of the wrong type or expired", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const [header, claims, signature] = alice.refreshToken.split(".");
    const older = Buffer.from(JSON.stringify({ ...decode(alice.refreshToken).claims, gen: -5 })).toString(
      "base64url",
    );
    const attempts = {
      "": "token_missing",
      x: "token_invalid",
      [`${header}.${older}.${signature}`]: "token_invalid",
      [`${header}.${claims}.`]: "token_invalid",
      [alice.accessToken]: "token_type_mismatch",
    };
    for (const [token, code] of Object.entries(attempts))
      expect(refusal(await refresh(t, token))).toEqual({ status: 401, code });
    expect(await rowOf(t, alice.refreshToken)).toMatchObject({ generation: 1, ended_at: null });
    expect((await refresh(t, alice.refreshToken)).status).toBe(200);
  });

  test("of a token expired in a session that lives on is refused, and no alarm", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    advance(6 * 86_400);
    const newer = await refresh(t, alice.refreshToken);
    await me(t, newer.body.access_token);
    advance(2 * 86_400);
    expect(refusal(await refresh(t, alice.refreshToken))).toEqual({ status: 401, code: "token_expired" });
    expect((await refresh(t, newer.body.refresh_token)).status).toBe(200);
  });

  test("ignores members of the body that would change what the token is about", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const bob = await register(t, "bob");
    const extra = {
      refresh_token: alice.refreshToken,
      sub: bob.id,
      user_id: bob.id,
      exp: 9e9,
      scope: "admin",
      gen: 99,
    };
    const { body } = await t.json("POST", "/api/auth/refresh", extra);
    expect(decode(body.access_token).claims).toMatchObject({ sub: alice.id, gen: 2 });
  });
});

describe("the row of a session", () => {
  test.each([
    "ended_at = 1",
    "end_reason = 'logout'",
    "generation = 0",
    "idle_ends_at = ends_at + 1",
    "user_id = NULL",
    "rotated_at = 'yesterday'",
  ])("cannot be %s", async (change) => {
    await using t = await startApp();
    await register(t, "alice");
    await expect(t.sql(`UPDATE sessions SET ${change}`)).rejects.toThrow(
      /constraint|cannot store|invalid input syntax/i,
    );
  });
});

describe("a session", () => {
  test("writes one row however often it is refreshed, and its first uses only", async () => {
    freezeClock();
    await using t = await startApp();
    let { refreshToken } = await register(t, "alice");
    for (let i = 0; i < 20; i++) {
      refreshToken = (await refresh(t, refreshToken)).body.refresh_token;
      advance(121);
    }
    expect(await t.sql("SELECT count(*) AS n FROM sessions")).toEqual([{ n: 1 }]);
    expect(await rowOf(t, refreshToken)).toMatchObject({ generation: 21, confirmed_at: null });
  });

  testFolder("keeps no token and nothing that is one", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const next = await refresh(t, alice.refreshToken);
    for (const file of ["duet.db", "duet.db-wal"]) {
      const bytes = await Bun.file(join(t.folder, file)).text();
      for (const token of [alice.accessToken, alice.refreshToken, next.body.refresh_token])
        for (const part of token.split(".").slice(1)) expect(bytes).not.toContain(part);
    }
  });

  test("ends after 7 idle days, and says so", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    advance(7 * 86_400 - 1);
    const kept = await refresh(t, alice.refreshToken);
    expect(kept.status).toBe(200);
    advance(7 * 86_400);
    expect(refusal(await refresh(t, kept.body.refresh_token))).toEqual(ended("expired_idle"));
    advance(-86_400); // a clock that jumps back revives nothing
    expect(refusal(await refresh(t, kept.body.refresh_token))).toEqual(ended("expired_idle"));
  });

  test("ends after 90 days whatever happens, and no token outlives it", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    let pair: any = { refresh_token: alice.refreshToken };
    for (let day = 6; day < 90; day += 6) {
      advance(6 * 86_400);
      pair = (await refresh(t, pair.refresh_token)).body;
    }
    expect(pair.refresh_expires_in).toBe(6 * 86_400); // day 84: the rest, not a week
    advance(6 * 86_400 - 60);
    pair = (await refresh(t, pair.refresh_token)).body;
    expect(pair).toMatchObject({ expires_in: 60, refresh_expires_in: 60 });
    advance(60);
    expect(refusal(await refresh(t, pair.refresh_token))).toEqual(ended("expired_absolute"));
  });

  test("survives a restart, its end too", async () => {
    const before = await startApp();
    const alice = await register(before, "alice");
    const bob = await register(before, "bob");
    await bob.call("POST", "/api/auth/logout");
    await using after = await before.restart();
    expect((await me(after, alice.accessToken)).status).toBe(200);
    expect((await refresh(after, alice.refreshToken)).status).toBe(200);
    expect(refusal(await me(after, bob.accessToken))).toEqual(ended("logout"));
  });

  test("is its user's: without the user its tokens are nobody's", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    await t.sql("DELETE FROM users");
    expect(refusal(await me(t, alice.accessToken))).toEqual({ status: 401, code: "user_not_found" });
    expect(refusal(await refresh(t, alice.refreshToken))).toEqual({ status: 401, code: "user_not_found" });
  });

  test("of a disabled user is over at once", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    await t.sql("UPDATE users SET disabled_at = 1");
    expect(refusal(await me(t, alice.accessToken))).toEqual(ended("user_disabled"));
    expect(refusal(await refresh(t, alice.refreshToken))).toEqual(ended("user_disabled"));
    const again = await t.json("POST", "/api/auth/login", { username: "alice", password: alice.password });
    expect(refusal(again)).toEqual({ status: 401, code: "invalid_credentials" });
    await t.sql("UPDATE users SET disabled_at = NULL"); // the end stays
    expect(refusal(await me(t, alice.accessToken))).toEqual(ended("user_disabled"));
  });
});

describe("an access token", () => {
  test("does not outlive its session's idle end, for those who see only the token", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    await refresh(t, alice.refreshToken); // lost
    advance(7 * 86_400 - 60);
    const { body } = await refresh(t, alice.refreshToken);
    expect(body).toMatchObject({ expires_in: 60, refresh_expires_in: 60 });
  });
});

describe("signing out", () => {
  test("by refresh token alone ends every token of the session, and may be said twice", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    advance(1801); // the access token has expired
    const body = { refresh_token: alice.refreshToken };
    expect((await t.json("POST", "/api/auth/logout", body)).status).toBe(204);
    expect((await t.json("POST", "/api/auth/logout", body)).status).toBe(204);
    expect(refusal(await refresh(t, alice.refreshToken))).toEqual(ended("logout"));
  });

  test("by access token ends this session only", async () => {
    await using t = await startApp();
    const phone = await register(t, "alice");
    const laptop = await login(t, "alice");
    expect((await phone.call("POST", "/api/auth/logout")).status).toBe(204);
    expect(refusal(await me(t, phone.accessToken))).toEqual(ended("logout"));
    expect((await me(t, laptop.accessToken)).status).toBe(200);
  });

  test("everywhere ends all of one's own and nobody else's", async () => {
    await using t = await startApp();
    const phone = await register(t, "alice");
    const laptop = await login(t, "alice");
    const bob = await register(t, "bob");
    expect((await laptop.call("POST", "/api/auth/logout-all")).status).toBe(204);
    expect(refusal(await me(t, phone.accessToken))).toEqual(ended("logout_all"));
    expect(refusal(await refresh(t, laptop.refreshToken))).toEqual(ended("logout_all"));
    expect((await me(t, bob.accessToken)).status).toBe(200);
  });

  test("ends the session by a token of either type in either place, and whatever stands beside it", async () => {
    await using t = await startApp();
    for (const ask of [
      (p: Person) => t.json("POST", "/api/auth/logout", { refresh_token: p.accessToken }),
      (p: Person) => t.json("POST", "/api/auth/logout", {}, { authorization: `Bearer ${p.refreshToken}` }),
      (p: Person) =>
        t.json("POST", "/api/auth/logout", { refresh_token: p.refreshToken }, { authorization: "Basic x" }),
    ]) {
      const person = t.logged.length === 0 ? await register(t, "alice") : await login(t, "alice");
      expect((await ask(person)).status).toBe(204);
      expect(refusal(await me(t, person.accessToken))).toEqual(ended("logout"));
    }
  });

  test("with what is no token is 204 and ends nothing; with nothing at all 401", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    expect((await t.json("POST", "/api/auth/logout", { refresh_token: "x.y.z" })).status).toBe(204);
    expect(refusal(await t.json("POST", "/api/auth/logout", {}))).toEqual({
      status: 401,
      code: "token_missing",
    });
    expect((await me(t, alice.accessToken)).status).toBe(200);
  });
});

describe.each(["ES256", "EdDSA", "RS256"])("with %s", (algorithm) => {
  test("the successor is the same token again", async () => {
    freezeClock();
    await using t = await startApp({ DUET_JWT_ALG: algorithm });
    const alice = await register(t, "alice");
    const [a, b] = await Promise.all([refresh(t, alice.refreshToken), refresh(t, alice.refreshToken)]);
    // To the letter, whatever signs access tokens.
    expect(a.body.refresh_token).toBe(b.body.refresh_token);
    expect(decode(a.body.access_token).header.alg).toBe(algorithm);
    expect((await me(t, a.body.access_token)).status).toBe(200);
    expect((await refresh(t, b.body.refresh_token)).status).toBe(200);
  });
});
