import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";
import { LIMITS } from "../../limits.ts";
import type { PasskeyRow } from "../../store/factors.ts";

export type Passkeys = ReturnType<typeof createPasskeys>;

/** What a browser is asked by (Web Authentication Level 3), as JSON. */
export type CreationOptions = PublicKeyCredentialCreationOptionsJSON;
export type RequestOptions = PublicKeyCredentialRequestOptionsJSON;

/** What an answer says of the passkey that signed it. */
export type Assertion = {
  counter: number;
  isSynced: boolean;
  isBackedUp: boolean;
  /** It has not gone on counting: there are two of it (section 6.1.1). */
  isCloned: boolean;
};

/** Loaded when the first is needed. What it stands on wants `Reflect.metadata` first, and in the executable does not see to that. */
async function load() {
  await import("reflect-metadata");
  return import("@simplewebauthn/server");
}

/**
 * Passkeys: public keys that a device holds, for this origin alone. The device always asks who is there (user verification), so
 * one is enough to sign in with.
 */
export function createPasskeys({ issuer }: { issuer: string }) {
  const { hostname } = new URL(issuer);
  const expected = { expectedOrigin: issuer, expectedRPID: hostname, requireUserVerification: true };

  return {
    /** For `navigator.credentials.create`: a new one for `user`, on a device that has none of `held`. */
    async creationOptions(
      challenge: string,
      user: { id: string; username: string },
      held: PasskeyRow[],
    ): Promise<CreationOptions> {
      const { generateRegistrationOptions } = await load();
      return generateRegistrationOptions({
        rpName: hostname,
        rpID: hostname,
        userID: new TextEncoder().encode(user.id),
        userName: user.username,
        userDisplayName: user.username,
        challenge: bytesOf(challenge),
        timeout: LIMITS.challengeMs,
        excludeCredentials: held.map(idOf),
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
      });
    },

    /** For `navigator.credentials.get`: one of `held`, or any that the device has for this origin. */
    async requestOptions(challenge: string, held: PasskeyRow[] = []): Promise<RequestOptions> {
      const { generateAuthenticationOptions } = await load();
      return generateAuthenticationOptions({
        rpID: hostname,
        challenge: bytesOf(challenge),
        timeout: LIMITS.challengeMs,
        userVerification: "required",
        allowCredentials: held.map(idOf),
      });
    },

    /** The passkey that was made, if what came is that; null for anything else. */
    async readCreation(
      challenge: string,
      response: unknown,
    ): Promise<Pick<
      PasskeyRow,
      "credential_id" | "public_key" | "counter" | "transports" | "is_synced" | "is_backed_up"
    > | null> {
      const { verifyRegistrationResponse } = await load();
      const { verified, registrationInfo } = await verifyRegistrationResponse({
        response: response as RegistrationResponseJSON,
        expectedChallenge: challenge,
        ...expected,
      }).catch(() => ({ verified: false, registrationInfo: undefined }));
      if (!verified || !registrationInfo) return null;
      const { credential, credentialDeviceType, credentialBackedUp } = registrationInfo;
      const transports = wordsIn(credential.transports);
      return {
        credential_id: credential.id,
        public_key: Buffer.from(credential.publicKey).toString("base64url"),
        counter: credential.counter,
        transports: transports.slice(0, 8).join(" "),
        is_synced: Number(credentialDeviceType === "multiDevice"),
        is_backed_up: Number(credentialBackedUp),
      };
    },

    /** What an answer says that `key` has signed; null if it has not. */
    async readAssertion(challenge: string, response: unknown, key: PasskeyRow): Promise<Assertion | null> {
      const { verifyAuthenticationResponse } = await load();
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: response as AuthenticationResponseJSON,
        expectedChallenge: challenge,
        ...expected,
        // The library says of a counter that it is wrong in words alone; it is compared here.
        credential: { ...idOf(key), publicKey: keyOf(key), counter: 0 },
      }).catch(() => ({ verified: false, authenticationInfo: undefined }));
      if (!verified || !authenticationInfo) return null;
      const { newCounter: counter, credentialDeviceType, credentialBackedUp } = authenticationInfo;
      return {
        counter,
        isSynced: credentialDeviceType === "multiDevice",
        isBackedUp: credentialBackedUp,
        isCloned: (counter > 0 || key.counter > 0) && counter <= key.counter,
      };
    },
  };
}

/** Whose it says that it is (section 7.2, step 6); undefined where it says nothing. */
export function userIn(answer: unknown): string | undefined {
  const handle = (answer as { response?: { userHandle?: unknown } } | null)?.response?.userHandle;
  return typeof handle === "string" ? Buffer.from(handle, "base64url").toString() : undefined;
}

/** By which passkey an answer says that it is; null for what says none. */
export function credentialIdOf(response: unknown): string | null {
  const id = (response as { id?: unknown } | null)?.id;
  return typeof id === "string" && id.length <= LIMITS.credentialIdCharsMax ? id : null;
}

/** The browser says them, and anybody can be one. */
const wordsIn = (list: unknown): string[] =>
  Array.isArray(list) ? list.filter((each) => typeof each === "string" && /^[a-z-]{1,20}$/.test(each)) : [];

type Transports = NonNullable<RegistrationResponseJSON["response"]["transports"]>;

const idOf = ({ credential_id: id, transports }: PasskeyRow) => ({
  id,
  transports: transports.split(" ").filter(Boolean) as Transports,
});

const keyOf = ({ public_key }: PasskeyRow) => new Uint8Array(Buffer.from(public_key, "base64url"));

/** Challenges travel as base64url, and are made of its bytes. */
const bytesOf = (challenge: string) => new Uint8Array(Buffer.from(challenge, "base64url"));
