import { describe, expect, test } from "bun:test";
import { COMMAND_LINE } from "../src/core/auth/actors.ts";
import { startApp, freezeClock, advance, UNLIMITED, type TestApp } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { login, me, PASSWORDS, register } from "./support/people.ts";

/** Carol is an operator, signed in by a page; Alice and Bob are two people. */
async function start(settings: Record<string, string> = {}) {
  const t = await startApp(settings);
  const carol = new Visitor(t);
  await carol.register("carol");
  const { operator } = t.app.duet;
  await operator.setOperator(await operator.find("carol"), true);
  const [alice, bob] = [await register(t, "alice"), await register(t, "bob")];
  return Object.assign(t, { carol, alice, bob });
}

const eventsOf = (t: TestApp, userId: string) =>
  t.sql<{ kind: string; outcome: string; operator: string | null }>(
    "SELECT kind, outcome, operator FROM auth_events WHERE user_id = $1 ORDER BY id DESC",
    userId,
  );

const linkIn = (html: string) => new URL(/<code class="link">([^<]+)</.exec(html)![1]!);

describe("the operators' page", () => {
  test("is there for whom the command line made an operator, from a browser's session, and for nobody else", async () => {
    await using t = await start();
    expect((await t.carol.open("/admin")).status).toBe(200);
    const visitor = new Visitor(t);
    await visitor.register("小明");
    for (const path of ["/admin", `/admin/people/${t.bob.id}`])
      expect([path, (await visitor.open(path)).status]).toEqual([path, 404]);
    for (const act of ["disable", "enable", "reset-link"])
      expect((await visitor.submit(`/admin/people/${t.bob.id}/${act}`)).status).toBe(404);
    expect((await visitor.submit("/admin/invitations")).status).toBe(404);
    // A program's token in a cookie is no browser's session.
    const program = await login(t, "carol");
    const cookie = { cookie: `duet_access=${program.accessToken}`, "sec-fetch-mode": "navigate" };
    expect((await t.fetch("/admin", { headers: cookie })).status).toBe(404);
    // One who is an operator no more is none with the next request.
    const { operator } = t.app.duet;
    await operator.setOperator(await operator.find("carol"), false);
    expect((await t.carol.open("/admin")).status).toBe(404);
    expect((await me(t, t.bob.accessToken)).status).toBe(200);
  });

  test("asks for a proof when the last one is older than ten minutes, whatever was asked for", async () => {
    freezeClock();
    await using t = await start();
    const disable = `/admin/people/${t.bob.id}/disable`;
    const prove = (asked: { html: string }, fields: Record<string, string>) => {
      const [, challenge] = /name="challenge" value="([^"]+)"/.exec(asked.html)!;
      return t.carol.submit("/account/proof", { challenge: challenge!, ...fields });
    };
    advance(600);
    for (const ask of [
      () => t.carol.open("/admin"),
      () => t.carol.open(`/admin/people/${t.bob.id}`),
      () => t.carol.submit(disable),
    ]) {
      const asked = await ask();
      expect(asked.status).toBe(401);
      expect(asked.html).toContain('type="password"');
      expect(asked.html).not.toContain("bob");
    }
    expect((await me(t, t.bob.accessToken)).status).toBe(200);
    const asked = await t.carol.open("/admin?search=b");
    const wrong = await prove(asked, { password: "wrong", next: "/admin?search=b" });
    expect(wrong.status).toBe(422);
    expect((await t.carol.open("/admin")).status).toBe(401);
    const right = await prove(wrong, { password: PASSWORDS["carol"]!, next: "/admin?search=b" });
    expect([right.status, right.path]).toEqual([200, "/admin?search=b"]);
    // A clock that went back is no proof.
    advance(-60);
    expect((await t.carol.open("/admin")).status).toBe(401);
    advance(60);
    advance(599);
    expect((await t.carol.open("/admin")).status).toBe(200);
    advance(1);
    const again = await t.carol.open("/admin");
    expect(again.status).toBe(401);
    const carol = await t.app.duet.operator.find("carol");
    expect((await eventsOf(t, carol.id)).slice(0, 2)).toEqual([
      { kind: "step_up", outcome: "success", operator: null },
      { kind: "step_up", outcome: "failure", operator: null },
    ]);
    // Tries are counted as everywhere: five of a challenge, and then for a while no more.
    let last = again;
    for (let i = 0; i < 8; i++) last = await prove(last, { password: "wrong" });
    expect((await prove(last, { password: PASSWORDS["carol"]! })).status).toBe(429);
  });

  test("finds people by the beginning of their name, page by page", async () => {
    await using t = await start(UNLIMITED);
    await t.app.duet.operator.adopt(
      Array.from({ length: 120 }, (_, n) => ({
        username: `person${String(n).padStart(3, "0")}`,
        passwordHash: "$2b$04$abcdefghijklmnopqrstuuCdGqIVjEcrqdEh0Gk0fS2n2i0M0o2kO",
      })),
    );
    const names = (html: string) => [...html.matchAll(/\/admin\/people\/[^"]+">([^<]+)</g)].map(([, n]) => n);
    const seen: (string | undefined)[] = [];
    for (let path: string | undefined = "/admin?search=person"; path;) {
      const { html } = await t.carol.open(path);
      seen.push(...names(html));
      path = /href="(\/admin\?[^"]*after=[^"]+)#people"/.exec(html)?.[1]?.replaceAll("&amp;", "&");
    }
    expect(seen).toHaveLength(120);
    expect(new Set(seen).size).toBe(120);
    expect(names((await t.carol.open("/admin?search=AL")).html)).toEqual(["alice"]);
    await t.bob.call("PATCH", "/api/auth/me", { email: "Bob@example.com" });
    expect(names((await t.carol.open("/admin?search=bob%40example.com")).html)).toEqual(["bob"]);
    expect(names((await t.carol.open("/admin?search=nobody%40example.com")).html)).toEqual([]);
    expect((await t.carol.open("/admin?search=%3Cb%3E")).html).toContain('value="&lt;b&gt;"');
  });

  test("disables, enables, and ends a session, with the next request, and says by whom", async () => {
    await using t = await start();
    const url = `/admin/people/${t.bob.id}`;
    const second = await login(t, "bob");
    const { html } = await t.carol.open(url);
    const [first, last] = [...html.matchAll(/sessions\/([0-9a-f-]{36})\/end/g)].map(([, id]) => id!);
    expect([first, last].every(Boolean)).toBe(true);
    // Another's session by this one's page is not there.
    expect((await t.carol.submit(`/admin/people/${t.alice.id}/sessions/${first}/end`)).status).toBe(404);
    await t.carol.submit(`${url}/sessions/${first}/end`);
    const states = await Promise.all([t.bob, second].map(({ accessToken }) => me(t, accessToken)));
    expect(states.map(({ status }) => status).toSorted()).toEqual([200, 401]);
    const over = states.find(({ status }) => status === 401)!;
    expect(over.body).toMatchObject({ reason: "revoked_by_operator", ended_by: null });
    await t.carol.submit(`${url}/disable`);
    expect((await me(t, second.accessToken)).status).toBe(401);
    const signIn = { username: "bob", password: PASSWORDS["bob"] };
    expect((await t.json("POST", "/api/auth/login", signIn)).status).toBe(401);
    await t.carol.submit(`${url}/enable`);
    const back = await login(t, "bob");
    const kinds = (await eventsOf(t, t.bob.id)).filter(({ operator }) => operator !== null);
    expect(kinds).toEqual([
      { kind: "account_enable", outcome: "success", operator: "carol" },
      { kind: "account_disable", outcome: "success", operator: "carol" },
      { kind: "session_revoke", outcome: "success", operator: "carol" },
    ]);
    // Its owner is told by whom, not from where.
    const { items } = (await back.call("GET", "/api/auth/events")).body;
    const told = items.find((each: any) => each.kind === "account_disable");
    expect(told).toMatchObject({ operator: "carol", ip: null, device: null });
  });

  test("does nothing to operators", async () => {
    await using t = await start();
    const { operator } = t.app.duet;
    const carol = await operator.find("carol");
    const page = await t.carol.open(`/admin/people/${carol.id}`);
    expect(page.html).not.toContain("/disable");
    await operator.setOperator(await operator.find("bob"), true);
    const [session] = await operator.sessionsOf(await operator.find("bob"));
    for (const path of ["disable", "enable", "reset-link", `sessions/${session!.id}/end`])
      expect([path, (await t.carol.submit(`/admin/people/${t.bob.id}/${path}`)).status]).toEqual([path, 403]);
    expect((await me(t, t.bob.accessToken)).status).toBe(200);
    expect(await t.sql("SELECT * FROM links")).toEqual([]);
  });

  test("is refused from another site", async () => {
    await using t = await start();
    const cookie = [...t.carol.jar].map(([name, { value }]) => `${name}=${value}`).join("; ");
    const answer = await t.fetch(`/admin/people/${t.bob.id}/disable`, {
      method: "POST",
      headers: {
        cookie,
        "sec-fetch-site": "cross-site",
        "content-type": "application/x-www-form-urlencoded",
      },
    });
    expect(answer.status).toBe(403);
    expect((await me(t, t.bob.accessToken)).status).toBe(200);
  });

  test("shows the state of the server", async () => {
    await using t = await start({ DUET_RATE_LIMITS: "off" });
    const { html } = await t.carol.open("/admin");
    for (const part of ["SQLite", "takes writes", "signs", "ES256", "off"].slice(
      process.env["TEST_DATABASE"] ? 1 : 0,
    ))
      expect(html).toContain(part);
    // Invitations are for where registration is closed.
    expect(html).not.toContain("/admin/invitations");
    expect((await t.carol.submit("/admin/invitations")).status).toBe(404);
  });
});

describe("a link for a new password", () => {
  test("sets it once, ends every session, and signs nobody in", async () => {
    await using t = await start();
    const made = await t.carol.submit(`/admin/people/${t.alice.id}/reset-link`);
    const link = linkIn(made.html);
    expect(link.pathname).toBe("/reset");
    // Of what it says nothing is kept.
    const [row] = await t.sql("SELECT * FROM links");
    expect(JSON.stringify(row)).not.toContain(link.searchParams.get("token")!);
    const visitor = new Visitor(t);
    // To look does not use it up; a guessable password neither.
    expect((await visitor.open(link.pathname + link.search)).html).toContain("alice");
    const token = link.searchParams.get("token")!;
    const weak = await visitor.submit("/reset", { token, new_password: "password" });
    expect(weak.status).toBe(422);
    const done = await visitor.submit("/reset", { token, new_password: PASSWORDS["bob"]! });
    expect(done.path).toBe("/login?done=reset");
    expect(visitor.jar.has("duet_access")).toBe(false);
    const over = await me(t, t.alice.accessToken);
    expect(over.body).toMatchObject({ code: "session_ended", reason: "password_changed" });
    expect((await visitor.submit("/reset", { token, new_password: PASSWORDS["carol"]! })).status).toBe(410);
    expect((await visitor.open(link.pathname + link.search)).status).toBe(410);
    const signIn = { username: "alice", password: PASSWORDS["bob"] };
    expect((await t.json("POST", "/api/auth/login", signIn)).status).toBe(200);
    expect((await eventsOf(t, t.alice.id)).slice(1, 3)).toEqual([
      { kind: "password_reset", outcome: "success", operator: "carol" },
      { kind: "reset_link", outcome: "success", operator: "carol" },
    ]);
  });

  test("of many who use it at once one sets it", async () => {
    await using t = await start(UNLIMITED);
    const { operator, links } = t.app.duet;
    const link = new URL(await links.makeReset(await operator.find("alice"), { name: "carol", device }));
    const token = link.searchParams.get("token");
    const passwords = Array.from({ length: 8 }, (_, n) => `eight umbrellas in the hall ${n}`);
    const answers = await Promise.all(
      passwords.map((new_password) => t.json("POST", "/api/auth/reset", { token, new_password })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, ...Array(7).fill(410)]);
    const winner = passwords[answers.findIndex(({ status }) => status === 204)];
    const signIn = { username: "alice", password: winner };
    expect((await t.json("POST", "/api/auth/login", signIn)).status).toBe(200);
  });

  test("is good for half an hour, for the last that was made, while the account may sign in and its password stays", async () => {
    freezeClock();
    await using t = await start(UNLIMITED);
    const { operator, links } = t.app.duet;
    const alice = await operator.find("alice");
    const make = async () =>
      new URL(await links.makeReset(alice, { name: "carol", device })).searchParams.get("token")!;
    const use = async (token: string) =>
      (await t.json("POST", "/api/auth/reset", { token, new_password: PASSWORDS["carol"] })).status;
    const late = await make();
    advance(1800);
    expect(await use(late)).toBe(410);
    const [first, second] = [await make(), await make()];
    expect(await use(first)).toBe(410);
    const change = { current_password: PASSWORDS["alice"], new_password: PASSWORDS["bob"] };
    t.alice.accessToken = (await login(t, "alice")).accessToken;
    expect((await t.alice.call("POST", "/api/auth/password", change)).status).toBe(200);
    expect(await use(second)).toBe(410);
    const third = await make();
    await operator.disable(alice);
    expect(await use(third)).toBe(410);
    await operator.enable(alice);
    expect(await use(third)).toBe(410);
    for (const token of ["", "x", "\0", "a".repeat(10_000)]) expect(await use(token)).toBe(410);
    // What it is for is part of it.
    const fourth = await make();
    await t.sql("UPDATE users SET username = NULL, username_key = NULL WHERE id = $1", alice.id);
    expect(await use(fourth)).toBe(410);
  });
});

describe("links of an operator", () => {
  test("end with what their maker may do, and with whom they are for becoming one", async () => {
    await using t = await start(UNLIMITED);
    const { operator, links } = t.app.duet;
    const find = (name: string) => operator.find(name);
    const [alice, bob, carol] = [await find("alice"), await find("bob"), await find("carol")];
    const by = { name: "carol", userId: carol.id, device };
    const make = async (user = bob) => new URL(await links.makeReset(user, by)).searchParams.get("token")!;
    const use = async (token: string) =>
      (await t.json("POST", "/api/auth/reset", { token, new_password: PASSWORDS["carol"] })).status;
    const toOne = await make();
    await operator.setOperator(bob, true);
    expect(await use(toOne)).toBe(410);
    await operator.setOperator(bob, false);
    for (const end of [() => operator.setOperator(carol, false), () => operator.disable(carol)]) {
      const [link, own] = [await make(alice), await links.makeReset(bob, COMMAND_LINE)];
      await end();
      expect(await use(link)).toBe(410);
      // What the command line has made is its own.
      expect(await use(new URL(own).searchParams.get("token")!)).toBe(204);
    }
    await expect(links.makeReset(carol, COMMAND_LINE)).rejects.toThrow("link_ended");
  });

  test("for a new password are one at a time, however many are made at once", async () => {
    await using t = await start(UNLIMITED);
    const { operator, links } = t.app.duet;
    const bob = await operator.find("bob");
    const made = await Promise.all(Array.from({ length: 6 }, () => links.makeReset(bob, COMMAND_LINE)));
    const answers: number[] = [];
    for (const link of made) {
      const set = { token: new URL(link).searchParams.get("token"), new_password: PASSWORDS["carol"] };
      answers.push((await t.json("POST", "/api/auth/reset", set)).status);
    }
    expect(answers.toSorted()).toEqual([204, 410, 410, 410, 410, 410]);
  });
});

describe("a name that was given by a command", () => {
  test("stays when its owner changes the address, and is nobody else's to take", async () => {
    await using t = await startApp(UNLIMITED);
    await t.app.duet.operator.add({ username: "root", password: PASSWORDS["bob"]! });
    const login = await t.json("POST", "/api/auth/login", { username: "root", password: PASSWORDS["bob"] });
    const bearer = { authorization: `Bearer ${login.body.access_token}` };
    const email = "root@example.com";
    const changed = await t.json("PATCH", "/api/auth/me", { email }, bearer);
    expect(changed.body).toMatchObject({ username: "root", email });
    expect((await t.json("PATCH", "/api/auth/me", { username: "admin" }, bearer)).status).toBe(422);
  });
});

describe("an invitation", () => {
  test("lets one person in where registration is closed, and can be taken back", async () => {
    await using t = await start();
    await using closed = await t.restart({ DUET_REGISTRATION: "closed", ...UNLIMITED });
    const carol = new Visitor(closed);
    for (const [name, cookie] of t.carol.jar) carol.jar.set(name, cookie);
    const invite = async () => linkIn((await carol.submit("/admin/invitations")).html);
    const [first, second] = [await invite(), await invite()];
    const invitation = first.searchParams.get("invitation")!;
    const person = (username: string, more = {}) =>
      closed.json("POST", "/api/auth/register", {
        username,
        password: "a lamp beside the north door",
        ...more,
      });
    expect((await person("dora")).body.code).toBe("registration_closed");
    expect((await person("dora", { invitation: "none" })).body.code).toBe("link_ended");
    // What is wrong with the form does not use it up.
    expect((await person("x", { invitation })).status).toBe(422);
    const visitor = new Visitor(closed);
    // Whoever comes without one is told before anything is typed.
    expect((await visitor.open("/login")).html).not.toContain('href="/register');
    expect((await visitor.open("/register")).status).toBe(403);
    expect((await visitor.open("/register?invitation=none")).status).toBe(410);
    const { html } = await visitor.open(first.pathname + first.search);
    expect(html).toContain(`value="${invitation}"`);
    const fields = { username: "dora", password: "a lamp beside the north door", invitation };
    expect((await visitor.submit("/register", fields)).path).toContain("/conversations");
    expect((await person("emil", { invitation })).body.code).toBe("link_ended");
    // The other one is taken back.
    const { html: page } = await carol.open("/admin");
    const [, id] = /\/admin\/invitations\/([0-9a-f-]{36})\/end/.exec(page)!;
    await carol.submit(`/admin/invitations/${id}/end`);
    const late = second.searchParams.get("invitation")!;
    expect((await person("emil", { invitation: late })).body.code).toBe("link_ended");
    const operator = await closed.app.duet.operator.find("carol");
    const kinds = (await eventsOf(closed, operator.id)).map(({ kind }) => kind);
    expect(kinds.slice(0, 3)).toEqual(["invitation_end", "invitation", "invitation"]);
    // A link of one purpose is none of the other.
    const reset = { token: late, new_password: PASSWORDS["bob"] };
    expect((await closed.json("POST", "/api/auth/reset", reset)).status).toBe(410);
  });

  test("of many who use it at once one is let in", async () => {
    await using t = await startApp({ DUET_REGISTRATION: "closed", ...UNLIMITED });
    const link = await t.app.duet.links.makeInvitation({ name: "carol", device });
    const invitation = new URL(link).searchParams.get("invitation");
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        t.json("POST", "/api/auth/register", {
          username: `guest${n}`,
          password: `eight umbrellas in the hall ${n}`,
          invitation,
        }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array(7).fill(410)]);
    expect(await t.sql("SELECT * FROM users")).toHaveLength(1);
  });
});

const device = { userAgent: "duet", ip: "127.0.0.1" };
