import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exportSPKI, generateKeyPair, importJWK, SignJWT, type JWK } from "jose";
import { openSeal } from "../../src/core/auth/seal.ts";
import { openSqlite } from "../../src/db/sqlite.ts";
import type { KeyRow } from "../../src/store/keys.ts";
import { answerOf, temporaryFolder, type Answer } from "./app.ts";
import { KeyHolder } from "./dpop.ts";
import { decode, PASSWORDS } from "./people.ts";
import { BINARY, bareEnvironment, freePort, run } from "./process.ts";

const ALICE = { username: "alice", password: PASSWORDS["alice"]! };

export type Issued = AsyncDisposable & {
  url: string;
  folder: string;
  good: string;
  user: { id: string };
  refused: Record<Fault, string>;
  /** Of a session that a key holds: good for whoever proves it. */
  bound: string;
  holder: KeyHolder;
  /** Signed by Duet's key, and Duet's but for its `typ`. */
  otherTyp: string;
  /** Resolves when the expired one is, for those too that wait a few seconds more. */
  expired(): Promise<void>;
  /** Makes the next key sign, which the server has published before; what comes back is signed by that. */
  rotate(): Promise<string>;
  /** Signs with another algorithm from now on; the keys of both are published. */
  moveTo(algorithm: string): Promise<void>;
};

/** What no service may take. All but the forged ones are Duet's, or signed by its key. */
export type Fault =
  | "a changed signature"
  | "changed claims"
  | "another key"
  | "an unpublished key"
  | "an HMAC by the public key"
  | "no signature"
  | "a refresh token"
  | "another audience"
  | "another issuer"
  | "an expired one";

/** The most that a verifier forgives by itself (express-oauth2-jwt-bearer: 5 s). */
const FORGIVEN_MS = 6000;

/** Real tokens of the executable, and false ones as near to them as can be. */
export async function issue(algorithm: string): Promise<Issued> {
  const [folder, port] = [temporaryFolder(), freePort()];
  const url = `http://localhost:${port}`;
  const start = (alg: string, ...settings: string[]) =>
    run([BINARY, "--port", String(port), "--data", folder, "--jwt-alg", alg, ...settings]);
  const ask = async (path: string, body: object, headers: Record<string, string> = {}): Promise<Answer> => {
    const type = { "content-type": "application/json" };
    const init = { method: "POST", headers: { ...type, ...headers }, body: JSON.stringify(body) };
    return answerOf(await fetch(url + path, init));
  };
  const signIn = async () => (await ask("/api/auth/login", ALICE)).body;

  const short = ["--access-ttl", "2s", "--refresh-overlap", "0s", "--program-overlap", "0s"];
  let expired: string;
  {
    await using _ = await start(algorithm, ...short);
    expired = (await ask("/api/auth/register", ALICE)).body.access_token;
  }
  let server = await start(algorithm);
  const { access_token: good, refresh_token: refresh, user } = await signIn();
  const json = (_: string, path: string, body: unknown, headers?: Record<string, string>) =>
    ask(path, body as object, headers);
  const holder = await KeyHolder.create({ json }, "ES256", url);
  const bound = (await holder.ask("POST", "/api/auth/login", ALICE)).body.access_token;

  const { header, claims } = decode(good);
  if (decode(expired).header.kid !== header.kid) throw new Error("the expired one is of another key");
  const { privateKey, publicKey } = await keysOf(folder, header.kid, algorithm);
  const signed = (changed: object, headers: object = {}) =>
    new SignJWT({ ...claims, ...changed }).setProtectedHeader({ ...header, ...headers }).sign(privateKey);
  const stranger = await generateKeyPair(algorithm);
  const [, payload, signature] = good.split(".") as [string, string, string];
  const elsewhere = "http://another.example";
  const strange = (kid: string) =>
    new SignJWT(claims).setProtectedHeader({ ...header, kid }).sign(stranger.privateKey);
  const refused: Issued["refused"] = {
    "a changed signature": good.replace(/.{8}$/, "AAAAAAAA"),
    "changed claims": `${good.split(".")[0]}.${encoded({ ...claims, username: "admin" })}.${signature}`,
    "another key": await strange(header.kid),
    "an unpublished key": await strange("nobody's"),
    "an HMAC by the public key": await new SignJWT(claims)
      .setProtectedHeader({ ...header, alg: "HS256" })
      .sign(new TextEncoder().encode(await exportSPKI(publicKey))),
    "no signature": `${encoded({ ...header, alg: "none" })}.${payload}.`,
    "a refresh token": refresh,
    "another audience": await signed({ aud: elsewhere }),
    "another issuer": await signed({ iss: elsewhere }),
    "an expired one": expired,
  };
  return {
    url,
    folder,
    good,
    user,
    bound,
    holder,
    refused,
    otherTyp: await signed({}, { typ: "JWT" }),
    expired: () => Bun.sleep(Math.max(0, decode(expired).claims.exp * 1000 + FORGIVEN_MS - Date.now())),
    async rotate() {
      // A server that runs takes it in within half a minute, one that starts at once.
      await server[Symbol.asyncDispose]();
      const env = bareEnvironment({ DUET_DATA: folder });
      const rotation = Bun.spawn([BINARY, "keys", "rotate"], { env, stdout: "ignore" });
      if ((await rotation.exited) !== 0) throw new Error("the key did not rotate");
      server = await start(algorithm);
      return (await signIn()).access_token;
    },
    async moveTo(other) {
      await server[Symbol.asyncDispose]();
      server = await start(other);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

/** What one has who has the data folder. */
async function keysOf(folder: string, kid: string, algorithm: string) {
  const db = openSqlite(join(folder, "duet.db"));
  const [row] = await db.all<KeyRow>("SELECT * FROM signing_keys WHERE id = $1", kid);
  await db.close();
  const seal = await openSeal(readFileSync(join(folder, "secret"), "utf8").trim());
  const { privateJwk } = JSON.parse(await seal.open(kid, row!.sealed_keys)) as { privateJwk: JWK };
  const imported = async (jwk: JWK) => {
    const key = await importJWK({ ...jwk, ext: true }, algorithm);
    if (key instanceof Uint8Array) throw new Error("a secret instead of a key");
    return key;
  };
  return {
    privateKey: await imported(privateJwk),
    publicKey: await imported(JSON.parse(row!.public_jwk) as JWK),
  };
}
