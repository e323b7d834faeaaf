import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { LOCALES } from "../src/locales/index.ts";
import { COMMANDS } from "../src/cli/commands.ts";
import { freezeClock, ORIGIN, startApp, type TestApp, UNLIMITED } from "./support/app.ts";
import { decode, login, me, PASSWORDS, refresh, register } from "./support/people.ts";
import { bareEnvironment, BINARY, command, commandReading, freePort, ROOT, run } from "./support/process.ts";
import { folderOnDisk } from "./support/app.ts";

const duet = (t: TestApp, ...args: string[]) => command(...args, "--data", t.folder, "--public-url", ORIGIN);
const json = async (t: TestApp, ...args: string[]) => JSON.parse((await duet(t, ...args, "--json")).out);

/** The same with something on its standard input. */
const withInput = (t: TestApp, input: string, ...args: string[]) =>
  commandReading(input, ...args, "--data", t.folder, "--public-url", ORIGIN);

describe("the operator's commands, beside the running server", () => {
  test("make accounts, list them page by page, and show one; no password is in a command line", async () => {
    await using t = await startApp(UNLIMITED);
    const made = await withInput(
      t,
      `${PASSWORDS["alice"]}\n`,
      "users",
      "add",
      "alice",
      "--email",
      "a@example.com",
    );
    expect(made).toEqual({ out: "alice may sign in\n", errors: "", exitCode: 0 });
    const alice = await login(t, "alice");
    for (const [input, name, says] of [
      [PASSWORDS["bob"]!, "ALICE", "That username is taken. Try another."],
      ["password", "bob", "password: "],
      ["", "bob", "a password is needed"],
      [PASSWORDS["bob"]!, "b", "username: "],
    ] as const) {
      const refused = await withInput(t, input, "users", "add", name);
      expect(refused.errors).toContain(says);
      expect(refused.exitCode).toBe(input === "" ? 2 : 1);
      expect(refused.errors).not.toContain(PASSWORDS["bob"]!);
    }
    for (const name of ["bob", "carol"]) await register(t, name);
    expect((await json(t, "users", "list")).map(({ username }: any) => username)).toEqual([
      "alice",
      "bob",
      "carol",
    ]);
    expect((await json(t, "users", "list", "--search", "C")).map(({ username }: any) => username)).toEqual([
      "carol",
    ]);
    const page = await duet(t, "users", "list", "--limit", "1", "--after", "alice");
    expect([page.out, page.errors]).toEqual([
      expect.stringMatching(/^username .*\nbob +b?/),
      "more: --after bob\n",
    ]);
    expect((await duet(t, "users", "list", "--limit", "x")).exitCode).toBe(1);
    const shown = await json(t, "users", "show", "A@example.com");
    expect(shown).toMatchObject({
      username: "alice",
      sessions: [{ id: decode(alice.refreshToken).claims.sid, kind: "program", bound: false }],
    });
  });

  test("make operators, whose names may be those that are kept for them, and links for whoever has forgotten a password", async () => {
    await using t = await startApp(UNLIMITED);
    const made = await withInput(t, PASSWORDS["bob"]!, "users", "add", "root", "--admin");
    expect(made).toEqual({ out: "root may sign in, and is an operator\n", errors: "", exitCode: 0 });
    const alice = await register(t, "alice");
    const operators = async () =>
      (await json(t, "users", "list"))
        .filter(({ operator }: any) => operator !== null)
        .map(({ username }: any) => username);
    expect(await operators()).toEqual(["root"]);
    expect((await duet(t, "users", "admin", "alice")).out).toBe("alice is an operator\n");
    expect(await operators()).toEqual(["alice", "root"]);
    expect((await duet(t, "users", "admin", "alice", "--not")).out).toBe("alice is an operator no more\n");
    expect(await operators()).toEqual(["root"]);
    expect((await duet(t, "users", "admin", "nobody")).exitCode).toBe(1);
    // Of operators, too: that is what the command line is for.
    for (const name of ["alice", "root"]) {
      const { out, errors, exitCode } = await duet(t, "users", "reset-link", name);
      expect([exitCode, errors]).toEqual([0, expect.stringContaining("half an hour")]);
      const set = { token: new URL(out.trim()).searchParams.get("token"), new_password: PASSWORDS["carol"] };
      expect((await t.json("POST", "/api/auth/reset", set)).status).toBe(204);
    }
    expect((await me(t, alice.accessToken)).body.reason).toBe("password_changed");
  });

  test("take over accounts of other systems with their hashes, which are made anew at the first sign-in", async () => {
    await using t = await startApp(UNLIMITED);
    await register(t, "alice");
    const password = "tulips on the windowsill 4";
    const hashes: Record<string, string> = {
      argon: await Bun.password.hash(password, { algorithm: "argon2i", memoryCost: 64, timeCost: 2 }),
      bcryptb: await Bun.password.hash(password, { algorithm: "bcrypt", cost: 4 }),
      bcrypty: (await Bun.password.hash(password, { algorithm: "bcrypt", cost: 4 })).replace("$2b$", "$2y$"),
      scrypt: "$scrypt$ln=14,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$pXi9a4DkB3Zv1IfQzxkAhVqqsPpTRCaFfm2aX2ddCrc",
      phc: "$pbkdf2-sha256$i=29000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$P1jj93K4QgULC0c66ErqRyB4OynmTwh37ubm7C8sp50",
      passlib:
        "$pbkdf2-sha512$29000$MDEyMzQ1Njc4OWFiY2RlZg$RfQ6mIph/VciPxu5ce7iJe7Ve/WMFe2GG.CVp4pYiWzkhTK5qbaCe9KwHtUNcUiMYfISsYmSg7iZb2Rqn6kJAg",
      django: "pbkdf2_sha256$29000$seasalt$7uTXp7glXKxQDO6Q0Qqur28X75sVmk8y4AWbShSgXNo=",
    };
    const people = Object.entries(hashes).map(([username, password_hash]) => ({
      username,
      password_hash,
      email: `${username}@example.com`,
      created_at: "2020-01-02T03:04:05Z",
    }));
    const dear = [
      "$argon2id$v=19$m=1048576,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
      "$2b$20$abcdefghijklmnopqrstuuJ0vFhVxYl1mC8Z5c3nKqK5iXq0qGvC2",
      "$scrypt$ln=30,r=8,p=1$c2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
      "pbkdf2_sha256$9999999$seasalt$aGFzaGhhc2hoYXNoaGFzaA==",
      "md5:5f4dcc3b5aa765d61d8327deb882cf99",
    ];
    const file = join(folderOnDisk(), "people.jsonl");
    const lines = [
      ...people,
      { username: "ALICE", password_hash: hashes["bcryptb"] },
      { username: "nobody" },
      ...dear.map((password_hash, i) => ({ username: `dear${i}`, password_hash })),
    ].map((each) => JSON.stringify(each));
    await Bun.write(file, [...lines, "not json", ""].join("\n"));
    const { out, errors, exitCode } = await duet(t, "users", "import", file);
    expect([out, exitCode]).toEqual(["7 accounts were made\n", 1]);
    expect(errors.split("\n")).toEqual([
      "duet: line 9: has no password_hash",
      "duet: line 15: is no JSON",
      "duet: line 8: That username is taken. Try another.",
      ...dear.map((_, i) => `duet: line ${10 + i}: password_hash: ${LOCALES.en.fields.invalid(0)}`),
      "duet: 8 lines were not taken",
      "",
    ]);
    for (const username of Object.keys(hashes)) {
      const sign = (tried: string) => t.json("POST", "/api/auth/login", { username, password: tried });
      expect([username, (await sign("tulips on the windowsill 5")).status]).toEqual([username, 401]);
      expect([username, (await sign(password)).status]).toEqual([username, 200]);
      const [{ password_hash, created_at }] = (await t.sql(
        "SELECT password_hash, created_at FROM users WHERE username = $1",
        username,
      )) as [any];
      expect(password_hash).toStartWith("$argon2id$v=19$");
      expect(created_at).toBe(Date.parse("2020-01-02T03:04:05Z"));
      expect((await sign(password)).status).toBe(200);
    }
    // Given again it makes nothing twice.
    expect((await duet(t, "users", "import", file)).out).toBe("0 accounts were made\n");
  });

  test("list sessions and end one, with the next request", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const [session] = await json(t, "sessions", "list", "alice");
    expect(session.id).toBe(decode(alice.accessToken).claims.sid);
    expect((await duet(t, "sessions", "end", session.id)).out).toBe("it is over\n");
    expect((await me(t, alice.accessToken)).body.reason).toBe("revoked_by_operator");
    expect(await json(t, "sessions", "list", "alice")).toEqual([]);
    for (const id of [session.id, "x", crypto.randomUUID()])
      expect(await duet(t, "sessions", "end", id)).toMatchObject({
        exitCode: 1,
        errors: "duet: there is none of that name\n",
      });
  });

  test("say what a token is, without a word of its signature", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    for (const [token, type] of [
      [alice.accessToken, "access"],
      [alice.refreshToken, "refresh"],
    ] as const) {
      const { out } = await withInput(t, `${token}\n`, "token", "inspect");
      expect(out).toStartWith(`${type} token of ours: good`);
      expect(out).not.toContain(token.split(".")[2]!);
    }
    const elsewhere = Bun.spawnSync(
      [process.execPath, join(ROOT, "src/main.ts"), "token", "inspect", "--data", t.folder],
      {
        env: bareEnvironment({}),
        stdin: Buffer.from(alice.accessToken),
      },
    );
    expect(elsewhere.stdout.toString()).toStartWith(
      `It says that ${ORIGIN} issued it; these settings are those of`,
    );
    expect((await withInput(t, "a.b.c", "token", "inspect")).out).toBe("no token of ours: token_invalid\n");
    await alice.call("POST", "/api/auth/logout");
    expect(
      JSON.parse((await withInput(t, alice.accessToken, "token", "inspect", "--json")).out),
    ).toMatchObject({
      type: "access",
      verdict: "session_ended",
      reason: "logout",
    });
  });

  test("explain how a session came to where it is, and what the rule would decide", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const next = await refresh(t, alice.refreshToken);
    const id = decode(alice.refreshToken).claims.sid;
    const lost = (await duet(t, "explain", id)).out;
    expect(lost).toContain("A program's session of alice");
    expect(lost).toMatch(/generation 2 +newest .*\n +generation 1 +unconfirmed /);
    expect(lost).toContain("Account creation");
    await me(t, next.body.access_token);
    await t.sql("UPDATE sessions SET confirmed_at = confirmed_at - 200000");
    await refresh(t, alice.refreshToken);
    const stolen = (await duet(t, "explain", id)).out;
    expect(stolen).toMatch(/It ended .*reuse_detected/);
    expect(stolen).toContain('Decided by the row "reuse"');
    expect(stolen).toMatch(/generation 2 +ended/);
  });
});

describe("the command line", () => {
  test("has for each command what it does and an example that names it, and takes them apart", async () => {
    const { out } = await command("help");
    for (const { name, takes = [], does, example, options = {} } of COMMANDS) {
      expect(out).toContain(`  ${[name, ...takes].join(" ")}`);
      expect(example).toContain(`duet ${name}`);
      const help = (await command("help", ...name.split(" "))).out;
      for (const says of [does, example, ...Object.keys(options).map((flag) => `--${flag}`)])
        expect(help).toContain(says);
    }
    const ofUsers = (await command("help", "users")).out;
    for (const { name } of COMMANDS.filter(({ name }) => name.startsWith("users ")))
      expect(ofUsers).toContain(`Usage: duet ${name}`);
    expect((await command("keys", "rotate", "--help")).out).toStartWith("Usage: duet keys rotate");
  });

  test("exits with 0, with 1 for what could not be done, and with 2 for what it does not know", async () => {
    await using t = await startApp();
    for (const [args, exitCode] of [
      [["version"], 0],
      [["users", "list"], 0],
      [["users", "show", "nobody"], 1],
      [["check", "--database-url", "postgres://nobody@localhost/none"], 1],
      [["users", "frobnicate"], 2],
      [["frobnicate"], 2],
      [["users", "show"], 2],
      [["users", "list", "--search"], 2],
    ] as const)
      expect([args, (await duet(t, ...args)).exitCode]).toEqual([args, exitCode]);
    const version = JSON.parse((await command("version", "--json")).out);
    expect(version).toMatchObject({ version: expect.any(String), bun: Bun.version });
  });

  test("says whether the server is ready", async () => {
    const port = String(freePort());
    expect(await command("healthcheck", "--port", port)).toMatchObject({ exitCode: 1 });
    await using server = await run([BINARY, "--port", port, "--data", folderOnDisk()]);
    expect(server.url).toContain(port);
    expect(await command("healthcheck", "--port", port)).toMatchObject({ exitCode: 0, out: "ready\n" });
  });

  test("completes itself in bash", async () => {
    const { out } = await command("completion", "bash");
    const complete = (...words: string[]) => {
      const script = `${out}\nCOMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")}) COMP_CWORD=${words.length - 1}; _duet; echo "\${COMPREPLY[*]}"`;
      return Bun.spawnSync(["bash", "-c", script]).stdout.toString().trim();
    };
    expect(complete("duet", "us")).toBe("users");
    expect(complete("duet", "users", "di")).toBe("disable");
    expect(complete("duet", "serve", "--program")).toBe("--program-overlap");
    for (const shell of ["zsh", "fish"]) expect((await command("completion", shell)).out).toContain("duet");
  });
});
