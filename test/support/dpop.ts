import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";
import { ORIGIN, type Answer, type TestApp } from "./app.ts";

type Changes = { header?: object; claims?: object; signedBy?: CryptoKey };

/** A program with a key of its own, which signs a proof (RFC 9449) for each request and learns nonces as it goes. */
export class KeyHolder {
  nonce: string | undefined;

  constructor(
    readonly t: Pick<TestApp, "json"> | undefined,
    readonly pair: { privateKey: CryptoKey; publicKey: CryptoKey },
    readonly jwk: JWK,
    readonly algorithm: string,
    readonly origin = ORIGIN,
  ) {}

  static async create(t?: Pick<TestApp, "json">, algorithm = "ES256", origin = ORIGIN): Promise<KeyHolder> {
    const pair = await generateKeyPair(algorithm, { extractable: true });
    return new KeyHolder(t, pair, await exportJWK(pair.publicKey), algorithm, origin);
  }

  async proof(method: string, path: string, token?: string, { header, claims, signedBy }: Changes = {}) {
    const ath = token && new Bun.CryptoHasher("sha256").update(token).digest("base64url");
    return new SignJWT({
      jti: crypto.randomUUID(),
      htm: method,
      htu: this.origin + path,
      ...(ath && { ath }),
      ...(this.nonce && { nonce: this.nonce }),
      iat: Math.floor(Date.now() / 1000),
      ...claims,
    })
      .setProtectedHeader({ alg: this.algorithm, typ: "dpop+jwt", jwk: this.jwk, ...header })
      .sign(signedBy ?? this.pair.privateKey);
  }

  /** One request with a proof; asked for a nonce, once more with that, as clients do. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
    changes: Changes = {},
  ): Promise<Answer> {
    const send = async () =>
      this.t!.json(method, path, body, {
        dpop: await this.proof(method, path, token, changes),
        ...(token && { authorization: `DPoP ${token}` }),
      });
    const answer = await send();
    const nonce = answer.headers.get("dpop-nonce");
    if (nonce) this.nonce = nonce;
    return answer.body?.code === "use_dpop_nonce" && !changes.claims ? send() : answer;
  }
}
