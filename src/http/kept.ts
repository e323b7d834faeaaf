/** An answer as it can be given again. */
export type Kept = { status: number; headers: [string, string][]; body: ArrayBuffer };

const IV_BYTES = 12;

const keyOf = (secret: Uint8Array) =>
  crypto.subtle.importKey("raw", new Uint8Array(secret), "AES-GCM", false, ["encrypt", "decrypt"]);

/** An answer as text that nobody opens without the secret (256 bits, of this one answer): it may hold tokens. */
export async function sealAnswer({ status, headers, body }: Kept, secret: Uint8Array): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const text = JSON.stringify({ status, headers, body: Buffer.from(body).toString("base64") });
  const cipher = { name: "AES-GCM", iv };
  const sealed = await crypto.subtle.encrypt(cipher, await keyOf(secret), new TextEncoder().encode(text));
  return Buffer.concat([iv, new Uint8Array(sealed)]).toString("base64");
}

/** The same answer. Rejects where it was sealed by another secret. */
export async function openAnswer(sealed: string, secret: Uint8Array): Promise<Kept> {
  const bytes = new Uint8Array(Buffer.from(sealed, "base64"));
  const cipher = { name: "AES-GCM", iv: bytes.subarray(0, IV_BYTES) };
  const text = await crypto.subtle.decrypt(cipher, await keyOf(secret), bytes.subarray(IV_BYTES));
  const read = JSON.parse(new TextDecoder().decode(text)) as Omit<Kept, "body"> & { body: string };
  return { ...read, body: new Uint8Array(Buffer.from(read.body, "base64")).buffer };
}
