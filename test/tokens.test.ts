import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPair, importJWK, SignJWT } from "jose";
import { LIMITS } from "../src/limits.ts";
import {
  advance,
  freezeClock,
  onPostgres,
  ORIGIN,
  SECRET,
  startApp,
  UNLIMITED,
  type TestApp,
} from "./support/app.ts";
import { decode, me, refresh, register, type Person } from "./support/people.ts";

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("the two tokens", () => {
  test("claim what the contract says, and no more", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    const kid = t.app.duet.keys.active().id;
    const iat = Date.now() / 1000;
    const access = decode(alice.accessToken);
    const long = decode(alice.refreshToken);
    const proved = { auth_time: iat, amr: ["pwd"] };
    const common = { iss: ORIGIN, sub: alice.id, sid: expect.any(String), gen: 1, iat };
    expect(access).toEqual({
      header: { alg: "ES256", kid, typ: "at+jwt" },
      claims: {
        ...common,
        aud: ORIGIN,
        type: "access",
        username: "alice",
        ...proved,
        client_id: "duet",
        jti: expect.any(String),
        exp: iat + 1800,
      },
    });
    expect(long).toEqual({
      header: { alg: "HS256", kid, typ: "rt+jwt" },
      claims: {
        ...common,
        aud: `${ORIGIN}/auth/refresh`,
        type: "refresh",
        jti: `${access.claims.sid}.1`,
        exp: iat + 604_800,
      },
    });
    expect(alice.accessToken.length).toBeLessThan(1024);
  });

  test("are each refused in the other's place, the access token for ever", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    expect((await me(t, alice.refreshToken)).body.code).toBe("token_type_mismatch");
    expect((await refresh(t, alice.accessToken)).body.code).toBe("token_type_mismatch");
    advance(8 * 86_400); // expired as well: the type is still what is wrong
    expect((await me(t, alice.refreshToken)).body.code).toBe("token_type_mismatch");
    expect((await refresh(t, alice.accessToken)).body.code).toBe("token_type_mismatch");
  });

  test("an access token dies in the second that it names", async () => {
    freezeClock();
    await using t = await startApp();
    const alice = await register(t, "alice");
    advance(1799);
    expect((await me(t, alice.accessToken)).status).toBe(200);
    advance(1);
    const { status, body, headers } = await me(t, alice.accessToken);
    expect({ status, code: body.code }).toEqual({ status: 401, code: "token_expired" });
    expect(headers.get("www-authenticate")).toBe('Bearer realm="duet", error="invalid_token"');
  });

  test("one that is longer than any of ours is refused, however well it is signed", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const claims = decode(alice.accessToken).claims;
    const { signer } = t.app.duet.keys.active();
    const sign = (letters: number) => signer.sign({ ...claims, username: "x".repeat(letters) });
    // Three letters more are four characters more.
    let letters = 2500;
    while ((await sign(letters + 1)).length <= LIMITS.tokenCharsMax) letters++;
    const [longest, longer] = [await sign(letters), await sign(letters + 1)];
    expect(longest.length).toBeGreaterThan(LIMITS.tokenCharsMax - 4);
    expect((await me(t, longest)).status).toBe(200);
    expect((await me(t, longer)).body.code).toBe("token_invalid");
  });

  test("1,000 access tokens have 1,000 ids", async () => {
    await using t = await startApp(UNLIMITED);
    const alice = await register(t, "alice");
    const answers = await Promise.all(Array.from({ length: 1000 }, () => refresh(t, alice.refreshToken)));
    expect(new Set(answers.map((a) => decode(a.body.access_token).claims.jti)).size).toBe(1000);
  });
});

describe("a forged access token", () => {
  let t: TestApp;
  let alice: Person;
  let foreign: { privateKey: CryptoKey };
  beforeAll(async () => {
    t = await startApp();
    alice = await register(t, "alice");
    foreign = await generateKeyPair("ES256");
  });
  afterAll(() => t[Symbol.asyncDispose]());

  const parts = () => alice.accessToken.split(".") as [string, string, string];
  const withHeader = (change: object) => {
    const [, claims, signature] = parts();
    return `${base64url({ ...decode(alice.accessToken).header, ...change })}.${claims}.${signature}`;
  };
  const withClaims = (change: object) => {
    const [header, , signature] = parts();
    return `${header}.${base64url({ ...decode(alice.accessToken).claims, ...change })}.${signature}`;
  };
  const signed = (headers: object, claims: object, key: CryptoKey | Uint8Array = foreign.privateKey) => {
    const { header, claims: own } = decode(alice.accessToken);
    return new SignJWT({ ...own, ...claims }).setProtectedHeader({ ...header, ...headers }).sign(key);
  };
  /** Sets the bits of the last character that decoding drops. */
  const spareBits = () => {
    const [header, claims, signature] = parts();
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const last = alphabet[alphabet.indexOf(signature.at(-1)!) ^ 1];
    return `${header}.${claims}.${signature.slice(0, -1)}${last}`;
  };

  const forgeries: Record<string, () => string | Promise<string>> = {
    "with no signature": () => parts().slice(0, 2).join(".") + ".",
    "with two parts": () => parts().slice(0, 2).join("."),
    "with four parts": () => `${alice.accessToken}.x`,
    "with alg none": () => `${base64url({ alg: "none", typ: "at+jwt" })}.${parts()[1]}.`,
    "with alg none under a good signature": () => withHeader({ alg: "none" }),
    "with alg HS256 keyed by the public key": async () => {
      const { id } = t.app.duet.keys.active();
      const jwk = t.app.duet.keys.publicKeys().find(({ kid }) => kid === id)!;
      const der = await crypto.subtle.exportKey("spki", (await importJWK(jwk, "ES256")) as CryptoKey);
      return signed({ alg: "HS256" }, {}, new Uint8Array(der));
    },
    "signed by another key under our kid": () => signed({}, {}),
    "with an unknown kid": () => signed({ kid: "unknown" }, {}),
    "without a kid": () => withHeader({ kid: undefined }),
    "with a kid that reaches for SQL": () => withHeader({ kid: "' OR 1=1 --" }),
    "with a kid that is an object": () => withHeader({ kid: { toString: 1 } }),
    "with a key of its own in the header": () => signed({ kid: undefined, jwk: { kty: "OKP" } }, {}),
    "with its subject changed": () => withClaims({ sub: "01999999-0000-7000-8000-000000000000" }),
    "with a later end": () => withClaims({ exp: 1e300 }),
    "with another spelling of its signature": spareBits,
    "with padding": () => `${alice.accessToken}=`,
    "with a space": () => alice.accessToken.replace(".", ". "),
    "of 5,000 characters": () => "a".repeat(5000),
    "that is not base64url": () => "!.!.!",
  };

  test("has a premise: the real one is good", async () => {
    expect((await me(t, alice.accessToken)).status).toBe(200);
  });

  test.each(Object.keys(forgeries))("%s is refused", async (name) => {
    const forged = await forgeries[name]!();
    expect(forged).not.toBe(alice.accessToken);
    const { status, body } = await me(t, forged);
    expect({ status, code: body.code }).toEqual({ status: 401, code: "token_invalid" });
  });

  // Signed by our own key: what only a bug or another service with the same key could make.
  const misissued: Record<string, [headers: object, claims: object, code: string]> = {
    "another issuer": [{}, { iss: "http://localhost:4000" }, "token_invalid"],
    "another audience": [{}, { aud: "another" }, "token_invalid"],
    "no subject": [{}, { sub: undefined }, "token_invalid"],
    "no end": [{}, { exp: undefined }, "token_invalid"],
    "an end in 30 years": [{}, { exp: Math.floor(Date.now() / 1000) + 1e9 }, "token_invalid"],
    "a beginning after its end": [{}, { iat: Math.floor(Date.now() / 1000) + 86_400 }, "token_invalid"],
    "no session": [{}, { sid: undefined }, "token_invalid"],
    "typ JWT": [{ typ: "JWT" }, {}, "token_type_mismatch"],
    "no typ": [{ typ: undefined }, {}, "token_type_mismatch"],
    "the claim type refresh": [{}, { type: "refresh" }, "token_type_mismatch"],
    "a generation that is not there yet": [{}, { gen: 9 }, "token_invalid"],
    "a session that is not there": [{}, { sid: "01999999-0000-7000-8000-000000000000" }, "token_invalid"],
    "another user's session": [{}, { sub: "01999999-0000-7000-8000-000000000000" }, "user_not_found"],
  };

  test.each(Object.keys(misissued))("of our own key with %s is refused", async (name) => {
    const [header, claims, code] = misissued[name]!;
    const misissuedToken = await signed(header, claims, await ownKey(t));
    expect((await me(t, misissuedToken)).body.code).toBe(code);
  });
});

/** The private key as the database keeps it, opened with the folder's secret. */
async function ownKey(t: TestApp): Promise<CryptoKey> {
  const [row] = await t.sql("SELECT id, sealed_keys FROM signing_keys WHERE state = 'active'");
  const secret = onPostgres ? SECRET : (await Bun.file(`${t.folder}/secret`).text()).trim();
  const utf8 = (text: string) => new TextEncoder().encode(text);
  const material = await crypto.subtle.importKey("raw", utf8(secret), "HKDF", false, ["deriveKey"]);
  const sealing = await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8("duet signing keys") },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["decrypt"],
  );
  const [iv, text] = row!["sealed_keys"]
    .split(".")
    .map((part: string) => new Uint8Array(Buffer.from(part, "base64url")));
  const opened = await crypto.subtle.decrypt(
    { name: "AES-GCM", iv, additionalData: utf8(row!["id"]) },
    sealing,
    text,
  );
  const { privateJwk } = JSON.parse(new TextDecoder().decode(opened));
  return (await importJWK(privateJwk, "ES256")) as CryptoKey;
}

describe("the Authorization header", () => {
  test.each([
    ["bearer in lower case", (token: string) => `bearer ${token}`, 200],
    ["BEARER in upper case", (token: string) => `BEARER ${token}`, 200],
    ["two spaces", (token: string) => `Bearer  ${token}`, 200],
    ["many spaces", (token: string) => `Bearer      ${token}`, 200],
    ["a tab", (token: string) => `Bearer\t${token}`, 401],
    ["Basic", (token: string) => `Basic ${token}`, 401],
    ["no scheme", (token: string) => token, 401],
    ["two tokens", (token: string) => `Bearer ${token}, Bearer ${token}`, 401],
    ["nothing after the scheme", () => "Bearer", 401],
  ])("with %s", async (_, header, status) => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const answer = await t.json("GET", "/api/auth/me", undefined, {
      authorization: header(alice.accessToken),
    });
    expect(answer.status).toBe(status);
  });

  test("is the only way: a token in the query or a cookie does not count", async () => {
    await using t = await startApp();
    const alice = await register(t, "alice");
    const query = await t.json("GET", `/api/auth/me?access_token=${alice.accessToken}`);
    const cookie = await t.json("GET", "/api/auth/me", undefined, {
      cookie: `duet_access=${alice.accessToken}`,
    });
    for (const { status, body, headers } of [query, cookie]) {
      expect({ status, code: body.code }).toEqual({ status: 401, code: "token_missing" });
      expect(headers.get("www-authenticate")).toBe('Bearer realm="duet"');
    }
  });
});
