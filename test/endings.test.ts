import { describe, expect, test } from "bun:test";
import { beginAnew } from "../src/core/restoration.ts";
import { createStore } from "../src/store/index.ts";
import { END_REASONS, type EndReason } from "../src/errors.ts";
import { LOCALES } from "../src/locales/index.ts";
import { advance, freezeClock, startApp, type TestApp } from "./support/app.ts";
import { codeOf } from "./support/authenticator.ts";
import { Visitor } from "./support/browserless.ts";
import { decode, login, me, PASSWORDS, refresh, register } from "./support/people.ts";

const DAY = 24 * 3600;
const SAFARI =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
const ELSEWHERE = { "user-agent": SAFARI, "x-forwarded-for": "203.0.113.7" };
const SAFARI_ON_IPHONE = { device: "Safari on iPhone", ip: "203.0.113.7" };

/** Signs alice in again, on a telephone somewhere else. */
async function onTelephone(t: TestApp) {
  const input = { username: "alice", password: PASSWORDS["alice"] };
  const { body } = await t.json("POST", "/api/auth/login", input, ELSEWHERE);
  const headers = { authorization: `Bearer ${body.access_token}`, ...ELSEWHERE };
  return (method: string, path: string, sent?: unknown) => t.json(method, path, sent, headers);
}

type Victim = { sessionId: string; refreshToken: string; visitor: Visitor };

/** One way to each end of the victim's session, and by whom it is told to have been ended. */
/** What is done to data that is put back, on the database of a running server. */
async function restoreOver(t: TestApp) {
  const db = t.openDb();
  await beginAnew(createStore(db), Date.now());
  await db.close();
}

const ENDS: Record<EndReason, [act: (t: TestApp, victim: Victim) => Promise<unknown>, by: object | null]> = {
  logout: [(_, { visitor }) => visitor.script("POST", "/auth/logout"), { device: null, ip: "127.0.0.1" }],
  logout_all: [async (t) => (await onTelephone(t))("POST", "/api/auth/logout-all"), SAFARI_ON_IPHONE],
  revoked: [
    async (t, { sessionId }) => (await onTelephone(t))("DELETE", `/api/auth/sessions/${sessionId}`),
    SAFARI_ON_IPHONE,
  ],
  revoked_by_operator: [
    (t, { sessionId }) => t.app.duet.operator.endSession(sessionId),
    // From where an operator did it is nobody's business.
    null,
  ],
  password_changed: [
    async (t) => {
      const input = { current_password: PASSWORDS["alice"], new_password: PASSWORDS["bob"] };
      return (await onTelephone(t))("POST", "/api/auth/password", input);
    },
    SAFARI_ON_IPHONE,
  ],
  factors_changed: [
    async (t) => {
      const call = await onTelephone(t);
      const { body } = await call("POST", "/api/auth/factors/totp", {});
      return call("POST", `/api/auth/factors/totp/${body.id}/confirm`, { code: codeOf(body.secret) });
    },
    SAFARI_ON_IPHONE,
  ],
  reuse_detected: [
    async (t, { refreshToken, visitor }) => {
      visitor.forgetAccess();
      await visitor.open("/conversations");
      advance(121);
      await t.json("POST", "/api/auth/refresh", { refresh_token: refreshToken }, ELSEWHERE);
    },
    SAFARI_ON_IPHONE,
  ],
  expired_idle: [async () => advance(8 * DAY), null],
  expired_absolute: [
    async (_, { visitor }) => {
      for (let day = 0; day < 90; day += 5) {
        visitor.forgetAccess();
        await visitor.open("/conversations");
        advance(5 * DAY);
      }
    },
    null,
  ],
  user_disabled: [
    async (t) => {
      await t.sql("UPDATE users SET disabled_at = 1");
    },
    null,
  ],
  user_deleted: [
    async (t) => (await onTelephone(t))("POST", "/api/auth/delete", { password: PASSWORDS["alice"] }),
    null, // what it was done with goes with the account
  ],
  restored: [(t) => restoreOver(t), null],
};

describe("a session that ends", () => {
  test.each(END_REASONS)(
    "by %s says so to programs and people: what, when, and on which device",
    async (reason) => {
      freezeClock();
      await using t = await startApp({ DUET_TRUSTED_PROXIES: "127.0.0.1" });
      const visitor = new Visitor(t);
      await visitor.register("alice");
      const [accessToken, refreshToken] = ["duet_access", "duet_refresh"].map(
        (n) => visitor.jar.get(n)!.value,
      );
      const { items } = (
        await t.json("GET", "/api/auth/sessions", undefined, { authorization: `Bearer ${accessToken}` })
      ).body;
      const kept = new Map(visitor.jar);
      const [act, by] = ENDS[reason];
      await act(t, { sessionId: items[0].id, refreshToken: refreshToken!, visitor });
      for (const [name, cookie] of visitor.jar.size > 1 ? visitor.jar : kept) visitor.jar.set(name, cookie);
      visitor.jar.delete("duet_ended");

      const answer = await refresh(t, visitor.jar.get("duet_refresh")!.value);
      expect(answer.status).toBe(401);
      expect(answer.body).toMatchObject({ code: "session_ended", reason, ended_by: by });
      expect(Math.abs(Date.now() - Date.parse(answer.body.ended_at))).toBeLessThanOrEqual(5 * DAY * 1000);
      if (!reason.startsWith("expired")) expect((await me(t, accessToken!)).status).toBe(401);

      visitor.forgetAccess();
      const { path, html } = await visitor.open("/conversations");
      expect(path).toBe("/login?next=%2Fconversations");
      expect(html).toContain(LOCALES.en.reasons[reason]);
      // Who has just signed out here need not be told when and where.
      if (reason === "logout") expect(html).not.toContain("<time");
      else expect(html).toContain(`<time datetime="${answer.body.ended_at}"`);
      if (by && reason !== "logout") expect(html).toContain("Safari on iPhone · 203.0.113.7");
      // After a new password or factor, this browser's next cookies may be on their way.
      const left = reason.endsWith("_changed") ? ["duet_refresh", "duet_ended"] : ["duet_ended"];
      expect([...visitor.jar.keys()].toSorted()).toEqual(left.toSorted());
    },
  );

  test("says on the page nothing that a stranger can choose: only the row of a session that has ended", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const id = (await alice.call("GET", "/api/auth/sessions")).body.items[0].id;
    // Known to whoever has seen a token or a log, and over.
    const gone = await login(t, "alice");
    const goneId = decode(gone.accessToken).claims.sid;
    await gone.call("POST", "/api/auth/logout");
    const forged = `${gone.refreshToken.split(".").slice(0, 2).join(".")}.${"A".repeat(43)}`;
    for (const value of [
      id,
      goneId,
      forged,
      "01999999-0000-7000-8000-000000000000",
      "<b>call 555-0100</b>",
      "' OR 1=1 --",
    ]) {
      const headers = { cookie: `duet_ended=${value}`, "sec-fetch-mode": "navigate" };
      const html = await (await t.fetch("/login", { headers })).text();
      expect(html).not.toContain("banner");
      expect(html).not.toContain("555-0100");
    }
  });

  test("has ended for good: neither a restart nor a clock that is set back brings it to life", async () => {
    freezeClock();
    await using first = await startApp();
    const alice = await register(first, "alice");
    advance(8 * DAY);
    expect((await refresh(first, alice.refreshToken)).body.reason).toBe("expired_idle");
    advance(-8 * DAY);
    expect((await me(first, alice.accessToken)).body.reason).toBe("expired_idle");
    await using t = await first.restart();
    expect((await refresh(t, alice.refreshToken)).body.reason).toBe("expired_idle");
  });

  test("has not ended for good by a clock that was set just now, and may be set right again", async () => {
    freezeClock();
    // The second clock only counts on.
    let monotonic = 0;
    await using t = await startApp({}, undefined, { monotonic: () => monotonic });
    const alice = new Visitor(t);
    await alice.register("alice");
    const token = alice.jar.get("duet_refresh")!.value;
    advance(8 * DAY);
    expect((await refresh(t, token)).body.reason).toBe("expired_idle");
    alice.forgetAccess();
    const refused = await alice.open("/conversations");
    expect([refused.path, alice.jar.has("duet_refresh")]).toEqual(["/login?next=%2Fconversations", true]);
    advance(60 * DAY);
    await t.app.duet.housekeeping.tend();
    advance(-68 * DAY);
    expect((await alice.open("/conversations")).status).toBe(200);
    // Time that has passed by both is past.
    monotonic += 8 * DAY * 1000;
    advance(8 * DAY);
    expect((await refresh(t, token)).body.reason).toBe("expired_idle");
    advance(-8 * DAY);
    expect((await refresh(t, token)).body.reason).toBe("expired_idle");
  });

  test.each([-3600, 3600])(
    "is not taken for stolen where the clock is set by %d s right after a successor's first use",
    async (seconds) => {
      freezeClock();
      let monotonic = 0;
      const pass = (s: number) => {
        monotonic += s * 1000;
        advance(s);
      };
      await using t = await startApp({}, undefined, { monotonic: () => monotonic });
      const alice = await register(t, "alice");
      const next = (await refresh(t, alice.refreshToken)).body;
      expect((await me(t, next.access_token)).status).toBe(200);
      pass(1);
      advance(seconds);
      const tab = await refresh(t, alice.refreshToken);
      expect([tab.status, tab.body.refresh_token]).toEqual([200, next.refresh_token]);
      // The overlap is not longer for that.
      pass(121);
      expect((await refresh(t, alice.refreshToken)).body.reason).toBe("reuse_detected");
    },
  );

  test("is forgotten 30 days after its last token has expired", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const rows = () => t.sql("SELECT count(*) AS n FROM sessions");
    advance(36 * DAY);
    await t.app.duet.housekeeping.tend();
    expect(await rows()).toEqual([{ n: 1 }]);
    expect((await refresh(t, alice.refreshToken)).body.reason).toBe("expired_idle");
    advance(2 * DAY);
    await t.app.duet.housekeeping.tend();
    expect(await rows()).toEqual([{ n: 0 }]);
    expect((await refresh(t, alice.refreshToken)).body.code).toBe("token_expired");
  });
});

describe("deleting an account", () => {
  test("needs the password, and takes away all that is one's own", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const bob = await register(t, "bob");
    const own = (await alice.call("POST", "/api/conversations", { title: "mine" })).body.id;
    const shared = (await alice.call("POST", "/api/conversations", { title: "ours" })).body.id;
    await alice.call("POST", `/api/conversations/${shared}/members`, { username: "bob" });
    await alice.call("POST", `/api/conversations/${shared}/messages`, { body: "so long" });

    const wrong = await alice.call("POST", "/api/auth/delete", { password: "wrong" });
    expect([wrong.status, wrong.body.errors[0].code]).toEqual([422, "wrong_password"]);
    const laptop = await login(t, "alice");
    expect((await alice.call("POST", "/api/auth/delete", { password: alice.password })).status).toBe(204);

    for (const { accessToken, refreshToken } of [alice, laptop]) {
      expect((await me(t, accessToken)).body).toMatchObject({
        code: "session_ended",
        reason: "user_deleted",
      });
      expect((await refresh(t, refreshToken)).body.reason).toBe("user_deleted");
    }
    const again = { username: "alice", password: alice.password };
    expect((await t.json("POST", "/api/auth/login", again)).body.code).toBe("invalid_credentials");
    const conversation = (await bob.call("GET", `/api/conversations/${shared}`)).body;
    expect(conversation.owner_id).toBe(bob.id);
    const { items } = (await bob.call("GET", `/api/conversations/${shared}/messages`)).body;
    expect(items).toMatchObject([{ body: "so long", author: null }]);
    expect(await t.sql("SELECT id FROM conversations WHERE id = $1", own)).toEqual([]);
    expect(await t.sql("SELECT id FROM auth_events WHERE user_id = $1", alice.id)).toEqual([]);
    const kept = await t.sql("SELECT user_agent, ip, ended_ip FROM sessions WHERE user_id = $1", alice.id);
    expect(kept).toEqual(Array(2).fill({ user_agent: "", ip: "", ended_ip: null }));
    expect((await t.json("POST", "/api/auth/register", again)).status).toBe(201);
  });
});
