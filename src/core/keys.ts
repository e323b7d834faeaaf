import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JWK,
} from "jose";
import type { KeyRow, KeyState } from "../store/keys.ts";
import type { Store } from "../store/index.ts";
import { StartError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { Signer } from "./tokens.ts";

/** EdDSA over Ed25519, ES256 over P-256, or HS256 (RFC 7518, RFC 8037). One is pinned per key. */
export const ALGORITHMS = ["EdDSA", "ES256", "HS256"] as const;

export type Algorithm = (typeof ALGORITHMS)[number];

export type KeyMaterial = {
  id: string;
  algorithm: Algorithm;
  /** The private key, or the shared one. */
  signing: CryptoKey | Uint8Array;
  /** The public key, or the shared one. */
  verifying: CryptoKey | Uint8Array;
};

export type RingKey = {
  id: string;
  state: KeyState;
  algorithm: Algorithm;
  publicJwk: JWK | null;
  /** Since when it signs, in epoch milliseconds; null while it is next. */
  activatedAt: number | null;
  signer: Signer;
};

export type KeyRing = Awaited<ReturnType<typeof openKeyRing>>;

const RELOAD_MS = 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The key ring: `next` is published and does not sign yet, `active` signs, `retired` keys verify for as
 * long as a token they signed can be good. Private keys are sealed at rest (AES-256-GCM under a key derived from `secret`),
 * so a stolen database signs nothing. Makes the first two keys, of `algorithm`, where there are none. Throws StartError if `secret` does not open what is there.
 */
export async function openKeyRing(deps: {
  store: Store;
  secret: string;
  algorithm: Algorithm;
  /** How long a key signs. */
  rotationMs: number;
  clock: () => number;
  makeSigner: (key: KeyMaterial) => Signer;
}) {
  const { store, clock } = deps;
  const sealingKey = await deriveSealingKey(deps.secret);
  let ring = new Map<string, RingKey>();
  let loadedAt = 0;
  let loading: Promise<void> | undefined;

  const load = () => (loading ??= read().finally(() => (loading = undefined)));

  async function read() {
    const rows = await store.keys.list();
    const opened = new Map<string, RingKey>();
    for (const row of rows) {
      const key = ring.get(row.id) ?? (await openKey(row));
      opened.set(row.id, { ...key, state: row.state, activatedAt: row.activated_at });
    }
    ring = opened;
    loadedAt = performance.now();
  }

  async function openKey(row: KeyRow): Promise<RingKey> {
    const jwk = await unseal(sealingKey, row.id, row.sealed_jwk);
    const publicJwk = row.public_jwk === null ? null : (JSON.parse(row.public_jwk) as JWK);
    const keyAlgorithm = row.algorithm as Algorithm;
    const material: KeyMaterial = {
      id: row.id,
      algorithm: keyAlgorithm,
      signing: await importJWK(jwk, keyAlgorithm),
      verifying: await importJWK(publicJwk ?? jwk, keyAlgorithm),
    };
    return {
      id: row.id,
      state: row.state,
      algorithm: keyAlgorithm,
      publicJwk,
      activatedAt: row.activated_at,
      signer: deps.makeSigner(material),
    };
  }

  const draftKey = (algorithm: Algorithm, state: "next" | "active") =>
    makeKey(sealingKey, algorithm, state, clock());

  /**
   * Makes the next key sign, retires the active one and publishes a new next one, in one transaction. No token
   * stops working. Of several processes that rotate at once one does. Effects: `signing_keys`.
   */
  async function rotate(algorithm = active().algorithm) {
    const next = await draftKey(algorithm, "next");
    await store.tx(async ({ keys }) => {
      if ((await keys.retire(active().id, clock())) === 0) return;
      await keys.activateNext(clock());
      await keys.insert(next);
    });
    await loading; // one that began before the change may not have seen it
    await load();
  }

  const active = (): RingKey => [...ring.values()].find((key) => key.state === "active")!;

  /**
   * Takes in what other processes have changed, rotates when the active key's time is over, and drops a retired
   * key when no token it signed can be good, whatever the settings were then.
   */
  async function tend() {
    await store.keys.removeRetiredBefore(clock() - LIMITS.refreshTtlDaysMax * DAY_MS);
    await load();
    if (clock() - (active().activatedAt ?? 0) >= deps.rotationMs) await rotate();
  }

  /** Signs with another algorithm from now on: the second rotation brings the key that the first one drafted. */
  async function moveTo(algorithm: Algorithm) {
    while (active().algorithm !== algorithm) await rotate(algorithm);
  }

  /** The key a token names. One that is not known yet may have been made by another process: the ring is read again, once a second at most. */
  async function find(id: string): Promise<RingKey | undefined> {
    if (!ring.has(id) && performance.now() - loadedAt > RELOAD_MS) await load();
    return ring.get(id);
  }

  await load();
  if (ring.size === 0) {
    const first = [await draftKey(deps.algorithm, "active"), await draftKey(deps.algorithm, "next")];
    await store.tx(async ({ keys }) => {
      for (const key of first) await keys.insert(key);
    });
    await load();
  }

  return {
    rotate,
    moveTo,
    tend,
    active,
    find,
    list: (): RingKey[] => [...ring.values()],
    /** What verifiers may know: every public key, `next` included (RFC 7517). Empty with HS256. */
    publicKeys: (): JWK[] =>
      [...ring.values()].flatMap(({ id, algorithm: alg, publicJwk }) =>
        publicJwk ? [{ ...publicJwk, kid: id, alg, use: "sig" }] : [],
      ),
  };
}

async function makeKey(
  sealingKey: CryptoKey,
  algorithm: Algorithm,
  state: KeyState,
  now: number,
): Promise<KeyRow> {
  const { privateJwk, publicJwk, id } = await generate(algorithm);
  return {
    id,
    algorithm,
    state,
    public_jwk: publicJwk && JSON.stringify(publicJwk),
    sealed_jwk: await seal(sealingKey, id, privateJwk),
    created_at: now,
    activated_at: state === "active" ? now : null,
    retired_at: null,
  };
}

async function generate(
  algorithm: Algorithm,
): Promise<{ id: string; privateJwk: JWK; publicJwk: JWK | null }> {
  if (algorithm === "HS256") {
    const k = base64url(crypto.getRandomValues(new Uint8Array(32)));
    // Not a thumbprint: that of a symmetric key would publish a hash of it (RFC 7638 section 7).
    return {
      id: base64url(crypto.getRandomValues(new Uint8Array(16))),
      privateJwk: { kty: "oct", k },
      publicJwk: null,
    };
  }
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk = await exportJWK(pair.publicKey);
  return {
    id: await calculateJwkThumbprint(publicJwk),
    privateJwk: await exportJWK(pair.privateKey),
    publicJwk,
  };
}

async function deriveSealingKey(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", utf8(secret), "HKDF", false, ["deriveKey"]);
  const derivation = {
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(),
    info: utf8("duet signing keys"),
  };
  return crypto.subtle.deriveKey(derivation, material, { name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
}

async function seal(key: CryptoKey, id: string, jwk: JWK): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const parameters = { name: "AES-GCM", iv, additionalData: utf8(id) };
  const sealed = await crypto.subtle.encrypt(parameters, key, utf8(JSON.stringify(jwk)));
  return `${base64url(iv)}.${base64url(new Uint8Array(sealed))}`;
}

async function unseal(key: CryptoKey, id: string, sealed: string): Promise<JWK> {
  try {
    const [iv, text] = sealed.split(".").map((part) => new Uint8Array(Buffer.from(part, "base64url")));
    const parameters = { name: "AES-GCM", iv: iv!, additionalData: utf8(id) };
    return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(parameters, key, text!)));
  } catch (cause) {
    throw new StartError("the secret does not open the signing keys; restore the one they were made with", {
      cause,
    });
  }
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
