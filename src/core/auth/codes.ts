import { Secret, TOTP } from "otpauth";

/** What authenticator apps understand (RFC 6238): six digits by SHA-1, a new one each half minute. */
const FORM = { algorithm: "SHA1", digits: 6, period: 30 } as const;

/** As RFC 4226 section 4 asks. */
const SECRET_BYTES = 20;

/** How many steps a clock may be early or late. */
const STEPS_AROUND = 1;

/** For authenticators: a new secret, in base32. */
export const newSecret = (): string => new Secret({ size: SECRET_BYTES }).base32;

const totpOf = (secret: string) => new TOTP({ ...FORM, secret: Secret.fromBase32(secret) });

/** What an authenticator app reads (`otpauth:`), of the host that people know and their name there. */
export const uriOf = (secret: string, host: string, username: string): string =>
  new TOTP({ ...FORM, secret: Secret.fromBase32(secret), issuer: host, label: username }).toString();

/** The time step that a code is of, now or one step around it; null if it is of none of them. `now` in epoch milliseconds. */
export function stepOf(secret: string, code: string, now: number): number | null {
  if (!isCode(code)) return null;
  const totp = totpOf(secret);
  const delta = totp.validate({ token: code, timestamp: now, window: STEPS_AROUND });
  return delta === null ? null : totp.counter({ timestamp: now }) + delta;
}

/** Apps show it in two groups, and so people type it. */
export const foldCode = (text: string): string => text.replaceAll(/[\s-]/g, "");

/** What somebody types where either would do: of an app, or one that was put away. */
export const readTyped = (text: string): { code: string } | { recoveryCode: string } =>
  foldRecoveryCode(text) === null ? { code: text } : { recoveryCode: text };

const isCode = (code: string) => /^[0-9]{6}$/.test(code);

/** Without what is easily taken for something else: I, L, O, U (Crockford). */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODES = 10;
const CODE_CHARS = 16;

/** Ten codes of 80 random bits each, in groups of four. */
export const newRecoveryCodes = (): string[] =>
  Array.from({ length: CODES }, () =>
    [...crypto.getRandomValues(new Uint8Array(CODE_CHARS))]
      .map((byte) => ALPHABET[byte % ALPHABET.length])
      .join("")
      .replaceAll(/.{4}(?=.)/g, "$&-"),
  );

/** A recovery code as it was given out, however it is typed; null for what can be none. */
export function foldRecoveryCode(text: string): string | null {
  const code = text.toUpperCase().replaceAll(/[\s-]/g, "").replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  return code.length === CODE_CHARS && [...code].every((each) => ALPHABET.includes(each)) ? code : null;
}
