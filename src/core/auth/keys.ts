import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JWK,
} from "jose";
import type { KeyRow, KeyState } from "../../store/keys.ts";
import type { Store } from "../../store/index.ts";
import { LIMITS } from "../../limits.ts";
import type { Clock } from "../clock.ts";
import { openSeal, type Seal } from "./seal.ts";
import type { Signer } from "./signer.ts";

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
  clock: Clock;
  makeSigner: (key: KeyMaterial) => Signer;
}) {
  const { store, clock } = deps;
  const seal = await openSeal(deps.secret);
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
    const jwk = JSON.parse(await seal.open(row.id, row.sealed_jwk)) as JWK;
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
    makeKey(seal, algorithm, state, clock());

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

  /** Signs with another algorithm from now on. Two rotations: the first makes the `next` key, of the old one, sign and adds a key of the new one. */
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

async function makeKey(seal: Seal, algorithm: Algorithm, state: KeyState, now: number): Promise<KeyRow> {
  const { privateJwk, publicJwk, id } = await generate(algorithm);
  return {
    id,
    algorithm,
    state,
    public_jwk: publicJwk && JSON.stringify(publicJwk),
    sealed_jwk: await seal.close(id, JSON.stringify(privateJwk)),
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

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
