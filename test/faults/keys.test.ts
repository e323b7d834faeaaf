import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Site } from "./site.ts";
import { credentialsOf, Talker } from "./talker.ts";

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
    expect(await site.refusal()).toContain("signing keys exist but their secret is missing");
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
    expect(await site.refusal()).toContain(words);
    writeFileSync(secret, before);
    await site.start();
    expect(await alice.check()).toEqual([]);
    await site.stop();
  });

  test.each([
    ["damaged", "UPDATE signing_keys SET sealed_keys = substr(sealed_keys, 1, 40)"],
    ["of another kind", "UPDATE signing_keys SET public_jwk = '{}'"],
  ])("and keys that are %s, where there are accounts: no start, and no new ones", (_, hurt) => refused(hurt));

  test("and keys that are gone, where there are accounts: no start, and no new ones", () =>
    refused("DELETE FROM signing_keys"));

  async function refused(hurt: string) {
    const site = await new Site().start();
    await Talker.register(site, "alice");
    await site.stop();
    site.write(hurt);
    const before = JSON.stringify(site.read("SELECT * FROM signing_keys"));
    await site.refusal();
    expect(JSON.stringify(site.read("SELECT * FROM signing_keys"))).toBe(before);
  }
});
