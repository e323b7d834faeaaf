import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { HOTP, Secret } from "otpauth";
import { ORIGIN } from "./app.ts";

/** What an authenticator app shows for a secret, `steps` half minutes from now. */
export const codeOf = (secret: string, steps = 0, now = Date.now()): string =>
  HOTP.generate({ secret: Secret.fromBase32(secret), counter: Math.floor(now / 30_000) + steps, digits: 6 });

const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest();
const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64url");

/** CBOR (RFC 8949), as much of it as a passkey needs: integers, text, bytes, maps. */
function cbor(value: unknown): Buffer {
  const head = (major: number, n: number) =>
    n < 24
      ? Buffer.from([(major << 5) | n])
      : n < 256
        ? Buffer.from([(major << 5) | 24, n])
        : Buffer.from([(major << 5) | 25, n >> 8, n & 255]);
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string")
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  const entries = [...(value as Map<unknown, unknown>)];
  return Buffer.concat([head(5, entries.length), ...entries.flatMap((entry) => entry.map(cbor))]);
}

const USER_PRESENT = 1;
const USER_VERIFIED = 4;
const BACKUP_ELIGIBLE = 8;
const BACKED_UP = 16;
const HAS_CREDENTIAL = 64;

type Changes = { origin?: string; host?: string; flags?: number; challenge?: string; type?: string };

/** A device with one passkey (Web Authentication Level 3), without a browser around it: it says what it is told to. */
export class Authenticator {
  readonly id = crypto.getRandomValues(new Uint8Array(32));
  readonly #pair: { privateKey: KeyObject; publicKey: KeyObject } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
  });
  counter = 0;
  userHandle = "";

  constructor(
    readonly origin = ORIGIN,
    /** Whether it is copied to other devices of its owner. */
    readonly isSynced = false,
  ) {}

  get #flags() {
    return USER_PRESENT | USER_VERIFIED | (this.isSynced ? BACKUP_ELIGIBLE | BACKED_UP : 0);
  }

  #authenticatorData(host: string, flags: number, more = Buffer.alloc(0)) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.counter);
    return Buffer.concat([sha256(host), Buffer.from([flags]), counter, more]);
  }

  #clientData(type: string, challenge: string, origin: string) {
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  }

  /** What `navigator.credentials.create` answers, as JSON. */
  create(options: any, { origin = this.origin, host, flags, challenge, type }: Changes = {}) {
    this.userHandle = options.user.id;
    const jwk = this.#pair.publicKey.export({ format: "jwk" });
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64url"));
    const publicKey = cbor(
      new Map<number, unknown>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, bytes(jwk.x!)],
        [-3, bytes(jwk.y!)],
      ]),
    );
    const credential = Buffer.concat([
      Buffer.alloc(16),
      Buffer.from([0, this.id.length]),
      this.id,
      publicKey,
    ]);
    const data = this.#authenticatorData(
      host ?? options.rp.id,
      (flags ?? this.#flags) | HAS_CREDENTIAL,
      credential,
    );
    const attestation = cbor(
      new Map<string, unknown>([
        ["fmt", "none"],
        ["attStmt", new Map()],
        ["authData", new Uint8Array(data)],
      ]),
    );
    return {
      id: base64url(this.id),
      rawId: base64url(this.id),
      type: "public-key",
      clientExtensionResults: {},
      response: {
        clientDataJSON: base64url(
          this.#clientData(type ?? "webauthn.create", challenge ?? options.challenge, origin),
        ),
        attestationObject: base64url(attestation),
        transports: ["internal"],
      },
    };
  }

  /** What `navigator.credentials.get` answers, as JSON; its counter goes on by one. */
  get(options: any, { origin = this.origin, host, flags, challenge, type }: Changes = {}) {
    this.counter++;
    const data = this.#authenticatorData(host ?? options.rpId, flags ?? this.#flags);
    const client = this.#clientData(type ?? "webauthn.get", challenge ?? options.challenge, origin);
    return {
      id: base64url(this.id),
      rawId: base64url(this.id),
      type: "public-key",
      clientExtensionResults: {},
      response: {
        clientDataJSON: base64url(client),
        authenticatorData: base64url(data),
        signature: base64url(sign("sha256", Buffer.concat([data, sha256(client)]), this.#pair.privateKey)),
        userHandle: this.userHandle,
      },
    };
  }
}
