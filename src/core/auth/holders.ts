import { DuetError } from "../../errors.ts";
import type { Store } from "../../store/index.ts";
import type { SessionWithUser } from "../../store/sessions.ts";
import { networkOf } from "../addresses.ts";
import { LIMITS } from "../../limits.ts";
import type { Clock } from "../clock.ts";
import type { Viewer } from "../viewer.ts";
import type { Bindings } from "./bindings.ts";
import type { Device } from "./devices.ts";
import type { Proof, Proofs, Showing } from "./proofs.ts";
import type { Shown } from "./rotation.ts";
import type { SecurityEvents } from "./security.ts";
import type { Claims } from "./signer.ts";
import { isCode, type Throttle } from "./throttle.ts";

export type Holders = ReturnType<typeof createHolders>;

/**
 * Sessions that a key holds, a program's since its start (RFC 9449) or that of a browser's device since its first signature:
 * their row says so, and goes on to. Whoever shows one of their tokens on whatever route without the right proof is refused, nothing ends, and the owner is told.
 */
export function createHolders(deps: {
  store: Store;
  proofs: Proofs;
  bindings: Bindings;
  security: SecurityEvents;
  throttle: Throttle;
  clock: Clock;
}) {
  const { store, proofs, bindings, security, throttle, clock } = deps;

  /** An event that the owner sees, one an hour of each session. */
  async function tell(
    kind: "key_missing" | "key_used_late",
    { id: sessionId, user_id: userId }: SessionWithUser,
    device: Device,
  ): Promise<void> {
    if (!(await throttle.has(["notice_session", `${kind}\n${sessionId}`]))) return;
    await security.note({ kind, outcome: "failure", userId, sessionId }, device);
  }

  /**
   * Refuses what was shown without the right proof. Error codes: `invalid_dpop_proof`, `token_invalid` with another key; of a
   * browser's session `key_missing`, and where the browser itself asks `device_proof_required`.
   */
  async function refuse(session: SessionWithUser, proof: Proof | null, showing: Showing): Promise<never> {
    const isAskedFirst = showing.scheme === "device" && showing.deviceProof === null;
    if (isDeviceBound(session)) {
      if (!isAskedFirst) await tell("key_missing", session, showing.device());
      throw showing.scheme === "device" ? bindings.ask(session) : new DuetError("key_missing");
    }
    // A session that no key holds is never bound later, or a thief would bind what he stole.
    if (session.key_thumbprint !== null) await tell("key_missing", session, showing.device());
    throw new DuetError(proof && session.key_thumbprint !== null ? "token_invalid" : "invalid_dpop_proof");
  }

  /** The proof beside a token of `session`. Error codes: `invalid_dpop_proof`, `use_dpop_nonce`. */
  async function proofFor(session: SessionWithUser | null, showing: Showing, accessToken?: string) {
    try {
      return await proofs.check(showing, accessToken);
    } catch (error) {
      const isNoProof = isCode("invalid_dpop_proof")(error);
      if (isNoProof && session?.key_thumbprint != null) await tell("key_missing", session, showing.device());
      throw error;
    }
  }

  return {
    proofFor,
    refuse,
    askDevice: bindings.ask,

    /** What a refresh token is shown with: the generation that it says, or that of the challenge which a device has signed. */
    shownWith: async (
      session: SessionWithUser,
      claims: Claims,
      proof: Proof | null,
      showing: Showing,
    ): Promise<Shown> =>
      isDeviceBound(session)
        ? bindings.shown(session, showing.scheme === "device" ? showing.deviceProof : null)
        : { generation: claims.gen, key: proof?.key ?? null },

    spend: proofs.spend,

    /**
     * Requires of an access token that was shown what its session's row says. Error codes: `invalid_dpop_proof`,
     * `use_dpop_nonce`, `token_invalid`, `too_busy`. Effect: the proof is used up.
     */
    async require(session: SessionWithUser, showing: Showing, accessToken: string): Promise<void> {
      if (!isHeld(session)) {
        if (showing.scheme === "DPoP") throw new DuetError("token_invalid");
        return;
      }
      if (showing.scheme !== "DPoP") return refuse(session, null, showing);
      const proof = await proofFor(session, showing, accessToken);
      if (proof?.key !== session.key_thumbprint) return refuse(session, proof, showing);
      await store.tx((tx) => proofs.spend(tx, proof, crypto.randomUUID()));
    },

    /**
     * Whether a token that is to be signed out with comes with what its session's row asks for; of a browser's that is an
     * access token, which is minutes old. Error codes: as `require` and `refuse`.
     */
    async mayEnd(
      session: SessionWithUser,
      showing: Showing,
      access: Claims | undefined,
      about: string,
    ): Promise<void> {
      if (isDeviceBound(session) && (!access || isTooOld(session, access, clock())))
        return refuse(session, null, showing);
      if (!isHeld(session)) return;
      const proof = await proofFor(session, showing);
      if (proof?.key !== session.key_thumbprint) return refuse(session, proof, showing);
      await store.tx((tx) => proofs.spend(tx, proof, about));
    },

    /** A generation that had died was shown, with the right key: worth a look where its owner has never signed in from. */
    async noteLate(session: SessionWithUser, device: Device): Promise<void> {
      const known = await store.devices.addressesOf(session.user_id, LIMITS.knownAddressesMax);
      if (!known.map(networkOf).includes(networkOf(device.ip))) await tell("key_used_late", session, device);
    },
  };
}

/** Whether a key holds it, of which each request needs a proof. */
export const isHeld = (session: Pick<SessionWithUser, "kind" | "key_thumbprint">): boolean =>
  session.kind === "program" && session.key_thumbprint !== null;

/** The same of the viewer's. */
export const isHeldBy = ({ start }: Viewer): boolean => start.kind === "program" && start.key !== null;

/** Whether the key of a browser's device holds it, of which each new pair needs a proof. */
export const isDeviceBound = (session: Pick<SessionWithUser, "kind" | "key_thumbprint">): boolean =>
  session.kind === "browser" && session.key_thumbprint !== null;

/** In such a session a copied cookie is good for minutes, whatever it says: it may have been made before the binding. */
export const isTooOld = (
  session: Pick<SessionWithUser, "kind" | "key_thumbprint">,
  { iat }: Pick<Claims, "iat">,
  now: number,
): boolean => isDeviceBound(session) && now >= (iat + LIMITS.boundAccessSeconds) * 1000;

/** The life of an access token of `session`, in seconds. */
export const accessSecondsOf = (
  session: Pick<SessionWithUser, "kind" | "key_thumbprint">,
  { accessTtlSeconds }: { accessTtlSeconds: number },
): number =>
  isDeviceBound(session) ? Math.min(accessTtlSeconds, LIMITS.boundAccessSeconds) : accessTtlSeconds;
