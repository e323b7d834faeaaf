import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../support/process.ts";
import { NEEDS } from "./recipe.ts";
import { Site } from "./site.ts";
import { credentialsOf, Talker } from "./talker.ts";

/** How a start that must fail failed: one line, and the exit code. */
async function refusal(site: Site, before: string[] = []) {
  const { exitCode, errors } = await failure([...before, ...site.command()], { env: site.environment() });
  expect([exitCode, errors.trim().split("\n").length]).toEqual([1, 1]);
  return errors.trim().replaceAll(site.folder, "…");
}

describe("files that may not be written (F-7)", () => {
  const isRoot = process.getuid?.() === 0;
  // Root may write everything.
  const before = isRoot ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] : [];
  const can = process.platform === "linux" && (!isRoot || NEEDS.setpriv());

  test.skipIf(!can)("keep a server from starting, which says so in a line", async () => {
    const site = await new Site().start();
    await site.stop();
    const all = ["duet.db", "secret", "server.lock"].map((name) => join(site.folder, name));
    const to = (folder: number, files: number) => {
      chmodSync(site.folder, folder);
      for (const file of all) chmodSync(file, files);
    };
    // For whoever is not their owner, as for an owner without the right.
    to(isRoot ? 0o755 : 0o555, 0o444);
    expect(await refusal(site, before)).toBe("duet: the data folder … cannot be written to (EACCES)");
    to(isRoot ? 0o777 : 0o755, 0o444);
    expect(await refusal(site, before)).toMatch(/^duet: the data folder … cannot be locked \(.*\)$/);
    for (const file of all.slice(1)) chmodSync(file, 0o666);
    expect(await refusal(site, before)).toMatch(/^duet: the database .*cannot be \S+ \(.*\)$/);
    chmodSync(all[0]!, 0o666);
    chmodSync(all[1]!, 0o000);
    // The one before made it, with the rights that the database had.
    for (const end of ["-wal", "-shm"]) rmSync(site.database + end, { force: true });
    expect(await refusal(site, before)).toBe("duet: the secret in …/secret cannot be read (EACCES)");
    to(0o700, 0o600);
    await site.start();
    expect((await site.ask("GET", "/readyz")).status).toBe(200);
    await site.stop();
  });
});

describe("a database that is not what it was (F-8)", () => {
  /** A server that was killed with an account in its write-ahead log. */
  async function killed() {
    const site = await new Site().start();
    const alice = await Talker.register(site, "alice");
    await site.stop("SIGKILL");
    return { site, alice };
  }

  test("goes on where only the index of its log is gone", async () => {
    const { site, alice } = await killed();
    rmSync(`${site.database}-shm`);
    await site.start();
    expect(await alice.check()).toEqual([]);
    await site.stop();
  });

  // It does not hold: the accounts are gone without a word, and new ones are taken.
  test.failing("whose log is gone is not taken for a new one", async () => {
    const { site } = await killed();
    for (const end of ["-wal", "-shm"]) rmSync(site.database + end);
    expect(await refusal(site)).toContain("duet.db");
  });

  test("whose log was cut has what was whole, and nothing else", async () => {
    const { site } = await killed();
    const log = `${site.database}-wal`;
    const bytes = readFileSync(log);
    writeFileSync(log, bytes.subarray(0, bytes.length - 5000));
    await site.start();
    expect(site.damages()).toEqual([]);
    expect((await site.ask("POST", "/api/auth/register", credentialsOf("bob"))).status).toBe(201);
    await site.stop();
  });
});

describe("a database that is taken away from under its server (F-9)", () => {
  test.each([
    ["moved", (path: string) => renameSync(path, `${path}.away`)],
    [
      "replaced by a copy",
      (path: string) => {
        const bytes = readFileSync(path);
        renameSync(path, `${path}.away`);
        writeFileSync(path, bytes);
      },
    ],
  ])("and %s takes no write, says so, and goes on when it is back", async (_, take) => {
    await using site = await new Site().start();
    const alice = await Talker.register(site, "alice");
    await alice.say();
    take(site.database);
    expect([await alice.say(), await alice.refresh()]).toEqual([503, 503]);
    expect((await site.ask("POST", "/api/auth/login", credentialsOf("alice"))).status).toBe(503);
    expect((await site.ask("GET", "/readyz")).status).toBe(503);
    renameSync(`${site.database}.away`, site.database);
    expect(await alice.check()).toEqual([]);
    expect(alice.stored).toBe(1);
  });
});

describe("a stored hash that is damaged (F-20)", () => {
  const good = "$argon2id$v=19$m=19456,t=2,p=1$";
  test("is a wrong password to its owner, and nothing to others", async () => {
    await using site = await new Site().start();
    await Talker.register(site, "alice");
    await Talker.register(site, "bob");
    for (const hash of [
      "",
      "x",
      "$unknown$hash",
      `${good}c2FsdHNhbHQ$aGFzaA`,
      `${good}!!!!!!!!!!$????????????????????????`,
      `${good}AAAAAAAAAA$${"A".repeat(16)}`,
      `$argon2id$v=19$m=0,t=0,p=0$${"A".repeat(22)}$${"A".repeat(43)}`,
      `$argon2id$v=19$m=7,t=1,p=16$${"A".repeat(22)}$${"A".repeat(43)}`,
      `$argon2id$v=19$m=9999999,t=999,p=999$${"A".repeat(22)}$${"A".repeat(43)}`,
      `$2b$00$${"A".repeat(53)}`,
      `$2b$04$${".".repeat(53)}`,
      `$2x$10$${"A".repeat(53)}`,
      `$scrypt$ln=15,r=32,p=16$AAAA$AAAA`,
      `$scrypt$ln=14,r=8,p=1$AAAA$${"A".repeat(8000)}`,
      `$pbkdf2-sha512$1$A$${"A".repeat(43)}`,
      `pbkdf2_sha256$1$$${"A".repeat(43)}=`,
    ]) {
      site.write("UPDATE users SET password_hash = ? WHERE username = 'alice'", hash);
      const { status, text } = await site.ask("POST", "/api/auth/login", credentialsOf("alice"));
      expect([hash, status]).toEqual([hash, 401]);
      expect(text).toContain('"invalid_credentials"');
      if (hash) expect(text).not.toContain(hash);
      expect((await site.ask("POST", "/api/auth/login", credentialsOf("bob"))).status).toBe(200);
    }
  });
});

describe("keys that are not what they were (F-21)", () => {
  test("and a secret that is taken away from a running server: it goes on, and does not start again without it", async () => {
    await using site = await new Site().start();
    const alice = await Talker.register(site, "alice");
    const secret = join(site.folder, "secret");
    renameSync(secret, `${secret}.away`);
    expect([await alice.refresh(), (await alice.me()).status]).toEqual([200, 200]);
    expect(existsSync(secret)).toBe(false);
    await site.stop();
    expect(await refusal(site)).toContain("signing keys exist but their secret is missing");
    expect(existsSync(secret)).toBe(false);
    renameSync(`${secret}.away`, secret);
    await site.start();
    expect(await alice.check()).toEqual([]);
  });

  test.each([
    ["is cut", (secret: string) => secret.slice(0, 20), "is damaged"],
    ["is empty", () => "", "is damaged"],
    ["is another", (secret: string) => [...secret].toReversed().join(""), "secret"],
  ])("and a secret that %s: no start, and the same tokens when it is back", async (_, damaged, words) => {
    const site = await new Site().start();
    const alice = await Talker.register(site, "alice");
    await site.stop();
    const secret = join(site.folder, "secret");
    const before = readFileSync(secret, "utf8");
    writeFileSync(secret, damaged(before.trim()));
    expect(await refusal(site)).toContain(words);
    writeFileSync(secret, before);
    await site.start();
    expect(await alice.check()).toEqual([]);
    await site.stop();
  });

  test.each([
    ["damaged", "UPDATE signing_keys SET sealed_keys = substr(sealed_keys, 1, 40)"],
    ["of another kind", "UPDATE signing_keys SET public_jwk = '{}'"],
  ])("and keys that are %s, where there are accounts: no start, and no new ones", (_, hurt) => refused(hurt));

  // It does not hold: new keys are made, and everybody is signed out by them.
  test.failing("and keys that are gone, where there are accounts: no start, and no new ones", () =>
    refused("DELETE FROM signing_keys"),
  );

  async function refused(hurt: string) {
    const site = await new Site().start();
    await Talker.register(site, "alice");
    await site.stop();
    site.write(hurt);
    const before = JSON.stringify(site.read("SELECT * FROM signing_keys"));
    await refusal(site);
    expect(JSON.stringify(site.read("SELECT * FROM signing_keys"))).toBe(before);
  }
});
