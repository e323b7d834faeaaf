import { createHmac, timingSafeEqual } from "node:crypto";
import { calculateJwkThumbprint, EmbeddedJWK, importJWK, jwtVerify, type JWK, type JWTPayload } from "jose";
import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Store } from "../../store/index.ts";
import type { SessionWithUser } from "../../store/sessions.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import type { Device } from "./devices.ts";
import { isCanonical } from "./jws.ts";
import type { KeyRing } from "./keys.ts";
import { isOwned, type OwnedSession } from "./remembered.ts";
import type { Shown } from "./rotation.ts";
import type { SecurityEvents } from "./security.ts";

/** Signatures of devices (Device Bound Session Credentials, section on registration). */
const DEVICE_ALGORITHMS = ["ES256", "RS256"];
const OPTIONS = { typ: "dbsc+jwt", algorithms: DEVICE_ALGORITHMS };

export type Bindings = ReturnType<typeof createBindings>;

/**
 * Sessions of browsers that a key in the device's hardware holds (Device Bound Session Credentials). The browser is offered
 * it at the sign-in and registers its key by itself; from then on a new pair is for whoever signs a challenge, which is
 * derived from the row, one for each generation: so it lives and dies by the rule of rotation, and a lost answer is answered
 * again. Only where the origin is https.
 */
export function createBindings(deps: {
  keys: Pick<KeyRing, "derive">;
  store: Store;
  commit: Commit;
  security: SecurityEvents;
  clock: Clock;
  issuer: string;
}) {
  const { store, commit, security, clock, issuer } = deps;
  const secret = deps.keys.derive("duet device challenges");
  const isOffered = issuer.startsWith("https:");

  /** Labelled, so that what was signed for one purpose is good for no other. */
  const challengeFor = (label: "register" | "refresh", sessionId: string, generation: number) =>
    createHmac("sha256", secret).update(`${label}\n${sessionId}\n${generation}`).digest("base64url");

  return {
    /** The challenge by which a browser may register a key for a session that was just started; null on plain http. */
    offer: (sessionId: string): string | null => (isOffered ? challengeFor("register", sessionId, 1) : null),

    /** The challenge that whoever holds the key signs for the next pair. */
    challenge: ({ id, generation }: Pick<SessionWithUser, "id" | "generation">): string =>
      challengeFor("refresh", id, generation),

    /**
     * Binds a session to the key that signed the registration: once, within a minute of its start, and then for ever. Sent
     * again with the same key it is answered again. Error code: `device_proof_required`. Effects: `sessions` and the
     * security event, both or neither.
     */
    async register(session: OwnedSession, jwt: string | null, device: Device): Promise<OwnedSession> {
      const challenge = challengeFor("register", session.id, 1);
      const refused = () => new DuetError("device_proof_required", { deviceChallenge: { challenge } });
      const { jwk, payload } = await readRegistration(jwt).catch(() => ({ jwk: null, payload: null }));
      if (!isOffered || !jwk || !isSame(payload.jti, challenge)) throw refused();
      const key = await calculateJwkThumbprint(jwk);
      const since = clock() - LIMITS.bindWithinMs;
      const bound = {
        key_thumbprint: key,
        device_key: JSON.stringify(jwk),
        device_session: crypto.randomUUID(),
      };
      await commit(async (tx) => {
        if (!(await tx.sessions.bind(session.id, bound, since))) return;
        await security.note(
          { kind: "key_bound", userId: session.user_id, sessionId: session.id },
          device,
          tx,
        );
      });
      const current = await store.sessions.find(session.id);
      if (current?.key_thumbprint !== key || current.created_at <= since || !isOwned(current))
        throw refused();
      return current;
    },

    /** Asks for a proof. */
    ask(session: SessionWithUser): DuetError {
      const challenge = challengeFor("refresh", session.id, session.generation);
      const deviceChallenge = { challenge, id: session.device_session ?? undefined };
      return new DuetError("device_proof_required", { deviceChallenge });
    },

    /**
     * What a browser shows by signing a challenge: the generation that it was made for, and the key. Without a proof, or
     * with one that is none, no key.
     */
    async read(session: SessionWithUser, jwt: string | null): Promise<Shown> {
      const nothing = { generation: session.generation, key: null };
      if (jwt === null || session.device_key === null || !isCanonical(jwt)) return nothing;
      const jwk = JSON.parse(session.device_key) as JWK;
      const alg = jwk.kty === "RSA" ? "RS256" : "ES256";
      const verified = await jwtVerify(jwt, await importJWK(jwk, alg), OPTIONS).catch(() => null);
      if (!verified) return nothing;
      // Of older ones none can be alive.
      for (
        let generation = session.generation;
        generation > Math.max(0, session.generation - 3);
        generation--
      )
        if (isSame(verified.payload.jti, challengeFor("refresh", session.id, generation)))
          return { generation, key: session.key_thumbprint };
      return { generation: session.generation - 3, key: session.key_thumbprint };
    },
  };
}

/** The key in a registration, which signed it. */
async function readRegistration(jwt: string | null): Promise<{ jwk: JWK; payload: JWTPayload }> {
  if (jwt === null || !isCanonical(jwt)) throw new Error("none");
  const { protectedHeader, payload } = await jwtVerify(jwt, EmbeddedJWK, OPTIONS);
  return { jwk: protectedHeader.jwk!, payload };
}

function isSame(shown: unknown, expected: string): boolean {
  const bytes = Buffer.from(typeof shown === "string" ? shown : "");
  return bytes.length === expected.length && timingSafeEqual(bytes, Buffer.from(expected));
}
