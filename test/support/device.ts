import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";
import { ORIGIN, type TestApp } from "./app.ts";
import { PASSWORDS } from "./people.ts";

export const HTTPS = { DUET_PUBLIC_URL: "https://duet.example" };
const NAMES = { access: "__Host-duet_access", refresh: "__Secure-duet_refresh", sid: "__Host-duet_sid" };

/** What a browser is told of its session (Device Bound Session Credentials, "session instructions"). */
type Instructions = { session_identifier: string; continue?: boolean; [further: string]: unknown };

/** A browser on https that knows Device Bound Session Credentials, as far as HTTP goes; its key is in this process. */
export class BoundBrowser {
  readonly jar = new Map<string, string>();
  /** What it was offered, and what it is to sign next. */
  offer: string | null = null;
  challenge: string | undefined;
  id: string | undefined;

  constructor(
    readonly t: TestApp,
    readonly pair: { privateKey: CryptoKey; publicKey: CryptoKey },
    readonly jwk: JWK,
    readonly algorithm: string,
  ) {}

  static async create(t: TestApp, algorithm = "ES256"): Promise<BoundBrowser> {
    const pair = await generateKeyPair(algorithm, { extractable: true });
    return new BoundBrowser(t, pair, await exportJWK(pair.publicKey), algorithm);
  }

  get access() {
    return this.jar.get(NAMES.access);
  }
  get refreshToken() {
    return this.jar.get(NAMES.refresh)!;
  }
  thumbprint = () => calculateJwkThumbprint(this.jwk);

  /** What happens when the time of the access cookie is over. */
  forgetAccess = () => void this.jar.delete(NAMES.access);

  async send(
    method: string,
    path: string,
    {
      headers = {},
      body,
      isLost = false,
    }: { headers?: Record<string, string>; body?: string; isLost?: boolean } = {},
  ) {
    const cookie = [...this.jar]
      .filter(([name]) => path.startsWith("/auth") || name !== NAMES.refresh)
      .map(([name, value]) => `${name}=${value}`)
      .join("; ");
    const response = await this.t.fetch(path, {
      method,
      redirect: "manual",
      headers: {
        ...(cookie && { cookie }),
        "sec-fetch-site": "same-origin",
        "sec-fetch-mode": "no-cors",
        ...headers,
      },
      ...(body !== undefined && { body }),
    });
    if (isLost) return response;
    for (const line of response.headers.getSetCookie()) {
      const [, name, value, rest] = /^([^=]+)=([^;]*);(.*)$/.exec(line)!;
      if (/Max-Age=0\b/.test(rest!)) this.jar.delete(name!);
      else this.jar.set(name!, value!);
    }
    this.offer = response.headers.get("secure-session-registration") ?? this.offer;
    const [, challenge] = /^"([^"]+)"/.exec(response.headers.get("secure-session-challenge") ?? "") ?? [];
    if (challenge) this.challenge = challenge;
    return response;
  }

  async signUp(username = "alice") {
    const body = new URLSearchParams({ username, password: PASSWORDS[username]! }).toString();
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-mode": "navigate",
      origin: ORIGIN,
    };
    return this.send("POST", "/register", { headers, body });
  }

  /** What a browser signs: the challenge, and with it its key where it registers that. */
  sign = (claims: object, header: object = {}, key = this.pair.privateKey) =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: this.algorithm, typ: "dbsc+jwt", ...header })
      .sign(key);

  async register(jwt?: string, options: { isLost?: boolean } = {}) {
    const [, challenge] = /challenge="([^"]+)"/.exec(this.offer ?? "") ?? [];
    const proof = jwt ?? (await this.sign({ jti: challenge }, { jwk: this.jwk }));
    const response = await this.send("POST", "/auth/dbsc/register", {
      headers: { "secure-session-response": proof },
      ...options,
    });
    const body = (await response.json()) as Instructions;
    if (response.ok && !options.isLost) this.id = body.session_identifier;
    return { status: response.status, body, headers: response.headers };
  }

  async refresh(
    options: {
      isLost?: boolean;
      challenge?: string | null;
      id?: string;
      headers?: Record<string, string>;
    } = {},
  ) {
    const challenge = options.challenge === undefined ? this.challenge : options.challenge;
    const headers = {
      "sec-secure-session-id": options.id ?? this.id ?? "none",
      ...(challenge && { "secure-session-response": await this.sign({ jti: challenge }) }),
      ...options.headers,
    };
    const response = await this.send("POST", "/auth/dbsc/refresh", {
      headers,
      isLost: options.isLost ?? false,
    });
    return {
      status: response.status,
      body: (await response.json()) as Instructions,
      headers: response.headers,
    };
  }

  /** Whether a page knows who this is. */
  async isSignedIn(): Promise<boolean> {
    const response = await this.send("GET", "/account", {
      headers: { "sec-fetch-mode": "navigate", accept: "text/html" },
    });
    return response.status === 200;
  }
}
