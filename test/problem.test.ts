import { describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { renameSync, rmSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import {
  END_REASONS,
  ERROR_STATUS,
  FIELD_CODES,
  PASSWORD_SUGGESTIONS,
  PASSWORD_WARNINGS,
  type ErrorCode,
} from "../src/errors.ts";
import { LIMITS } from "../src/limits.ts";
import { LOCALES } from "../src/locales/index.ts";
import {
  advance,
  answerOf,
  freezeClock,
  ORIGIN,
  startApp,
  UNLIMITED,
  type Answer,
  type TestApp,
} from "./support/app.ts";
import { decode, login, PASSWORDS, refresh, register, type Person } from "./support/people.ts";
import { KeyHolder } from "./support/dpop.ts";
import { password, withAuthenticator } from "./support/factors.ts";
import { MAIL_TO_NOWHERE } from "./support/mail.ts";

const JSON_TYPE = { "content-type": "application/json" };
type Ask = (t: TestApp, alice: Person, language: string) => Promise<Answer>;

const ask =
  (method: string, path: string, options: { headers?: Record<string, string>; body?: BodyInit } = {}): Ask =>
  async (t, _, language) =>
    answerOf(
      await t.fetch(path, {
        method,
        headers: { "accept-language": language, ...options.headers },
        ...(options.body !== undefined && { body: options.body }),
      }),
    );
const withToken =
  (token: (alice: Person) => string): Ask =>
  (t, alice, language) =>
    ask("GET", "/api/auth/me", { headers: { authorization: `Bearer ${token(alice)}` } })(t, alice, language);
const withBody = (path: string, body: unknown): Ask =>
  ask("POST", path, { headers: JSON_TYPE, body: typeof body === "string" ? body : JSON.stringify(body) });

let crowded: Promise<Map<string, Answer>> | undefined;

/** More sign-ins at once than may wait, in both languages; what those that may not are told. */
const crowd = () =>
  (crowded ??= (async () => {
    await using t = await startApp(UNLIMITED);
    const count = LIMITS.hashQueueMax + availableParallelism() + 8;
    const answers = await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const language = i % 2 ? "en" : "zh";
        const input = { username: "nobody", password: "x" };
        return [
          language,
          await t.json("POST", "/api/auth/login", input, { "accept-language": language }),
        ] as const;
      }),
    );
    return new Map(answers.filter(([, answer]) => answer.status === 503));
  })());

/** As if the browser of this session had registered a key; what it is needs https (dbsc.test.ts). */
const bind = (t: TestApp, { refreshToken }: Person) =>
  t.sql(
    "UPDATE sessions SET kind = 'browser', key_thumbprint = 'k', device_key = '{}', device_session = 'd' WHERE id = $1",
    decode(refreshToken).claims.sid,
  );

/** One way to meet each error. A code that is missing here fails the test below. */
const WAYS: Record<ErrorCode, Ask> = {
  malformed_body: withBody("/api/auth/login", '{"username": "alice'),
  malformed_request: ask("GET", "/healthz", { headers: { host: "one.example, two.example" } }),
  invalid_dpop_proof: async (t, _, language) => {
    const key = await KeyHolder.create(t);
    const headers = { dpop: await key.proof("GET", "/elsewhere"), "accept-language": language };
    return t.json("POST", "/api/auth/login", { username: "alice", password: "x" }, headers);
  },
  use_dpop_nonce: async (t, _, language) => {
    const key = await KeyHolder.create(t);
    const headers = { dpop: await key.proof("POST", "/api/auth/login"), "accept-language": language };
    return t.json("POST", "/api/auth/login", { username: "alice", password: "x" }, headers);
  },
  invalid_credentials: withBody("/api/auth/login", { username: "alice", password: "wrong" }),
  second_factor_required: async (t, alice, language) => {
    await withAuthenticator(alice);
    return withBody("/api/auth/login", { username: "alice", password: alice.password })(t, alice, language);
  },
  code_invalid: async (t, alice, language) => {
    await withAuthenticator(alice);
    const { challenge } = (await password(t, alice)).body;
    return withBody("/api/auth/challenge", { challenge, code: "000000" })(t, alice, language);
  },
  passkey_invalid: async (t, alice, language) => {
    const { challenge } = (await t.json("POST", "/api/auth/passkeys/challenge")).body;
    return withBody("/api/auth/passkeys/login", { challenge, passkey: {} })(t, alice, language);
  },
  proof_required: async (_, alice, language) => {
    advance(600);
    const headers = { "accept-language": language };
    return alice.call("POST", "/api/auth/factors/recovery-codes", undefined, headers);
  },
  token_missing: ask("GET", "/api/auth/me"),
  token_expired: async (t, alice, language) => {
    advance(1801);
    return withToken(() => alice.accessToken)(t, alice, language);
  },
  token_invalid: withToken(() => "not.a.token"),
  token_type_mismatch: withToken((alice) => alice.refreshToken),
  user_not_found: async (t, alice, language) => {
    await t.sql("DELETE FROM users");
    return withToken(() => alice.accessToken)(t, alice, language);
  },
  session_ended: async (t, alice, language) => {
    await alice.call("POST", "/api/auth/logout");
    return withToken(() => alice.accessToken)(t, alice, language);
  },
  key_missing: async (t, alice, language) => {
    await bind(t, alice);
    return t.json(
      "POST",
      "/api/auth/refresh",
      { refresh_token: alice.refreshToken },
      { "accept-language": language },
    );
  },
  device_proof_required: async (t, alice, language) => {
    const headers = { "accept-language": language, "sec-secure-session-id": "d" };
    const cookie = `duet_refresh=${alice.refreshToken}`;
    await bind(t, alice);
    return t.json("POST", "/auth/dbsc/refresh", undefined, {
      ...headers,
      cookie,
      "sec-fetch-site": "same-origin",
    });
  },
  cross_origin_refused: ask("POST", "/api/auth/login", { headers: { "sec-fetch-site": "cross-site" } }),
  registration_closed: async (_, __, language) => {
    await using closed = await startApp({ DUET_REGISTRATION: "closed" });
    const input = { username: "bob", password: PASSWORDS["bob"] };
    return await closed.json("POST", "/api/auth/register", input, { "accept-language": language });
  },
  not_found: ask("GET", "/api/nothing"),
  method_not_allowed: ask("PUT", "/api/auth/login"),
  username_taken: withBody("/api/auth/register", { username: "alice", password: PASSWORDS["alice"] }),
  email_taken: async (t, alice, language) => {
    const input = { username: "bob", password: PASSWORDS["bob"], email: "one@example.com" };
    await t.json("POST", "/api/auth/register", input);
    return withBody("/api/auth/register", { ...input, username: "carol" })(t, alice, language);
  },
  owner_cannot_leave: async (_, alice, language) => {
    const { id } = (await alice.call("POST", "/api/conversations", { title: "x" })).body;
    const path = `/api/conversations/${id}/members/${alice.id}`;
    return alice.call("DELETE", path, undefined, { "accept-language": language });
  },
  link_of_another: async (_, __, language) => {
    await using mailed = await startApp(MAIL_TO_NOWHERE);
    const [alice, bob] = [await register(mailed, "alice"), await register(mailed, "bob")];
    const link = await mailed.app.duet.mailedLinks.forAddress(
      { ...bob, email: null },
      "bob@example.com",
      crypto.randomUUID(),
      false,
    );
    const input = { token: new URL(link).searchParams.get("token") };
    const headers = { "accept-language": language };
    return await alice.call("POST", "/api/auth/email/confirm", input, headers);
  },
  factor_missing: (_, alice, language) =>
    alice.call("POST", "/api/auth/factors/recovery-codes", undefined, { "accept-language": language }),
  // The page's script says whose page it is; a program never does, so the answer here is a page's.
  viewer_changed: async (t, alice, language) => {
    const headers = {
      cookie: `duet_access=${alice.accessToken}`,
      "duet-viewer": "another",
      "accept-language": language,
    };
    const page = await t.fetch("/conversations", { headers: { ...headers, "hx-request": "true" } });
    expect([page.status, page.headers.get("hx-retarget")]).toEqual([409, "#notice"]);
    expect(await page.text()).toContain(LOCALES[language as "en"].errors.viewer_changed);
    return answerOf(await t.fetch("/conversations", { headers }));
  },
  // An operator's page does nothing to operators.
  operator_protected: async (t, alice, language) => {
    const { operator } = t.app.duet;
    await operator.setOperator(await operator.find("alice"), true);
    await t.sql("UPDATE sessions SET kind = 'browser'");
    return answerOf(
      await t.fetch(`/admin/people/${alice.id}/disable`, {
        method: "POST",
        headers: {
          cookie: `duet_access=${alice.accessToken}`,
          origin: ORIGIN,
          "content-type": "application/x-www-form-urlencoded",
          "accept-language": language,
        },
      }),
    );
  },
  link_ended: withBody("/api/auth/reset", { token: "none", new_password: PASSWORDS["bob"] }),
  challenge_ended: withBody("/api/auth/challenge", { challenge: "none", code: "000000" }),
  payload_too_large: withBody("/api/auth/login", { username: "a".repeat(200_000), password: "" }),
  unsupported_media_type: ask("POST", "/api/auth/login", {
    headers: { "content-type": "text/plain; j" },
    body: "{}",
  }),
  validation_failed: withBody("/api/auth/login", { username: 7 }),
  idempotency_key_reused: async (_, alice, language) => {
    const { id } = (await alice.call("POST", "/api/conversations", { title: "x" })).body;
    const headers = { "idempotency-key": "k", "accept-language": language };
    await alice.call("POST", `/api/conversations/${id}/messages`, { body: "one" }, headers);
    return alice.call("POST", `/api/conversations/${id}/messages`, { body: "two" }, headers);
  },
  rate_limited: async (t, _, language) => {
    const attempt = () =>
      t.json(
        "POST",
        "/api/auth/login",
        { username: "alice", password: "x" },
        { "accept-language": language },
      );
    for (;;) {
      const answer = await attempt();
      if (answer.status !== 401) return answer;
    }
  },
  internal_error: async (t, alice, language) => {
    using db = new Database(`${t.folder}/duet.db`);
    db.run("PRAGMA foreign_keys = OFF");
    db.run("DROP TABLE members");
    return alice.call("GET", "/api/conversations", undefined, { "accept-language": language });
  },
  unavailable: async (t, alice, language) => {
    // Another process holds the database for longer than a write may wait.
    using db = new Database(`${t.folder}/duet.db`);
    db.run("BEGIN IMMEDIATE");
    return await alice.call("POST", "/api/conversations", { title: "x" }, { "accept-language": language });
  },
  too_busy: async (_, __, language) => (await crowd()).get(language)!,
};

describe("every error", () => {
  test.each(Object.keys(ERROR_STATUS) as ErrorCode[])(
    "%s answers in its language, in the one shape",
    async (code) => {
      for (const language of ["en", "zh"] as const) {
        freezeClock();
        await using t = await startApp();
        const alice = await register(t, "alice");
        const { status, headers, body, text } = await WAYS[code](t, alice, language);
        expect(body).toMatchObject({
          type: "about:blank",
          title: LOCALES[language].statuses[ERROR_STATUS[code]],
          status: ERROR_STATUS[code],
          detail:
            code === "rate_limited"
              ? LOCALES[language].tooMany(language === "en" ? "2 minutes" : "2 分钟")
              : LOCALES[language].errors[code],
          code,
        });
        expect(status).toBe(ERROR_STATUS[code]);
        expect(headers.get("content-type")).toBe("application/problem+json");
        expect(headers.get("content-language")).toBe(language);
        expect(headers.get("cache-control")).toBe("no-store");
        if (status === 401) expect(headers.get("www-authenticate")).toStartWith('Bearer realm="duet"');
        if (status === 405) expect(headers.get("allow")).toBe("POST");
        if (status === 503 || status === 429) expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
        expect(text).not.toMatch(/at .*\.ts|SQLITE|sqlite|no such table|node_modules|wrong"/);
      }
    },
  );

  test("has both translations, each its own words, for every code, reason and field", () => {
    const { en, zh } = LOCALES;
    for (const code of Object.keys(ERROR_STATUS) as ErrorCode[]) {
      expect(en.errors[code]).toMatch(/^[A-Z]/);
      expect(zh.errors[code]).toMatch(/\p{Script=Han}/u);
    }
    for (const reason of END_REASONS) {
      expect(en.reasons[reason]).toMatch(/^[A-Z]/);
      expect(zh.reasons[reason]).toMatch(/\p{Script=Han}/u);
    }
    for (const code of FIELD_CODES) {
      expect(en.fields[code](5)).toMatch(/^[A-Z]/);
      expect(zh.fields[code](5)).toMatch(/\p{Script=Han}/u);
    }
  });

  test("ends with a full stop where there are several sentences, and only there", () => {
    for (const { errors, reasons } of Object.values(LOCALES))
      for (const text of Object.values({ ...errors, ...reasons }).filter((each) => each !== "")) {
        const isSeveral = /(?:[.?!] |[。？！])./.test(text);
        expect([text, /[.?!。？！]$/.test(text)]).toEqual([text, isSeveral]);
      }
  });

  test("has words in both languages for all advice on passwords", () => {
    const { en, zh } = LOCALES;
    for (const name of PASSWORD_WARNINGS) {
      expect(en.advice.warnings[name]).toMatch(/^[A-Z].*[^.]$/);
      expect(zh.advice.warnings[name]).toMatch(/\p{Script=Han}.*[^。]$/u);
    }
    for (const name of PASSWORD_SUGGESTIONS) {
      expect(en.advice.suggestions[name]).toMatch(/^[A-Z].*[^.]$/);
      expect(zh.advice.suggestions[name]).toMatch(/\p{Script=Han}.*[^。]$/u);
    }
  });

  test("of the article's table says the article's words", async () => {
    const words = [
      "用户名或密码错误",
      "Token已过期",
      "Token无效",
      "Token类型错误",
      "用户不存在",
      "会话已结束",
    ];
    const codes =
      "invalid_credentials token_expired token_invalid token_type_mismatch user_not_found session_ended";
    expect(codes.split(" ").map((code) => LOCALES.zh.errors[code as ErrorCode])).toEqual(words);
  });
});

describe("a session that ended", () => {
  test("tells its reason as a code and in words", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    await alice.call("POST", "/api/auth/logout-all");
    const answer = await t.json("GET", "/api/auth/me", undefined, {
      authorization: `Bearer ${alice.accessToken}`,
      "accept-language": "zh-TW,zh;q=0.9,en;q=0.8",
    });
    expect(answer.body).toMatchObject({ reason: "logout_all", reason_detail: LOCALES.zh.reasons.logout_all });
  });
});

describe("the language", () => {
  test.each([
    ["", "en"],
    ["zh", "zh"],
    ["zh-CN,zh;q=0.9,en;q=0.8", "zh"],
    ["en-US,en;q=0.9,zh;q=0.8", "en"],
    ["fr,de;q=0.9,zh;q=0.5", "zh"],
    ["fr", "en"],
    ["en;q=0.5,zh;q=1", "zh"],
    ["zh;q=0", "en"],
    ["en;q=0,zh;q=0.1", "zh"],
    ["ZH-HANS", "zh"],
    [";;;,,,q=", "en"],
    ["constructor", "en"],
    ["zh,".repeat(5000), "zh"],
  ])("of Accept-Language %p is %s", async (header, language) => {
    await using t = await startApp();
    const { headers } = await t.json("GET", "/api/nothing", undefined, { "accept-language": header });
    expect(headers.get("content-language")).toBe(language);
  });
});

describe("a body", () => {
  const login_ = (headers: Record<string, string>, body: BodyInit) =>
    ask("POST", "/api/auth/login", { headers, body });

  test.each([
    ["text/plain; j", 415],
    ["text/plain;jjj", 415],
    ["application/jxx", 415],
    ["application/x-www-form-urlencoded", 415],
    ["multipart/form-data; boundary=x", 415],
    ["", 415],
    ["APPLICATION/JSON", 401],
    ["application/json; charset=utf-8", 401],
    [" application/json", 401],
  ])("of type %p is answered %i", async (type, status) => {
    await using t = await startApp();
    const body = new TextEncoder().encode('{"username":"a","password":"b"}');
    expect((await login_({ "content-type": type }, body)(t, {} as Person, "en")).status).toBe(status);
  });

  test.each([
    ["cut off", '{"username":'],
    ["not UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ["nested 100,000 deep", "[".repeat(100_000)],
    ["two values", "{}{}"],
    ["with a trailing comma", '{"username":"a",}'],
  ])("that is %s is 400", async (_, body) => {
    await using t = await startApp();
    const answer = await login_(JSON_TYPE, body)(t, {} as Person, "en");
    expect({ status: answer.status, code: answer.body.code }).toEqual({
      status: 400,
      code: "malformed_body",
    });
  });

  test.each(["null", "{}", '{"__proto__":{"username":"a","password":"b"}}'])(
    "of %s names what is missing",
    async (body) => {
      await using t = await startApp();
      const answer = await login_(JSON_TYPE, body)(t, {} as Person, "en");
      expect({ status: answer.status, code: answer.body.code }).toEqual({
        status: 422,
        code: "validation_failed",
      });
      expect(Object.prototype).not.toHaveProperty("username");
    },
  );

  test("without a length is counted as it comes", async () => {
    await using t = await startApp();
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 16_384;
        controller.enqueue(new Uint8Array(16_384));
      },
    });
    const answer = await login_(JSON_TYPE, endless)(t, {} as Person, "en");
    expect(answer.status).toBe(413);
    expect(sent).toBeLessThan(400_000);
  });

  test("of an anonymous caller is not judged before the token is", async () => {
    await using t = await startApp();
    expect((await t.json("POST", "/api/conversations", { title: 7 })).status).toBe(401);
  });

  test("with a password that is refused does not come back", async () => {
    await using t = await startApp();
    const secret = "marker-7f3a";
    for (const input of [
      { username: 1, password: secret },
      { password: [secret] },
      { username: "a", password: { secret } },
    ])
      for (const path of ["register", "login", "refresh"])
        expect((await t.json("POST", `/api/auth/${path}`, input)).text).not.toContain(secret);
  });
});

describe("a failure inside", () => {
  test("gives a request id that the log knows, and nothing else", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    using db = new Database(`${t.folder}/duet.db`);
    db.run("PRAGMA foreign_keys = OFF");
    db.run("DROP TABLE messages");
    const { id } = (await alice.call("POST", "/api/conversations", { title: "x" })).body;
    const { status, body } = await alice.call("GET", `/api/conversations/${id}/messages`);
    expect(status).toBe(500);
    const entry = t.logged.find(({ event }) => event === "internal_error")!;
    expect(body.instance).toBe(`urn:uuid:${entry.facts["request_id"]}`);
    expect(entry.facts["cause"]).toContain("no such table");
  });

  test("of the database shows in /readyz, and not in /healthz", async () => {
    await using t = await startApp();
    const states = async () => [(await t.fetch("/healthz")).status, (await t.fetch("/readyz")).status];
    expect(await states()).toEqual([200, 200]);
    renameSync(`${t.folder}/duet.db`, `${t.folder}/away.db`);
    expect(await states()).toEqual([200, 503]);
    renameSync(`${t.folder}/away.db`, `${t.folder}/duet.db`);
    expect(await states()).toEqual([200, 200]);
  });

  test.each(["duet.db-wal", "duet.db-shm", "server.lock"])(
    "of its files shows: without %s nothing is written, and nobody is told that it was",
    async (file) => {
      await using t = await startApp();
      const alice = await register(t, "alice");
      rmSync(`${t.folder}/${file}`);
      expect((await t.fetch("/readyz")).status).toBe(503);
      expect((await alice.call("POST", "/api/conversations", { title: "x" })).status).toBe(503);
    },
  );

  test("of the disk shows in /readyz: it has written something when it says ready", async () => {
    await using t = await startApp();
    using db = new Database(`${t.folder}/duet.db`);
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    const written = () => statSync(`${t.folder}/duet.db-wal`).size;
    expect(written()).toBe(0);
    expect((await t.fetch("/readyz")).status).toBe(200);
    expect(written()).toBeGreaterThan(0);
  });

  test("of the database is 503, never 401, and the session goes on after it", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    using db = new Database(`${t.folder}/duet.db`);
    db.run("BEGIN IMMEDIATE");
    expect((await refresh(t, alice.refreshToken)).status).toBe(503);
    db.run("ROLLBACK");
    expect((await refresh(t, alice.refreshToken)).status).toBe(200);
    await login(t, "alice");
  });
});
