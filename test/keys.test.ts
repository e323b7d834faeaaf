import { describe, expect, test } from "bun:test";
import { unlinkSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../src/errors.ts";
import { createLocalJWKSet, createRemoteJWKSet, importJWK, jwtVerify } from "jose";
import { advance, freezeClock, onPostgres, startApp, testFolder, type TestApp } from "./support/app.ts";
import { serve } from "./support/browser.ts";
import { decode, me, refresh, register } from "./support/people.ts";
import { command } from "./support/process.ts";

const states = (t: TestApp) => t.app.duet.keys.list().map((key) => key.state);
const rows = (t: TestApp): Promise<any[]> => t.sql("SELECT * FROM signing_keys ORDER BY id");

describe("the key ring", () => {
  test("starts with a key that signs and the next one, published and silent", async () => {
    await using t = await startApp();
    expect(states(t).toSorted()).toEqual(["active", "next"]);
    expect(t.app.duet.keys.publicKeys().map(({ kid }) => kid)).toContain(t.app.duet.keys.active().id);
    expect(t.app.duet.keys.publicKeys()).toHaveLength(2);
    for (const key of t.app.duet.keys.publicKeys())
      expect(Object.keys(key).toSorted()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  });

  test("rotates without a sign-out: the next key signs, the old one still verifies", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const [old, next] = ["active", "next"].map(
      (s) => t.app.duet.keys.list().find((key) => key.state === s)!.id,
    );
    await t.app.duet.keys.rotate();
    expect(t.app.duet.keys.active().id).toBe(next!);
    expect((await me(t, alice.accessToken)).status).toBe(200);
    const { body } = await refresh(t, alice.refreshToken);
    expect(decode(alice.refreshToken).header.kid).toBe(old);
    expect(decode(body.refresh_token).header.kid).toBe(next);
  });

  test("drops a retired key when no token it signed can be good, whatever the settings are by then", async () => {
    freezeClock();
    const before = await startApp({ DUET_REFRESH_TTL: "365d", DUET_SESSION_TTL: "365d" });
    const first = before.app.duet.keys.active().id;
    const alice = await register(before, "alice");
    await before.app.duet.keys.rotate();
    await using t = await before.restart({ DUET_REFRESH_TTL: "1d", DUET_SESSION_TTL: "2d" });
    advance(365 * 86_400 - 1);
    await t.app.duet.keys.tend();
    expect(await t.app.duet.keys.find(first)).toBeDefined();
    expect((await refresh(t, alice.refreshToken)).status).toBe(200);
    advance(2);
    await t.app.duet.keys.tend();
    expect(await t.app.duet.keys.find(first)).toBeUndefined();
  });

  test("rotates by itself when the active key's time is over, and not before", async () => {
    freezeClock();
    await using t = await startApp({ DUET_KEY_ROTATION: "30d" });
    const first = t.app.duet.keys.active().id;
    advance(30 * 86_400 - 1);
    await t.app.duet.keys.tend();
    expect(t.app.duet.keys.active().id).toBe(first);
    advance(1);
    await t.app.duet.keys.tend();
    expect(t.app.duet.keys.active().id).not.toBe(first);
    expect(states(t).toSorted()).toEqual(["active", "next", "retired"]);
  });

  test("survives a restart as it was", async () => {
    const before = await startApp();
    await before.app.duet.keys.rotate();
    const alice = await register(before, "alice");
    const active = before.app.duet.keys.active().id;
    await using after = await before.restart();
    expect(after.app.duet.keys.active().id).toBe(active);
    expect(states(after).toSorted()).toEqual(["active", "next", "retired"]);
    expect((await me(after, alice.accessToken)).status).toBe(200);
  });

  test("moves to another algorithm by a setting, and nobody is signed out", async () => {
    const before = await startApp();
    const alice = await register(before, "alice");
    const moved = await before.restart({ DUET_JWT_ALG: "EdDSA" });
    expect((await me(moved, alice.accessToken)).status).toBe(200);
    const { body } = await refresh(moved, alice.refreshToken);
    expect(decode(body.access_token).header.alg).toBe("EdDSA");
    // And keeps it until it is told otherwise.
    await using after = await moved.restart({ DUET_JWT_ALG: "" });
    const again = await refresh(after, body.refresh_token);
    expect(decode(again.body.access_token).header.alg).toBe("EdDSA");
  });

  test("takes back a public key when no access token can need it, long before the refresh tokens are over", async () => {
    freezeClock();
    await using t = await startApp({ DUET_ACCESS_TTL: "1d" });
    const alice = await register(t, "alice");
    const published = () => t.app.duet.keys.publicKeys().map(({ kid }) => kid);
    const first = t.app.duet.keys.active().id;
    await t.app.duet.keys.rotate();
    expect(published()).toHaveLength(3);
    advance(86_400 - 1);
    expect((await me(t, alice.accessToken)).status).toBe(200);
    expect(published()).toContain(first);
    advance(1);
    expect((await me(t, alice.accessToken)).body.code).toBe("token_expired");
    expect(published()).not.toContain(first);
    expect(published()).toHaveLength(2);
    expect((await refresh(t, alice.refreshToken)).status).toBe(200);
  });

  test("signs refresh tokens by a secret that is in no answer: no published key takes one", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    expect(decode(alice.refreshToken).header.alg).toBe("HS256");
    const { keys } = (await (await t.fetch("/.well-known/jwks.json")).json()) as { keys: any[] };
    for (const key of keys) {
      expect(key.kty).toBe("EC");
      // However little a verifier looks at: at nothing but the signature.
      await expect(jwtVerify(alice.refreshToken, await importJWK(key, key.alg))).rejects.toThrow();
      expect((await jwtVerify(alice.accessToken, createLocalJWKSet({ keys }))).payload.sub).toBe(alice.id);
    }
  });

  test("is sealed at rest: no private member can be read from the database", async () => {
    await using t = await startApp();
    for (const row of await rows(t)) {
      expect(JSON.parse(row.public_jwk)).not.toHaveProperty("d");
      expect(Buffer.from(row.sealed_keys.split(".")[1], "base64url").toString()).not.toContain('"d"');
    }
  });

  test("has keys of its own in every folder", async () => {
    await using one = await startApp();
    await using other = await startApp();
    expect(one.app.duet.keys.active().id).not.toBe(other.app.duet.keys.active().id);
    const alice = await register(one, "alice");
    expect((await me(other, alice.accessToken)).body.code).toBe("token_invalid");
  });
});

describe("without the right secret", () => {
  testFolder("a lost secret file is refused, not replaced", async () => {
    const t = await startApp();
    await t.app.close();
    unlinkSync(join(t.folder, "secret"));
    await expect(startApp({}, t.folder)).rejects.toThrow(StartError);
    expect(await Bun.file(join(t.folder, "secret")).exists()).toBe(false);
  });

  test("another secret is refused, and the folder is free again after it", async () => {
    const t = await startApp();
    await t.app.close();
    const other = { DUET_SECRET: "another secret of 32 characters or more" };
    await expect(startApp(other, t.folder)).rejects.toThrow("the secret does not open the signing keys");
    await using again = await startApp({}, t.folder);
    expect(states(again).toSorted()).toEqual(["active", "next"]);
  });

  test("a secret from the settings leaves none in the folder", async () => {
    await using t = await startApp({ DUET_SECRET: "one secret from the settings, long enough" });
    expect(await Bun.file(join(t.folder, "secret")).exists()).toBe(false);
    expect((await register(t, "alice")).accessToken).toBeString();
  });
});

describe.skipIf(onPostgres)("an operator's command", () => {
  const duet = (t: Pick<TestApp, "folder">, ...args: string[]) =>
    command("keys", ...args, "--data", t.folder);

  test("rotates beside the running server, which takes it in without a restart or a sign-out", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const next = t.app.duet.keys.list().find((key) => key.state === "next")!.id;
    const { out, exitCode } = await duet(t, "rotate");
    expect([exitCode, out]).toEqual([0, expect.stringMatching(RegExp(`^active +ES256 +${next} `, "m"))]);
    expect((await me(t, alice.accessToken)).status).toBe(200);
    await t.app.duet.keys.tend();
    expect(t.app.duet.keys.active().id).toBe(next);
    const { body } = await refresh(t, alice.refreshToken);
    expect(decode(body.access_token).header.kid).toBe(next);
    expect((await me(t, alice.accessToken)).status).toBe(200);
  });

  test("lists the ring and changes nothing, whatever its own settings are", async () => {
    await using t = await startApp();
    const before = await rows(t);
    const { out } = await duet(t, "list", "--jwt-alg", "RS256");
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]),
    ).toEqual(["state", "active", "next"]);
    expect(await rows(t)).toEqual(before);
  });

  test("says in one line why it cannot", async () => {
    await using t = await startApp();
    expect(await duet(t, "rotat")).toMatchObject({
      exitCode: 2,
      errors: 'duet: duet keys knows list, rotate, not "rotat"\n',
    });
    const nowhere = { ...t, folder: join(t.folder, "nowhere") };
    expect((await duet(nowhere)).errors).toBe(`duet: there is no database in ${nowhere.folder}\n`);
  });
});

describe("the published keys", () => {
  test("are the public halves, next included, for any origin, to be kept five minutes", async () => {
    await using t = await startApp();
    const response = await t.fetch("/.well-known/jwks.json", {
      headers: { origin: "https://service.example" },
    });
    expect(response.headers.get("content-type")).toBe("application/jwk-set+json");
    expect(response.headers.get("cache-control")).toBe("public, max-age=300");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    const { keys } = (await response.json()) as { keys: Record<string, string>[] };
    expect(keys.map(({ kid }) => kid)).toEqual(t.app.duet.keys.list().map(({ id }) => id));
    for (const key of keys) {
      expect(key).toMatchObject({ alg: "ES256", use: "sig", kty: "EC" });
      for (const secret of ["d", "p", "q", "k", "priv"]) expect(key).not.toHaveProperty(secret);
    }
  });

  test("are all a service needs to check an access token, after a rotation too", async () => {
    await using site = await serve();
    const alice = await register(site, "alice");
    const service = createRemoteJWKSet(new URL(`${site.url}/.well-known/jwks.json`));
    const issuer = "http://localhost";
    const options = { issuer, audience: issuer, typ: "at+jwt", algorithms: ["ES256"] };
    expect((await jwtVerify(alice.accessToken, service, options)).payload.sub).toBe(alice.id);
    await site.app.duet.keys.rotate();
    const { body } = await refresh(site, alice.refreshToken);
    expect((await jwtVerify(body.access_token, service, options)).payload.sub).toBe(alice.id);
    await expect(jwtVerify(alice.refreshToken, service, options)).rejects.toThrow();
  });
});
