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

/** Of access tokens (RFC 7518, RFC 8037); the first is a new folder's, which every verifier knows. One is pinned per key. */
export const ALGORITHMS = ["ES256", "EdDSA", "RS256"] as const;

export type Algorithm = (typeof ALGORITHMS)[number];

/** What one entry of the ring signs with. */
export type KeyMaterial = {
  id: string;
  /** Of access tokens; the public half is published. */
  algorithm: Algorithm;
  privateKey: CryptoKey | Uint8Array;
  publicKey: CryptoKey | Uint8Array;
  /** Of refresh tokens (HS256). Nobody but Duet verifies them, so nobody else has it. */
  refreshSecret: Uint8Array;
};

export type RingKey = {
  id: string;
  state: KeyState;
  algorithm: Algorithm;
  publicJwk: JWK;
  retiredAt: number | null;
  /** Since when it signs, in epoch milliseconds; null while it is next. */
  activatedAt: number | null;
  signer: Signer;
};

export type KeyRing = Awaited<ReturnType<typeof openKeyRing>>;

const RELOAD_MS = 1000;
/** What one process says to another. */
const ROTATED = "keys";
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/**
 * The key ring: `next` is published and does not sign yet, `active` signs, `retired` keys verify for as long as a token
 * they signed can be good. An entry is a key pair for access tokens and a secret for refresh tokens, sealed at rest under
 * `secret`, so that a stolen database signs nothing. Makes the first two, of `algorithm`, where there are none. Throws
 * StartError if `secret` does not open what is there.
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
  let soughtAt = Number.NEGATIVE_INFINITY;
  let loading: Promise<void> | undefined;

  const load = () => (loading ??= read().finally(() => (loading = undefined)));

  /** After a change: one that began before it may not have seen it. */
  async function reload() {
    await loading;
    await load();
  }

  async function read() {
    const rows = await store.keys.list();
    const opened = new Map<string, RingKey>();
    for (const row of rows) {
      const key = ring.get(row.id) ?? (await openKey(row));
      const { state, activated_at: activatedAt, retired_at: retiredAt } = row;
      opened.set(row.id, { ...key, state, activatedAt, retiredAt });
    }
    ring = opened;
  }

  async function openKey(row: KeyRow): Promise<RingKey> {
    const { id, state, activated_at: activatedAt, retired_at: retiredAt } = row;
    const algorithm = row.algorithm as Algorithm;
    const publicJwk = JSON.parse(row.public_jwk) as JWK;
    const sealed = JSON.parse(await seal.open(id, row.sealed_keys)) as SealedKey;
    const material: KeyMaterial = {
      id,
      algorithm,
      privateKey: await importJWK(sealed.privateJwk, algorithm),
      publicKey: await importJWK(publicJwk, algorithm),
      refreshSecret: new Uint8Array(Buffer.from(sealed.refreshSecret, "base64url")),
    };
    return { id, state, algorithm, publicJwk, activatedAt, retiredAt, signer: deps.makeSigner(material) };
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
    await reload();
    store.tell(ROTATED);
  }

  /**
   * Replaces the secrets of refresh tokens in every entry: none that was issued before is one any more. What access tokens are
   * signed with stays. Effects: `signing_keys`.
   */
  async function renewRefreshSecrets() {
    for (const { id, sealed_keys } of await store.keys.list()) {
      const sealed = JSON.parse(await seal.open(id, sealed_keys)) as SealedKey;
      const renewed: SealedKey = { ...sealed, refreshSecret: makeSecret() };
      await store.keys.reseal(id, await seal.close(id, JSON.stringify(renewed)));
    }
    ring = new Map();
    await reload();
  }

  const active = (): RingKey => [...ring.values()].find((key) => key.state === "active")!;

  /**
   * Takes in what other processes have changed, rotates when the active key's time is over, and drops a retired
   * key when no token it signed can be good, whatever the settings were then.
   */
  async function tend() {
    await store.keys.removeRetiredBefore(clock() - LIMITS.refreshTtlDaysMax * DAY_MS);
    await reload();
    if (clock() - (active().activatedAt ?? 0) >= deps.rotationMs) await rotate();
  }

  /** Signs with another algorithm from now on. Two rotations: the first makes the `next` key, of the old one, sign and adds a key of the new one. */
  async function moveTo(algorithm: Algorithm) {
    while (active().algorithm !== algorithm) await rotate(algorithm);
  }

  /**
   * The key a token names. One that is not known yet may have been made by another process: the ring is read again, once a
   * second at most where others would have told of it.
   */
  async function find(id: string): Promise<RingKey | undefined> {
    if (ring.has(id)) return ring.get(id);
    const isTold = store.hasOneWriter || store.isCurrent();
    if (isTold && performance.now() - soughtAt <= RELOAD_MS) return undefined;
    soughtAt = performance.now();
    await reload();
    return ring.get(id);
  }

  /** The same, as it is known now. */
  const peek = (id: string): RingKey | undefined => ring.get(id);

  store.onTold((text) => {
    // One that cannot be read now is read again when it is tended.
    if (text === ROTATED || text === null) reload().catch(() => {});
  });
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
    renewRefreshSecrets,
    tend,
    active,
    find,
    peek,
    derive: seal.derive,
    /** For other secrets that are kept as the keys are. */
    seal: { close: seal.close, open: seal.open },
    list: (): RingKey[] => [...ring.values()],
    /**
     * What verifiers may know (RFC 7517): the public half of every key whose access tokens can be good, now or soon. A
     * retired one goes when the last of them has expired, although its refresh tokens live on.
     */
    publicKeys(): JWK[] {
      const isNeeded = ({ retiredAt }: RingKey) =>
        retiredAt === null || clock() - retiredAt < LIMITS.accessTtlHoursMax * HOUR_MS;
      return [...ring.values()]
        .filter(isNeeded)
        .map(({ id, algorithm: alg, publicJwk }) => ({ ...publicJwk, kid: id, alg, use: "sig" }));
    },
  };
}

/** What is kept under the seal, as JSON. */
type SealedKey = { privateJwk: JWK; refreshSecret: string };

const makeSecret = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");

async function makeKey(
  seal: Seal,
  algorithm: Algorithm,
  state: "next" | "active",
  now: number,
): Promise<KeyRow> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk = await exportJWK(pair.publicKey);
  const id = await calculateJwkThumbprint(publicJwk);
  const refreshSecret = makeSecret();
  const sealed: SealedKey = { privateJwk: await exportJWK(pair.privateKey), refreshSecret };
  return {
    id,
    algorithm,
    state,
    public_jwk: JSON.stringify(publicJwk),
    sealed_keys: await seal.close(id, JSON.stringify(sealed)),
    created_at: now,
    activated_at: state === "active" ? now : null,
    retired_at: null,
  };
}
