import { describe, expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { PASSWORD_SUGGESTIONS, PASSWORD_WARNINGS, type DuetError, type FieldCode } from "../src/errors.ts";
import { LIMITS } from "../src/limits.ts";
import { createPasswords } from "../src/core/auth/passwords.ts";
import { readProfile } from "../src/core/auth/profiles.ts";
import { readUsername } from "../src/core/auth/usernames.ts";
import { FULL_COST, startApp, temporaryFolder, UNLIMITED, type TestApp } from "./support/app.ts";
import { ROOT } from "./support/process.ts";
import { decode, login, me, PASSWORDS, refresh, register, type Person } from "./support/people.ts";
import { shownFrom } from "./support/shown.ts";

const rowOf = async (t: TestApp, username: string): Promise<any> =>
  (await t.sql("SELECT * FROM users WHERE username = $1", username))[0];
const good = { username: "alice", password: PASSWORDS["alice"]! };

describe("registering", () => {
  test("signs in at once, with the same answer as a login", async () => {
    await using t = await startApp();
    const registered = await t.json("POST", "/api/auth/register", { ...good, email: "Alice@Example.com" });
    const signedIn = await t.json("POST", "/api/auth/login", good);
    expect([registered.status, signedIn.status]).toEqual([201, 200]);
    expect(Object.keys(registered.body)).toEqual(Object.keys(signedIn.body));
    expect(registered.body.user).toEqual({
      id: expect.any(String),
      username: "alice",
      email: "Alice@Example.com",
    });
    expect(registered.body.user).toEqual(signedIn.body.user);
    expect(registered.headers.get("set-cookie")).toBeNull();
  });

  test("40 at once with one name make one account", async () => {
    await using t = await startApp(UNLIMITED);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        t.json("POST", "/api/auth/register", { ...good, username: i % 2 ? "Alice" : "alice" }),
      ),
    );
    expect(answers.map((a) => a.status).toSorted()).toEqual([201, ...Array(39).fill(409)]);
    expect(answers.find((a) => a.status === 409)!.body.code).toBe("username_taken");
  });

  test("keeps names apart by their folded form and e-mail addresses by theirs", async () => {
    await using t = await startApp();
    await t.json("POST", "/api/auth/register", { ...good, email: "a@example.com" });
    const attempt = async (input: object) =>
      (await t.json("POST", "/api/auth/register", { ...good, ...input })).body.code;
    expect(await attempt({ username: "ALICE" })).toBe("username_taken");
    expect(await attempt({ username: "ａｌｉｃｅ" })).toBe("username_taken");
    expect(await attempt({ username: "alice2", email: "A@EXAMPLE.com" })).toBe("email_taken");
    expect(await attempt({ username: "alice2", email: "b@example.com" })).toBeUndefined();
  });

  test.each([
    ["alice", "aIice"],
    ["alfred", "a1fred"],
    ["alice", "ɑlice"],
    ["modern", "rnodern"],
    ["coco", "сосо"], // Cyrillic
    ["ibrahim", "İbrahim"],
    ["Oscar", "0scar"],
    ["エミ", "工ミ"], // Katakana, and Chinese beside it
  ])("keeps %s apart from %s, which looks the same, in whatever order they come", async (one, other) => {
    for (const [first, second] of [
      [one, other],
      [other, one],
    ]) {
      await using t = await startApp(UNLIMITED);
      const attempt = async (username: string) =>
        (await t.json("POST", "/api/auth/register", { ...good, username })).body;
      expect((await attempt(first!)).code).toBeUndefined();
      expect((await attempt(second!)).code).toBe("username_taken");
      // Nor by renaming; what one looks like oneself is no hindrance, and is free when one goes on to another.
      const bob = await register(t, "bob");
      const { account, sessions } = t.app.duet;
      const viewer = await sessions.authenticate(
        bob.accessToken,
        shownFrom({ userAgent: "", ip: "127.0.0.1" }),
      );
      const rename = (username: string) =>
        account.updateProfile(viewer, { username }, { userAgent: "", ip: "192.0.2.1" }).then(
          () => undefined,
          ({ code }: DuetError) => code,
        );
      expect(await rename(second!)).toBe("username_taken");
      expect(await rename("BOB")).toBeUndefined();
      expect(await rename("bobby")).toBeUndefined();
      expect((await attempt("b0b")).code).toBeUndefined();
    }
  });

  test("lets in names that differ in a letter that one can see", async () => {
    await using t = await startApp(UNLIMITED);
    for (const username of ["ella", "elia", "Ian", "lars", "dario", "mila", "小明", "小朋", "ольга"])
      expect([username, (await t.json("POST", "/api/auth/register", { ...good, username })).status]).toEqual([
        username,
        201,
      ]);
  });

  test("tells every faulty field at once, and no value", async () => {
    await using t = await startApp();
    const input = { username: "marker-ü§", password: "marker1", email: "marker at home" };
    const { status, body, text } = await t.json("POST", "/api/auth/register", input);
    expect({ status, code: body.code }).toEqual({ status: 422, code: "validation_failed" });
    expect(body.errors.map((e: any) => [e.field, e.code])).toEqual([
      ["username", "username_characters"],
      ["email", "invalid"],
      ["password", "too_short"],
    ]);
    expect(text).not.toContain("marker");
  });

  test("can be closed", async () => {
    await using t = await startApp({ DUET_REGISTRATION: "closed" });
    const { status, body } = await t.json("POST", "/api/auth/register", good);
    expect({ status, code: body.code }).toEqual({ status: 403, code: "registration_closed" });
  });

  test.each([
    ["seven characters", "tul1p-w", "too_short"],
    ["one character", "x", "too_short"],
    ["a common one", "password123", "guessable"],
    ["a keyboard walk", "qwertyuiop", "guessable"],
    ["the username", "alice-alice", "guessable"],
    ["the product", "duetduetduet", "guessable"],
    ["one letter for long", "aaaaaaaaaaaaaaaaaaaa", "guessable"],
    ["1,025 characters", "é4".repeat(513), "too_long"],
    ["half a character", "tulips on the window\ud800", "ill_formed"],
    ["words, no digit, no capital", "tulips on the windowsill", null],
    ["64 characters", "the long way home is past the lighthouse and the old cold harbour", null],
    ["1,024 characters", "tulips on a windowsill, and other things. ".repeat(25).slice(0, 1024), null],
    ["Chinese", "八月的风吹过旧书店门口", null],
    ["emoji", "🌷 tulips 🪟 window 🌧️ rain", null],
    ["spaces at both ends", "  tulips on the windowsill  ", null],
  ])("with a password of %s", async (_, password, code) => {
    await using t = await startApp();
    const { status, body } = await t.json("POST", "/api/auth/register", { username: "alice", password });
    expect(status).toBe(code === null ? 201 : 422);
    if (code !== null) expect(body.errors.map((e: any) => [e.field, e.code])).toEqual([["password", code]]);
  });
});

describe("advice on a password", () => {
  test.each([
    ["password123", "en", "Too easy to guess. A very common password. Add a few uncommon words."],
    ["password123", "zh-CN", "太容易被猜到。这是很多人使用的密码。再加几个不常见的词。"],
    ["aaaaaaaaaaaa", "en", /Repeated characters are easy to guess\. Avoid repetition\./],
    ["alice-alice", "en", /Made of your name/],
    ["1985-03-12", "zh", /日期很容易被猜到。请避免使用日期/],
  ])("for %s is told in the reader's language (%s)", async (password, language, words) => {
    await using t = await startApp();
    const headers = { "accept-language": language };
    const { status, body } = await t.json("POST", "/api/auth/register", { ...good, password }, headers);
    expect(status).toBe(422);
    const [{ field, code, detail }] = body.errors;
    expect([field, code]).toEqual(["password", "guessable"]);
    if (typeof words === "string") expect(detail).toBe(words);
    else expect(detail).toMatch(words);
  });

  test("has words for all that the estimator can say", async () => {
    const folder = join(ROOT, "node_modules/@zxcvbn-ts/core/dist");
    const said = new Set<string>();
    for await (const file of new Bun.Glob("**/*.mjs").scan(folder))
      for (const [, kind, name] of (await Bun.file(join(folder, file)).text()).matchAll(
        /\.(warnings|suggestions)\.(\w+)\b(?!\()/g,
      ))
        said.add(`${kind}.${name}`);
    expect(said.size).toBeGreaterThan(20);
    const known = [
      ...PASSWORD_WARNINGS.map((name) => `warnings.${name}`),
      ...PASSWORD_SUGGESTIONS.map((name) => `suggestions.${name}`),
    ];
    // With a full sentence it says that nothing is needed; we say nothing then.
    expect([...said].filter((name) => !known.includes(name) && !/noNeed|pwned/.test(name))).toEqual([]);
  });
});

describe("signing in", () => {
  test("by name in any case, or by e-mail", async () => {
    await using t = await startApp();
    await t.json("POST", "/api/auth/register", { ...good, email: "alice@example.com" });
    for (const username of ["alice", "ALICE", "ａlice", " alice ", "alice@example.com", "Alice@Example.com"])
      expect((await t.json("POST", "/api/auth/login", { ...good, username })).status).toBe(200);
  });

  test("needs the whole password, exactly, whatever its normal form", async () => {
    await using t = await startApp();
    const password = "Crème brûlée am Fenster ";
    await t.json("POST", "/api/auth/register", { username: "alice", password });
    const attempt = async (p: string) =>
      (await t.json("POST", "/api/auth/login", { username: "alice", password: p })).status;
    expect(await attempt(password.normalize("NFD"))).toBe(200);
    const long = PASSWORDS["bob"]! + "é".repeat(600).normalize("NFD"); // over 1,200 characters before NFKC, about 620 after
    await t.json("POST", "/api/auth/register", { username: "bob", password: long });
    expect((await t.json("POST", "/api/auth/login", { username: "bob", password: long })).status).toBe(200);
    for (const wrong of [password.trim(), password.toLowerCase(), `${password}x`, `${password}\0`, ""])
      expect(await attempt(wrong)).toBe(401);
  });

  test("fails alike for nobody, a wrong password and a disabled account", async () => {
    await using t = await startApp({}, temporaryFolder(), FULL_COST);
    await register(t, "alice");
    await register(t, "bob");
    await t.sql("UPDATE users SET disabled_at = 1 WHERE username = 'bob'");
    const attempts = [
      { username: "nobody", password: good.password },
      { username: "alice", password: "wrong" },
      { username: "bob", password: PASSWORDS["bob"] },
      { username: "nobody@example.com", password: "wrong" },
      { username: "\ud800", password: "wrong" },
      { username: "x".repeat(5000), password: "x".repeat(5000) },
    ];
    const answers = [];
    for (const attempt of attempts) {
      const { status, text, headers } = await t.json("POST", "/api/auth/login", attempt);
      const kept = [...headers].filter(([name]) => name !== "x-request-id");
      answers.push(JSON.stringify({ status, text, kept }));
    }
    expect(new Set(answers).size).toBe(1);
    expect(JSON.parse(answers[0]!).text).toContain('"invalid_credentials"');
  });

  test("survives a stored hash that nobody can read", async () => {
    await using t = await startApp();
    await register(t, "alice");
    await t.sql("UPDATE users SET password_hash = '$unknown$hash'");
    expect((await t.json("POST", "/api/auth/login", good)).body.code).toBe("invalid_credentials");
    expect(t.logged.some(({ event }) => event === "password_hash_unreadable")).toBe(true);
  });

  test("refuses what no password can be, and blames no hash for it", async () => {
    await using t = await startApp();
    await register(t, "alice");
    for (const password of ["", "x".repeat(1025), "x".repeat(100_000)]) {
      const { status, body } = await t.json("POST", "/api/auth/login", { username: "alice", password });
      expect([status, body.code]).toEqual([401, "invalid_credentials"]);
    }
    expect(t.logged.filter(({ event }) => event === "password_hash_unreadable")).toEqual([]);
  });

  test("rehashes a password that was hashed with other parameters", async () => {
    await using t = await startApp({}, temporaryFolder(), FULL_COST);
    await register(t, "alice");
    const weak = await Bun.password.hash(good.password, {
      algorithm: "argon2id",
      memoryCost: 8,
      timeCost: 1,
    });
    await t.sql("UPDATE users SET password_hash = $1", weak);
    // At once: the first one to rehash does not make the others wrong.
    await Promise.all(Array.from({ length: 6 }, () => login(t, "alice")));
    expect((await rowOf(t, "alice")).password_hash).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
    await login(t, "alice");
  });

  test("starts a new session each time, whatever token comes along", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const again = await t.json("POST", "/api/auth/login", good, {
      authorization: `Bearer ${alice.accessToken}`,
    });
    expect(again.body.refresh_token).not.toBe(alice.refreshToken);
  });

  test("logs who and from where, and never a password or a token", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    await t.json("POST", "/api/auth/login", { username: "alice", password: "marker-password" });
    const log = JSON.stringify(t.logged);
    const failed = t.logged.find(({ event, facts }) => event === "login" && facts["outcome"] === "failure");
    expect(failed?.facts).toMatchObject({ user_id: alice.id, ip: "127.0.0.1" });
    for (const secret of ["marker-password", alice.password, alice.accessToken, alice.refreshToken, "eyJ"])
      expect(log).not.toContain(secret);
  });
});

describe("changing one's password", () => {
  const change = (person: Person, current: string, next: string) =>
    person.call("POST", "/api/auth/password", { current_password: current, new_password: next });
  const next = "a different sentence of 7 words";

  test("ends every session, also that of a thief in this one, and begins a new one here", async () => {
    await using t = await startApp();
    const phone = await register(t, "alice");
    const laptop = await login(t, "alice");
    const thief = laptop;
    const bob = await register(t, "bob");
    const { status, body } = await change(laptop, laptop.password, next);
    expect(status).toBe(200);
    expect((await me(t, body.access_token)).status).toBe(200);
    expect((await refresh(t, body.refresh_token)).status).toBe(200);
    for (const { accessToken, refreshToken } of [phone, thief]) {
      expect((await me(t, accessToken)).body.reason).toBe("password_changed");
      expect((await refresh(t, refreshToken)).body.reason).toBe("password_changed");
    }
    const sid = (token: string) => decode(token).claims.sid;
    expect(sid(body.access_token)).not.toBe(sid(laptop.accessToken));
    expect((await me(t, bob.accessToken)).status).toBe(200);
    const attempt = async (password: string) =>
      (await t.json("POST", "/api/auth/login", { username: "alice", password })).status;
    expect([await attempt(laptop.password), await attempt(next)]).toEqual([401, 200]);
  });

  test("does nothing for a session that is revoked while it is checked, and deletes no account", async () => {
    await using t = await startApp({}, temporaryFolder(), FULL_COST);
    const phone = await register(t, "alice");
    const input = { current_password: phone.password, new_password: PASSWORDS["bob"] };
    for (const [path, body] of [
      ["/api/auth/password", input],
      ["/api/auth/delete", { password: phone.password }],
    ] as const) {
      const thief = await login(t, "alice");
      const sessions = (await thief.call("GET", "/api/auth/sessions")).body.items;
      const act = thief.call("POST", path, body);
      const id = sessions.find((s: any) => s.current).id;
      expect((await phone.call("DELETE", `/api/auth/sessions/${id}`)).status).toBe(204);
      expect((await act).body).toMatchObject({ code: "session_ended", reason: "revoked" });
    }
    expect((await me(t, phone.accessToken)).status).toBe(200);
    expect((await login(t, "alice")).accessToken).toBeString();
  });

  test("leaves nothing that a login with the old one opened meanwhile, and of two changes one holds", async () => {
    await using t = await startApp({}, temporaryFolder(), FULL_COST);
    const alice = await register(t, "alice");
    const old = { username: "alice", password: alice.password };
    const [changes, logins] = await Promise.all([
      Promise.all([change(alice, alice.password, next), change(alice, alice.password, `${next} too`)]),
      Promise.all(Array.from({ length: 12 }, () => t.json("POST", "/api/auth/login", old))),
    ]);
    expect(changes.map((c) => c.status).toSorted()).toEqual([200, 401]);
    for (const { status, body } of logins)
      if (status === 200) expect((await me(t, body.access_token)).body.reason).toBe("password_changed");
    const [kept] = changes.filter((c) => c.status === 200);
    expect((await me(t, kept!.body.access_token)).status).toBe(200);
    // Wrong by now, as those were that came after the change: maybe once too often.
    expect([401, 429]).toContain((await t.json("POST", "/api/auth/login", old)).status);
  });

  test("needs the present one, and a new one that is good enough; else nothing changes", async () => {
    await using t = await startApp();
    const phone = await register(t, "alice");
    const laptop = await login(t, "alice");
    for (const [current, wanted, field, code] of [
      ["not this one", next, "current_password", "wrong_password"],
      ["", next, "current_password", "wrong_password"],
      [laptop.password, "short", "new_password", "too_short"],
      [laptop.password, "alice alice alice", "new_password", "guessable"],
    ] as const) {
      const { status, body, text } = await change(laptop, current, wanted);
      expect([status, body.errors.map((e: any) => [e.field, e.code])]).toEqual([422, [[field, code]]]);
      expect(text).not.toContain(laptop.password);
    }
    expect((await me(t, phone.accessToken)).status).toBe(200);
    await login(t, "alice");
  });
});

describe("changing one's profile", () => {
  test("shows with the next request, under every token there is", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const changed = await alice.call("PATCH", "/api/auth/me", {
      username: "Alice.B",
      email: "a@example.com",
    });
    expect(changed.body).toEqual({ id: alice.id, username: "Alice.B", email: "a@example.com" });
    expect((await alice.call("GET", "/api/auth/me")).body).toEqual(changed.body);
    expect((await alice.call("PATCH", "/api/auth/me", { email: null })).body.email).toBeNull();
    expect((await alice.call("PATCH", "/api/auth/me", {})).body.username).toBe("Alice.B");
    const input = { username: "ALICE.B", password: alice.password };
    expect((await t.json("POST", "/api/auth/login", input)).status).toBe(200);
  });

  test("takes no name or address that is wrong or somebody else's, and no other field", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    await t.json("POST", "/api/auth/register", {
      username: "bob",
      password: PASSWORDS["bob"],
      email: "b@example.com",
    });
    const attempt = async (input: object) => (await alice.call("PATCH", "/api/auth/me", input)).body;
    expect((await attempt({ username: "BOB" })).code).toBe("username_taken");
    expect((await attempt({ email: "B@example.com" })).code).toBe("email_taken");
    for (const [input, fields] of [
      [{ username: "a b", email: "x" }, ["username", "email"]],
      [{ username: "a b" }, ["username"]],
      [{ email: "x" }, ["email"]],
    ] as const)
      expect((await attempt(input)).errors.map((e: any) => e.field)).toEqual(fields);
    expect(await attempt({ id: "x", password_hash: "x", disabled_at: 1, created_at: 1 })).toEqual({
      id: alice.id,
      username: "alice",
      email: null,
    });
    await login(t, "alice");
  });
});

describe("a profile", () => {
  const faultsIn = (username: string, email?: string | null) => readProfile({ username, email }).faults;

  test("says with what is too short or too long how long it may be, and only then", () => {
    expect(faultsIn("a")).toEqual([{ field: "username", code: "too_short", limit: 2 }]);
    expect(faultsIn("x".repeat(33))).toEqual([{ field: "username", code: "too_long", limit: 32 }]);
    expect(faultsIn("")).toEqual([{ field: "username", code: "required" }]);
    expect(faultsIn("a b")).toEqual([{ field: "username", code: "username_characters" }]);
  });

  test("has an address of at most 254 characters, or none", () => {
    const address = (length: number) => `${"x".repeat(length - "@example.com".length)}@example.com`;
    expect(faultsIn("alice", address(254))).toEqual([]);
    expect(faultsIn("alice", address(255))).toEqual([{ field: "email", code: "too_long" }]);
    expect(faultsIn("alice", "a\ud800@example.com")).toEqual([{ field: "email", code: "ill_formed" }]);
    for (const none of [undefined, null, "", "  "]) {
      const { columns, faults } = readProfile({ username: " Alice ", email: none });
      expect(faults).toEqual([]);
      expect(columns).toEqual({ username: "Alice", username_key: "alice", email: null, email_key: null });
    }
    expect(readProfile({ username: "alice", email: " A@Example.com " }).columns).toMatchObject({
      email: "A@Example.com",
      email_key: "a@example.com",
    });
  });
});

describe("hashing", () => {
  test("is bounded: what the queue cannot hold is refused with 503, the rest is done", async () => {
    const passwords = createPasswords({ settings: { passwordMin: 8 }, log: () => {} });
    const hash = (network: number) =>
      passwords.inTurn(crypto.randomUUID(), `network ${network}`, (hashing) => hashing.hash("x"));
    const count = LIMITS.hashQueueMax + availableParallelism() + 4;
    const outcomes = await Promise.allSettled(Array.from({ length: count }, (_, i) => hash(i % 20)));
    const refused = outcomes.filter((o) => o.status === "rejected").map((o) => o.reason.code);
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused)).toEqual(new Set(["too_busy"]));
    expect(outcomes.length - refused.length).toBeGreaterThanOrEqual(64);
    await hash(1);
  });

  test("salts: equal passwords have unequal hashes", async () => {
    const passwords = createPasswords({ settings: { passwordMin: 8 }, log: () => {} });
    await passwords.inTurn("alice", "192.0.2.1", async ({ hash }) => {
      expect(await hash("same")).not.toBe(await hash("same"));
    });
  });
});

describe("a username", () => {
  test.each([
    ["alice", "alice"],
    ["Alice", "alice"],
    ["小明", "小明"],
    ["ａｌｉｃｅ", "alice"],
    ["алиса", "алиса"],
    ["さくらサクラ桜", "さくらサクラ桜"],
    ["김철수", "김철수"],
    ["Straße", "strasse"],
    ["Nguyễn", "nguyễn"],
    ["अज़ें", "अज़ें".normalize("NFKC")],
    ["a.b_c-9", "a.b_c-9"],
    ["42", "42"],
    ["x".repeat(32), "x".repeat(32)],
  ])("%s is one", (input, key) => {
    expect(readUsername(input)).toMatchObject({ shown: input.normalize("NFKC"), key });
  });

  test.each<[string, FieldCode]>([
    ["", "required"],
    ["a", "too_short"],
    ["x".repeat(33), "too_long"],
    ["аdmin", "mixed_scripts"], // its first letter is Cyrillic
    ["小明abc", "mixed_scripts"],
    ["Admin", "reserved"],
    ["ɑdmin", "reserved"], // Latin alpha
    ["ADMİN", "reserved"], // a Turkish I
    ["admın", "reserved"], // one without its dot
    ["adrnin", "reserved"],
    ["管理员", "reserved"],
    ["alice ", "username_characters"],
    [" alice", "username_characters"],
    ["al ice", "username_characters"],
    ["alice.", "username_characters"],
    ["-alice", "username_characters"],
    ["alice@home", "username_characters"],
    ["ali\0ce", "username_characters"],
    ["ali\u200bce", "username_characters"],
    ["ali\u202ece", "username_characters"],
    ["ali\u034fce", "username_characters"],
    ["ali\ufe0fce", "username_characters"],
    ["ali\u0307ce", "username_characters"], // an i with its dot again
    ["ali\u0301\u0302\u0303\u0304ce", "username_characters"],
    ["\u3164\u3164", "username_characters"], // two invisible letters
    ["al\u02bcice", "username_characters"],
    ["alice\u0966", "username_characters"],
    ["<b>alice", "username_characters"],
    ["ali/ce", "username_characters"],
    ["👩‍🚀👩‍🚀", "username_characters"],
    ["alice\ud800", "ill_formed"],
  ])("%j is none: %s", (input, code) => {
    expect(readUsername(input)).toBe(code);
  });
});
