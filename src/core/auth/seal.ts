import { hkdfSync } from "node:crypto";
import { StartError } from "../../errors.ts";

/** Keeps secrets at rest: AES-256-GCM under a key derived from the operator's secret (HKDF, RFC 5869). */
export type Seal = Awaited<ReturnType<typeof openSeal>>;

/** The seal of `secret`. What is sealed under one `id` opens under that `id` only. */
export async function openSeal(secret: string) {
  const material = await crypto.subtle.importKey("raw", utf8(secret), "HKDF", false, ["deriveKey"]);
  const derivation = {
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(),
    info: utf8("duet signing keys"),
  };
  const uses: KeyUsage[] = ["encrypt", "decrypt"];
  const key = await crypto.subtle.deriveKey(
    derivation,
    material,
    { name: "AES-GCM", length: 256 },
    false,
    uses,
  );
  const cipher = (iv: Uint8Array<ArrayBuffer>, id: string) => ({
    name: "AES-GCM",
    iv,
    additionalData: utf8(id),
  });

  return {
    async close(id: string, text: string): Promise<string> {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const sealed = await crypto.subtle.encrypt(cipher(iv, id), key, utf8(text));
      return `${base64url(iv)}.${base64url(new Uint8Array(sealed))}`;
    },

    /** A secret of its own for another use, the same in every process. */
    derive: (label: string): Buffer => Buffer.from(hkdfSync("sha256", secret, "", label, 32)),

    /** Throws StartError where another secret closed it, or it was tampered with. */
    async open(id: string, sealed: string): Promise<string> {
      try {
        const [iv, bytes] = sealed.split(".").map((part) => new Uint8Array(Buffer.from(part, "base64url")));
        return new TextDecoder().decode(await crypto.subtle.decrypt(cipher(iv!, id), key, bytes!));
      } catch (cause) {
        throw new StartError(
          "the secret does not open the signing keys; restore the one they were made with",
          { cause },
        );
      }
    },
  };
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
