import { describe, expect, test } from "bun:test";
import { startApp, type TestApp } from "./support/app.ts";
import { login, me, PASSWORDS, refresh, register } from "./support/people.ts";
import { command } from "./support/process.ts";
import { Stream } from "./support/stream.ts";

describe("an account that the operator disables", () => {
  const duet = (t: TestApp, ...args: string[]) => command("users", ...args, "--data", t.folder);

  test("is signed out everywhere and let in nowhere, beside the running server, until it is enabled", async () => {
    await using t = await startApp({}, undefined, { heartbeatMs: 50 });
    const alice = await register(t, "alice");
    const bob = await register(t, "bob");
    const stream = await Stream.open(t.fetch, alice.accessToken);
    await stream.next();
    expect(await duet(t, "disable", "ALICE")).toMatchObject({ exitCode: 0, out: "alice is disabled\n" });
    expect((await me(t, alice.accessToken)).body.reason).toBe("user_disabled");
    expect((await refresh(t, alice.refreshToken)).body.reason).toBe("user_disabled");
    let last;
    while ((last = await stream.next())?.event === "heartbeat");
    expect(last).toMatchObject({ event: "session_ended", data: { reason: "user_disabled" } });
    const signIn = { username: "alice", password: PASSWORDS["alice"] };
    expect((await t.json("POST", "/api/auth/login", signIn)).body.code).toBe("invalid_credentials");
    expect((await me(t, bob.accessToken)).status).toBe(200);

    expect((await duet(t, "enable", "alice")).out).toBe("alice is enabled\n");
    expect((await refresh(t, alice.refreshToken)).body.reason).toBe("user_disabled");
    const back = await login(t, "alice");
    const { items } = (await back.call("GET", "/api/auth/events")).body;
    expect(items.slice(1, 4).map((e: any) => `${e.kind} ${e.outcome}`)).toEqual([
      "account_enable success",
      "login failure",
      "account_disable success",
    ]);
  });

  test("is named by its address too; who is not there, and what is no command, is said in a line", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    await alice.call("PATCH", "/api/auth/me", { email: "a@example.com" });
    expect((await duet(t, "disable", "A@example.com")).out).toBe("alice is disabled\n");
    expect(await duet(t, "disable", "nobody")).toEqual({
      exitCode: 1,
      out: "",
      errors: "duet: there is none of that name\n",
    });
    for (const [args, errors] of [
      [["disable"], "duet: say duet users disable NAME\n"],
      [["disable", "alice", "bob"], "duet: say duet users disable NAME\n"],
      [
        ["remove", "alice"],
        'duet: duet users knows list, show, add, admin, reset-link, import, disable, enable, not "remove"\n',
      ],
    ] as const)
      expect(await duet(t, ...args)).toMatchObject({ exitCode: 2, errors });
  });
});
