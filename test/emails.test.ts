import { describe, expect, test } from "bun:test";
import { COMMAND_LINE } from "../src/core/auth/actors.ts";
import { createStore } from "../src/store/index.ts";
import type { LetterRow } from "../src/store/letters.ts";
import { advance, freezeClock, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { answer, goOnWith, password, withAuthenticator } from "./support/factors.ts";
import { linkIn, mailServer, tokenIn } from "./support/mail.ts";
import { login, me, PASSWORDS, register, type Person } from "./support/people.ts";

type Server = Awaited<ReturnType<typeof mailServer>>;

const settings = ({ url }: Pick<Server, "url">) => ({
  DUET_SMTP_URL: url,
  DUET_MAIL_FROM: "Duet <duet@example.com>",
});

const ADDRESS = "alice@example.com";

/** Alice with an address that waits; the letter is the first one. */
async function withAddress(t: TestApp, email = ADDRESS, username = "alice"): Promise<Person> {
  const input = { username, password: PASSWORDS[username], email };
  const answer = await t.json("POST", "/api/auth/register", input);
  expect(answer.status).toBe(201);
  const person: Person = {
    username,
    password: PASSWORDS[username]!,
    id: answer.body.user.id,
    accessToken: answer.body.access_token,
    refreshToken: answer.body.refresh_token,
    call: (method, path, body, headers = {}) =>
      t.json(method, path, body, { authorization: `Bearer ${person.accessToken}`, ...headers }),
  };
  return person;
}

async function withConfirmed(t: TestApp, mail: Server, n = 1): Promise<Person> {
  const alice = await withAddress(t);
  const token = tokenIn(await mail.letter(n));
  expect((await alice.call("POST", "/api/auth/email/confirm", { token })).status).toBe(200);
  return alice;
}

const forgot = (t: TestApp, identifier: string) => t.json("POST", "/api/auth/forgot", { identifier });
const tokenOf = (path: string) => new URL(path, "http://localhost").searchParams.get("token")!;
/** Until all letters are sent, or wait for another try. */
const settled = (t: TestApp) => t.app.duet.letters.wake();

describe("an address", () => {
  test("counts once it is confirmed in its own account's session: until then it opens and reserves nothing", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    // Somebody gives the address of somebody else.
    const thief = await withAddress(t, ADDRESS, "bob");
    const letter = await mail.letter(1);
    expect(letter.for).toEqual([ADDRESS]);
    expect(letter.from).toMatchObject({ address: "duet@example.com", name: "Duet" });
    expect(letter.subject).toBe("Confirm your address at localhost");
    // No name that its sender has chosen, which might be one of a site.
    expect(letter.text).toStartWith("Hello,\n\n");
    expect((await me(t, thief.accessToken)).body.email).toBeNull();
    const byAddress = { username: ADDRESS, password: thief.password };
    expect((await t.json("POST", "/api/auth/login", byAddress)).status).toBe(401);
    const alice = await withAddress(t);
    const hers = await mail.letter(2);
    // The link that the stranger's account has sent her is nothing in her session.
    const strange = await alice.call("POST", "/api/auth/email/confirm", { token: tokenIn(letter) });
    expect(strange.body.code).toBe("link_of_another");
    const visitor = new Visitor(t);
    expect((await visitor.open(`/account/email?token=${tokenIn(letter)}`)).path).toStartWith("/login?next=");
    const confirmed = await alice.call("POST", "/api/auth/email/confirm", { token: tokenIn(hers) });
    expect(confirmed.body).toEqual({ id: alice.id, username: "alice", email: ADDRESS });
    expect((await me(t, alice.accessToken)).body.email).toBe(ADDRESS);
    expect((await alice.call("POST", "/api/auth/email/confirm", { token: tokenIn(hers) })).status).toBe(410);
    const signIn = { username: ADDRESS.toUpperCase(), password: alice.password };
    expect((await t.json("POST", "/api/auth/login", signIn)).body.user.username).toBe("alice");
    // Now it is taken, and whoever is late is told so where it is confirmed.
    expect((await thief.call("POST", "/api/auth/email/confirm", { token: tokenIn(letter) })).body.code).toBe(
      "email_taken",
    );
  });

  test("is changed by the new one's link, told to the old one, and given back from there for 72 hours", async () => {
    freezeClock();
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    const alice = await withConfirmed(t, mail);
    const patched = await alice.call("PATCH", "/api/auth/me", { email: "thief@example.com" });
    expect(patched.body.email).toBe(ADDRESS);
    const confirm = await mail.letter(2);
    expect(confirm.for).toEqual(["thief@example.com"]);
    await alice.call("POST", "/api/auth/email/confirm", { token: tokenIn(confirm) });
    const told = await mail.letter(3);
    expect(told.for).toEqual([ADDRESS]);
    expect(told.subject).toBe("Your address at localhost was changed");
    expect(told.text).toContain("thief@example.com");
    // Once more, by whoever did it; and what that one's letter says does not outlive the first.
    await alice.call("PATCH", "/api/auth/me", { email: "other@example.com" });
    await alice.call("POST", "/api/auth/email/confirm", { token: tokenIn(await mail.letter(4)) });
    const later = await mail.letter(5);
    expect(later.for).toEqual(["thief@example.com"]);
    // Another password takes nothing of that back.
    const change = { current_password: alice.password, new_password: PASSWORDS["bob"] };
    goOnWith(alice, (await alice.call("POST", "/api/auth/password", change)).body);
    advance(72 * 3600 - 1);
    const visitor = new Visitor(t);
    const page = await visitor.open(linkIn(told).pathname + linkIn(told).search);
    expect(page.html).toContain(ADDRESS);
    // Looking at it is not using it.
    const undone = await visitor.submit("/email/undo", { token: tokenIn(told) });
    expect([undone.status, undone.html.includes("The address is as it was")]).toEqual([200, true]);
    // What the thief has set by then opens nothing: on this page a new one is set.
    expect((await me(t, alice.accessToken)).status).toBe(401);
    const byThief = { username: "alice", password: PASSWORDS["bob"] };
    expect((await t.json("POST", "/api/auth/login", byThief)).body.code).toBe("invalid_credentials");
    const token = tokenOf(undone.path);
    const set = await visitor.submit("/reset", { token, new_password: PASSWORDS["carol"]! });
    expect(set.path).toBe("/login?done=reset");
    const anew = { username: ADDRESS, password: PASSWORDS["carol"] };
    expect((await t.json("POST", "/api/auth/login", anew)).status).toBe(200);
    await settled(t);
    // Where the address was taken away from is told of it.
    const notice = mail.taken.find(({ subject }) =>
      subject!.startsWith("Change of email address taken back"),
    );
    expect(notice?.for).toEqual(["other@example.com"]);
    const [row] = await t.sql("SELECT email, email_key FROM users");
    expect(row).toEqual({ email: ADDRESS, email_key: ADDRESS });
    expect((await visitor.submit("/email/undo", { token: tokenIn(later) })).status).toBe(410);
    expect((await visitor.submit("/email/undo", { token: tokenIn(told) })).status).toBe(410);
  });

  test("that is taken away first is told, too, and given back", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    const alice = await withConfirmed(t, mail);
    expect((await alice.call("PATCH", "/api/auth/me", { email: null })).body.email).toBeNull();
    const told = await mail.letter(2);
    expect([told.for, told.subject]).toEqual([[ADDRESS], "Your address at localhost was changed"]);
    expect(told.text).toContain("has no address any more");
    await alice.call("PATCH", "/api/auth/me", { email: "thief@example.com" });
    await alice.call("POST", "/api/auth/email/confirm", { token: tokenIn(await mail.letter(3)) });
    const undone = await new Visitor(t).submit("/email/undo", { token: tokenIn(told) });
    expect(undone.path).toStartWith("/reset?token=");
    expect(await t.sql("SELECT email FROM users")).toEqual([{ email: ADDRESS }]);
  });

  test("that its owner sets again leaves no link behind to who had it in between", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    const alice = await withConfirmed(t, mail);
    const change = async (email: string, n: number) => {
      await alice.call("PATCH", "/api/auth/me", { email });
      const { status } = await alice.call("POST", "/api/auth/email/confirm", {
        token: tokenIn(await mail.letter(n)),
      });
      expect(status).toBe(200);
    };
    await change("thief@example.com", 2);
    const undo = await mail.letter(3);
    await change(ADDRESS, 4);
    await settled(t);
    expect(mail.taken.filter((each) => each.subject!.includes("was changed"))).toHaveLength(1);
    expect((await new Visitor(t).submit("/email/undo", { token: tokenIn(undo) })).status).toBe(410);
    // Another spelling may be another's mailbox: it is a change like any other.
    await change("Alice@example.com", 5);
    expect((await mail.letter(6)).for).toEqual([ADDRESS]);
  });

  test("is given back while its account is disabled, which a reader of the events may have done", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    const alice = await withConfirmed(t, mail);
    await alice.call("PATCH", "/api/auth/me", { email: "thief@example.com" });
    await alice.call("POST", "/api/auth/email/confirm", { token: tokenIn(await mail.letter(2)) });
    const undo = await mail.letter(3);
    const { operator } = t.app.duet;
    await operator.disable(await operator.find("alice"));
    const undone = await new Visitor(t).submit("/email/undo", { token: tokenIn(undo) });
    expect(undone.path).toBe("/login?done=undone");
    expect(await t.sql("SELECT email FROM users")).toEqual([{ email: ADDRESS }]);
    // Where no letter lets anybody in, the password stays.
    await operator.enable(await operator.find("alice"));
    expect((await login(t, "alice")).accessToken).toBeString();
  });

  test("is given back by who had it first, in whatever order the letters came; what was begun since is void", async () => {
    freezeClock();
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    const alice = await withConfirmed(t, mail);
    const change = async (email: string, n: number) => {
      await alice.call("PATCH", "/api/auth/me", { email });
      await alice.call("POST", "/api/auth/email/confirm", { token: tokenIn(await mail.letter(n)) });
    };
    // Letters to the owner are put off; those to the thief come at once.
    mail.refuseWith((to) => (to === ADDRESS ? { code: 451 } : undefined));
    await change("thief@example.com", 2);
    await change("thief2@example.com", 3);
    const later = await mail.letter(4);
    expect(later.for).toEqual(["thief@example.com"]);
    await forgot(t, "alice");
    const reset = await mail.letter(5);
    await alice.call("PATCH", "/api/auth/me", { email: "thief3@example.com" });
    const pending = await mail.letter(6);
    mail.refuseWith(undefined);
    advance(20);
    await settled(t);
    const first = mail.taken.find(
      (each) => each.for[0] === ADDRESS && each.subject!.includes("was changed"),
    )!;
    const visitor = new Visitor(t);
    const undone = await visitor.submit("/email/undo", { token: tokenIn(first) });
    expect(undone.path).toStartWith("/reset?token=");
    expect((await visitor.submit("/email/undo", { token: tokenIn(later) })).status).toBe(410);
    const set = { token: tokenIn(reset), new_password: PASSWORDS["carol"] };
    expect((await t.json("POST", "/api/auth/reset", set)).status).toBe(410);
    const confirm = { token: tokenIn(pending) };
    await visitor.submit("/reset", { token: tokenOf(undone.path), new_password: PASSWORDS["alice"]! });
    const back = await login(t, "alice");
    expect((await back.call("POST", "/api/auth/email/confirm", confirm)).status).toBe(410);
    expect(await t.sql("SELECT email, email_pending FROM users")).toEqual([
      { email: ADDRESS, email_pending: null },
    ]);
  });

  test("that waits is given up by whatever is asked for next, the present one too, and goes with the account", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    const alice = await withConfirmed(t, mail);
    const pendingOf = async () => (await t.sql("SELECT email_pending AS p FROM users"))[0]!["p"];
    await alice.call("PATCH", "/api/auth/me", { email: "other@example.com" });
    const other = await mail.letter(2);
    await alice.call("PATCH", "/api/auth/me", { username: "Alice" });
    expect(await pendingOf()).toBe("other@example.com");
    await alice.call("PATCH", "/api/auth/me", { email: ADDRESS });
    expect(await pendingOf()).toBeNull();
    const confirm = { token: tokenIn(other) };
    expect((await alice.call("POST", "/api/auth/email/confirm", confirm)).status).toBe(410);
    await alice.call("PATCH", "/api/auth/me", { email: "third@example.com" });
    await alice.call("POST", "/api/auth/email/confirm", { token: tokenIn(await mail.letter(3)) });
    const undo = await mail.letter(4);
    expect((await alice.call("POST", "/api/auth/delete", { password: alice.password })).status).toBe(204);
    expect((await new Visitor(t).submit("/email/undo", { token: tokenIn(undo) })).status).toBe(410);
    for (const email of [
      "<a@b.example>",
      "a,b@c.example",
      "a@b.example;",
      '"a"@b.example',
      "a>b@c.example",
    ]) {
      const input = { username: "bob", password: PASSWORDS["bob"], email };
      expect([email, (await t.json("POST", "/api/auth/register", input)).status]).toEqual([email, 422]);
    }
  });

  test("waits on the account page, where its letter is sent again, and may be taken away", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    const visitor = new Visitor(t);
    const bob = { username: "bob", password: PASSWORDS["bob"]!, email: "bob@example.com" };
    await visitor.submit("/register", bob);
    expect((await visitor.open("/account")).html).toContain("bob@example.com waits to be confirmed");
    await mail.letter(1);
    expect((await visitor.submit("/account/email/send")).path).toBe("/account?done=letter");
    const again = await mail.letter(2);
    // The one before it is good no more.
    expect((await visitor.open(`/account/email?token=${tokenIn(mail.taken[0]!)}`)).status).toBe(410);
    expect((await visitor.open(`/account/email?token=${tokenIn(again)}`)).html).toContain("bob@example.com");
    const done = await visitor.submit("/account/email", { token: tokenIn(again) });
    expect(done.path).toBe("/account?done=email");
    expect(done.html).not.toContain("waits to be confirmed");
    expect((await visitor.submit("/account/email/send")).status).toBe(404);
    expect((await visitor.submit("/account/profile", { username: "bob", email: "" })).status).toBe(200);
    expect(await t.sql("SELECT email, email_key, email_verified_at FROM users")).toEqual([
      { email: null, email_key: null, email_verified_at: null },
    ]);
  });

  test("that was there before there was mail counts as one that is not confirmed", async () => {
    await using t = await startApp(UNLIMITED);
    const old = await withAddress(t, ADDRESS, "bob");
    expect((await me(t, old.accessToken)).body.email).toBe(ADDRESS);
    await using mail = await mailServer();
    await using later = await t.restart(settings(mail));
    const byAddress = { username: ADDRESS, password: old.password };
    expect((await later.json("POST", "/api/auth/login", byAddress)).status).toBe(401);
    expect((await forgot(later, "bob")).status).toBe(202);
    const alice = await withConfirmed(later, mail);
    expect(mail.taken).toHaveLength(1);
    expect((await me(later, alice.accessToken)).body.email).toBe(ADDRESS);
    expect(await later.sql("SELECT email FROM users WHERE username = 'bob'")).toEqual([{ email: null }]);
  });
});

describe("a forgotten password", () => {
  test("comes back by a letter, in the reader's language, with a second step still asked for", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    const alice = await withConfirmed(t, mail);
    await withAuthenticator(alice);
    await mail.letter(2);
    const visitor = new Visitor(t);
    expect((await visitor.open("/login")).html).toContain('href="/forgot"');
    const asked = await visitor.submit("/forgot", { identifier: "Alice" });
    expect([asked.path, asked.html.includes("a letter is on its way")]).toEqual(["/forgot?done=sent", true]);
    const letter = await mail.letter(3);
    expect([letter.for, letter.subject]).toEqual([[ADDRESS], "A new password at localhost"]);
    const link = linkIn(letter);
    expect((await visitor.open(link.pathname + link.search)).html).toContain("alice");
    const set = { token: tokenIn(letter), new_password: PASSWORDS["carol"]! };
    expect((await visitor.submit("/reset", set)).path).toBe("/login?done=reset");
    expect((await me(t, alice.accessToken)).body.reason).toBe("password_changed");
    expect((await visitor.submit("/reset", set)).status).toBe(410);
    alice.password = PASSWORDS["carol"]!;
    const half = await t.json("POST", "/api/auth/login", { username: ADDRESS, password: alice.password });
    expect(half.body.code).toBe("second_factor_required");
    const notice = await mail.letter(4);
    expect(notice.subject).toBe("Password set anew by a link: your account at localhost");

    // In Chinese for who signs in in Chinese.
    const input = { username: "小明", password: PASSWORDS["小明"], email: "ming@example.com" };
    const chinese = { "accept-language": "zh-CN" };
    const ming = (await t.json("POST", "/api/auth/register", input, chinese)).body;
    const verify = await mail.letter(5);
    expect([verify.subject, verify.text!.startsWith("你好：")]).toEqual(["确认你在 localhost 的邮箱", true]);
    const bearer = { authorization: `Bearer ${ming.access_token}` };
    await t.json("POST", "/api/auth/email/confirm", { token: tokenIn(verify) }, bearer);
    // Asked for in whatever language, it comes in theirs.
    await forgot(t, "ming@example.com");
    expect((await mail.letter(6)).subject).toBe("在 localhost 设新密码");
  });

  test("is answered the same whoever it is, and only who can be reached is written to", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    await withConfirmed(t, mail);
    await register(t, "bob");
    const carol = await withAddress(t, "carol@example.com", "carol");
    await mail.letter(2);
    const { operator } = t.app.duet;
    const answers = [];
    for (const identifier of [
      "alice",
      "nobody",
      ADDRESS,
      "no@example.com",
      "bob",
      "carol",
      "carol@example.com",
      "x@",
      "日本",
    ])
      answers.push(await forgot(t, identifier));
    for (const { status, text, headers } of answers) {
      expect([status, text]).toEqual([202, ""]);
      expect([...headers.keys()].toSorted()).toEqual([...answers[0]!.headers.keys()].toSorted());
    }
    await settled(t);
    expect(mail.taken.slice(2).map((each) => each.for)).toEqual([[ADDRESS], [ADDRESS]]);
    // Nobody's name stands in the database in clear while it waits.
    mail.refuseWith(() => ({ code: 451 }));
    await forgot(t, "alice");
    await settled(t);
    expect(JSON.stringify(await t.sql("SELECT * FROM letters"))).not.toContain("alice");
    await operator.disable(await operator.find("alice"));
    mail.refuseWith(undefined);
    await t.sql("UPDATE letters SET next_at = 0, tries = 0");
    await forgot(t, "alice");
    await settled(t);
    expect(mail.taken).toHaveLength(4);
    expect((await forgot(t, " ")).status).toBe(422);
    expect((await me(t, carol.accessToken)).status).toBe(200);
  });

  test("of a stranger's asking voids no operator's link, and is no way round the command line for operators", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    await withConfirmed(t, mail);
    const { links, operator } = t.app.duet;
    const user = await operator.find("alice");
    const link = new URL(await links.makeReset(user, COMMAND_LINE, { withoutFactors: true }));
    await forgot(t, "alice");
    const letter = await mail.letter(2);
    await forgot(t, "alice");
    const second = await mail.letter(3);
    const visitor = new Visitor(t);
    for (const each of [link, linkIn(letter), linkIn(second)])
      expect((await visitor.open(each.pathname + each.search)).status).toBe(200);
    expect((await visitor.open(link.pathname + link.search)).html).toContain("takes away the second step");
    const set = { token: tokenIn(letter), new_password: PASSWORDS["bob"]! };
    expect((await visitor.submit("/reset", set)).path).toBe("/login?done=reset");
    // With the first that is used all others are void.
    for (const each of [link, linkIn(second)])
      expect((await visitor.open(each.pathname + each.search)).status).toBe(410);
    await mail.letter(4);
    await operator.setOperator(user, true);
    await forgot(t, "alice");
    await settled(t);
    expect(mail.taken).toHaveLength(4);
  });

  test("is told to no stranger's address again and again", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    for (let n = 0; n < 12; n++)
      await t.json("POST", "/api/auth/register", {
        username: `www.evil${n}.com`,
        password: PASSWORDS["bob"],
        email: "Victim@example.com",
      });
    await settled(t);
    expect(mail.taken).toHaveLength(5);
    for (const { text, html } of mail.taken) expect(text! + html!).not.toContain("evil");
  });

  test("has limits that lock nobody out: the last letter is good", async () => {
    freezeClock();
    await using mail = await mailServer();
    await using t = await startApp({ ...settings(mail), DUET_TRUSTED_PROXIES: "127.0.0.1" });
    const alice = await withConfirmed(t, mail);
    const from = (ip: string) => ({ "x-forwarded-for": ip });
    const ask = (ip: string, identifier = "alice") =>
      t.json("POST", "/api/auth/forgot", { identifier }, from(ip));
    const statuses = [];
    for (let n = 0; n < 4; n++) statuses.push((await ask("198.51.100.1")).status);
    expect(statuses).toEqual([202, 202, 202, 429]);
    for (let n = 0; n < 8; n++) await ask("198.51.100.2", `nobody${n}`);
    const more = [];
    for (let n = 0; n < 3; n++) more.push((await ask("198.51.100.2", `somebody${n}`)).status);
    expect(more).toEqual([202, 202, 429]);
    for (let n = 0; n < 20; n++) expect((await ask(`203.0.${n}.1`)).status).toBe(202);
    await settled(t);
    const sent = mail.taken.slice(1);
    expect(sent).toHaveLength(5);
    // From where its owner has signed in there is a letter all the same.
    expect((await forgot(t, "alice")).status).toBe(202);
    await settled(t);
    expect(mail.taken).toHaveLength(7);
    const tokens = mail.taken.slice(1).map(tokenIn);
    const set = (token: string) =>
      t.json("POST", "/api/auth/reset", { token, new_password: PASSWORDS["bob"] });
    const got = [];
    for (const token of tokens) got.push((await set(token)).status);
    expect(got.filter((status) => status === 204)).toHaveLength(1);
    expect((await me(t, alice.accessToken)).status).toBe(401);
  });
});

describe("a letter that is tried again", () => {
  test("counts once, has the same link each time, and is not made anew once that was used", async () => {
    freezeClock();
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    // A mail server that puts off whom it does not know, for longer than the limit on letters would allow.
    mail.refuseWith(() => ({ code: 451 }));
    const alice = await withAddress(t);
    for (let n = 0; n < 8; n++) {
      await settled(t);
      await t.sql("UPDATE letters SET next_at = 0");
    }
    expect(await t.sql("SELECT kind FROM letters")).toEqual([{ kind: "verify" }]);
    mail.refuseWith(undefined);
    await settled(t);
    const token = tokenIn(await mail.letter(1));
    expect((await alice.call("POST", "/api/auth/email/confirm", { token })).status).toBe(200);

    // The mail server has it, and its answer is lost.
    await forgot(t, "alice");
    const first = await mail.letter(2);
    await settled(t);
    const asked = JSON.stringify({ name: "alice", network: "198.51.100.1" });
    const sealed = await t.app.duet.keys.seal.close("letter", asked);
    const again = async () => {
      await t.sql(
        `INSERT INTO letters (id, kind, user_id, address, about, created_at, tries, next_at)
          SELECT id, 'forgotten', NULL, NULL, '${sealed}', created_at, 1, 0 FROM links WHERE purpose = 'reset'`,
      );
      await settled(t);
    };
    await again();
    const second = await mail.letter(3);
    expect(tokenIn(second)).toBe(tokenIn(first));
    expect(await t.sql("SELECT kind FROM auth_events WHERE kind = 'reset_link'")).toEqual([
      { kind: "reset_link" },
    ]);
    // One that was used does not come back by a third.
    await t.sql("UPDATE links SET used_at = 1 WHERE purpose = 'reset'");
    await again();
    expect(mail.taken).toHaveLength(3);
  });
});

describe("a notice", () => {
  test("is written of a new device, a new password or factor, and a theft; not of what is known, nor to who is not", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail), DUET_TRUSTED_PROXIES: "127.0.0.1" });
    const alice = await withConfirmed(t, mail);
    await login(t, "alice");
    const input = { username: "alice", password: alice.password };
    const there = { "x-forwarded-for": "203.0.113.9", "user-agent": "curl/8.5.0" };
    const far = (await t.json("POST", "/api/auth/login", input, there)).body;
    const device = await mail.letter(2);
    expect(device.subject).toBe("Sign-in from a new device or network: your account at localhost");
    expect(device.text).toContain("From curl, 203.0.113.9.");
    await t.json("POST", "/api/auth/login", input, there);
    const next = (await t.json("POST", "/api/auth/refresh", { refresh_token: far.refresh_token }, there))
      .body;
    await me(t, next.access_token);
    await t.sql("UPDATE sessions SET confirmed_at = 1, previous_confirmed_at = 1, rotated_at = 2");
    await t.json("POST", "/api/auth/refresh", { refresh_token: far.refresh_token }, there);
    expect((await mail.letter(3)).subject).toContain("Possible theft");
    await withAuthenticator(alice);
    expect((await mail.letter(4)).subject).toStartWith("New way to sign in");
    goOnWith(
      alice,
      (await alice.call("POST", "/api/auth/password", { new_password: PASSWORDS["bob"] })).body,
    );
    expect((await mail.letter(5)).subject).toStartWith("Password change");
    const made = await alice.call("POST", "/api/auth/factors/recovery-codes");
    expect((await mail.letter(6)).subject).toStartWith("New recovery codes");
    alice.password = PASSWORDS["bob"]!;
    const { challenge } = (await password(t, alice)).body;
    await answer(t, { challenge, recovery_code: made.body.codes[0] });
    expect((await mail.letter(7)).subject).toStartWith("A recovery code was used");
    // Nobody without a confirmed address, and nothing of what failed.
    const bob = await withAddress(t, "bob@example.com", "bob");
    await mail.letter(8);
    await t.json("POST", "/api/auth/login", { username: "bob", password: "wrong" }, there);
    await t.json("POST", "/api/auth/login", { username: "bob", password: bob.password }, there);
    await settled(t);
    expect(mail.taken).toHaveLength(8);
    for (const { raw, html } of mail.taken) {
      // Nothing in it is fetched, and it says that no person has sent it.
      expect(html).not.toMatch(/<(?:img|link|style|script)|url\(/i);
      expect(raw).toContain("Auto-Submitted: auto-generated");
    }
  });
});

describe("a notice that is put off", () => {
  test("goes to where it was to go, whatever the address is by then", async () => {
    freezeClock();
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    const alice = await withConfirmed(t, mail);
    mail.refuseWith(() => ({ code: 451 }));
    await withAuthenticator(alice);
    await settled(t);
    await alice.call("PATCH", "/api/auth/me", { email: null });
    await settled(t);
    mail.refuseWith(undefined);
    advance(20);
    await settled(t);
    const subjects = mail.taken.slice(1).map((each) => [each.for[0], each.subject!.split(":")[0]]);
    expect(subjects.toSorted()).toEqual([
      [ADDRESS, "New way to sign in"],
      [ADDRESS, "Your address at localhost was changed"],
    ]);
  });
});

describe("a mail server", () => {
  test("that is down loses nothing and holds nobody; when it is back the letter comes", async () => {
    freezeClock();
    let mail = await mailServer();
    const { url, port } = mail;
    await mail[Symbol.asyncDispose]();
    await using t = await startApp({ ...UNLIMITED, ...settings({ url }) });
    const alice = await withAddress(t);
    await settled(t);
    const waits = [];
    for (let n = 0; n < 4; n++) {
      const [row] = await t.sql("SELECT next_at, tries FROM letters");
      waits.push((row!["next_at"] - Date.now()) / 1000);
      advance(waits[n]!);
      await settled(t);
    }
    expect(waits).toEqual([10, 20, 40, 80]);
    expect((await me(t, alice.accessToken)).status).toBe(200);
    // A restart of Duet's own loses it no more than that.
    await using again = await t.restart();
    advance(3600);
    mail = await mailServer({}, port);
    await using _ = mail;
    await settled(again);
    const letter = await mail.letter(1);
    expect(letter.for).toEqual([ADDRESS]);
    const confirmed = await again.json(
      "POST",
      "/api/auth/email/confirm",
      { token: tokenIn(letter) },
      { authorization: `Bearer ${(await login(again, "alice")).accessToken}` },
    );
    expect(confirmed.status).toBe(200);
    await settled(again);
    expect(mail.taken).toHaveLength(1);
    expect(await again.sql("SELECT id FROM letters")).toEqual([]);
  });

  test("that refuses for good is believed, one that refuses for now is asked again, and for three days at most", async () => {
    freezeClock();
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    mail.refuseWith(() => ({ code: 550 }));
    await withAddress(t);
    await settled(t);
    expect(await t.sql("SELECT id FROM letters")).toEqual([]);
    expect(t.logged.filter(({ event }) => event === "letter_given_up")).toHaveLength(1);
    mail.refuseWith(() => ({ code: 451 }));
    await withAddress(t, "bob@example.com", "bob");
    await settled(t);
    expect(await t.sql("SELECT tries FROM letters")).toEqual([{ tries: 1 }]);
    advance(73 * 3600);
    await settled(t);
    expect(await t.sql("SELECT id FROM letters")).toEqual([]);
    expect(mail.taken).toEqual([]);
    expect(JSON.stringify(t.logged)).not.toContain("@example.com");
  });

  test("that hangs holds no request, and no letter of others", async () => {
    let hanging = 0;
    await using mail = await mailServer({
      onConnect: (_, done) => (hanging++ === 0 ? undefined : done()),
    });
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    await withAddress(t);
    const bob = await withAddress(t, "bob@example.com", "bob");
    expect((await mail.letter(1)).for).toHaveLength(1);
    expect((await me(t, bob.accessToken)).status).toBe(200);
    expect(mail.taken).toHaveLength(1);
    // It lets go, and what hung waits for another try.
    await mail[Symbol.asyncDispose]();
    await settled(t);
    expect(await t.sql("SELECT tries FROM letters")).toEqual([{ tries: 1 }]);
  });

  test("gets each letter once from however many servers there are", async () => {
    await using mail = await mailServer();
    await using t = await startApp({ ...UNLIMITED, ...settings(mail) });
    await withAddress(t);
    await mail.letter(1);
    await t.sql(
      "INSERT INTO letters (id, kind, user_id, about, created_at, next_at) SELECT 'l' || id, 'verify', id, email_pending, 1, 9999999999999 FROM users",
    );
    // As two of them would: both have seen it, one is told that it is theirs.
    const [row] = await t.sql<LetterRow>("SELECT * FROM letters");
    const db = t.openDb();
    const claims = await Promise.all([1, 2].map(() => createStore(db).letters.claim(row!, 5)));
    expect(claims.toSorted()).toEqual([false, true]);
    await db.close();
  });
});

describe("without a mail server", () => {
  test("nothing of it is shown, and its routes are not there", async () => {
    await using t = await startApp(UNLIMITED);
    const visitor = new Visitor(t);
    await visitor.register("alice");
    const { html } = await visitor.open("/account");
    expect(html).not.toMatch(/to be confirmed|\/account\/email/);
    for (const path of ["/forgot", "/email/undo?token=x", "/account/email?token=x"])
      expect([path, (await visitor.open(path)).status]).toEqual([path, 404]);
    expect((await visitor.submit("/forgot", { identifier: "alice" })).status).toBe(404);
    expect((await forgot(t, "alice")).status).toBe(404);
    const nobody = new Visitor(t);
    expect((await nobody.open("/login")).html).not.toContain("/forgot");
    const bob = await register(t, "bob");
    await bob.call("PATCH", "/api/auth/me", { email: "bob@example.com" });
    expect((await me(t, bob.accessToken)).body.email).toBe("bob@example.com");
    expect(await t.sql("SELECT id FROM letters")).toEqual([]);
  });
});
