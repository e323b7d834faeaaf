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
 * it at the sign-in and registers its key by itself; from its first signature on a new pair is for whoever signs a challenge,
 * which is derived from the row, one for each generation: so it lives and dies by the rule of rotation, and a lost answer is
 * answered again. Only where the origin is https.
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
     * Keeps the key that signed the challenge of `session`'s sign-in, within a minute of that; sent again it is answered again.
     * It holds the session only once the browser has signed with it (`confirm`): the answer to this may be lost. Error code:
     * `device_proof_required`, without the challenge, which is for whoever has the answer to the sign-in. Effects: `sessions`.
     */
    async register(session: OwnedSession, jwt: string | null): Promise<OwnedSession> {
      const refused = () => new DuetError("device_proof_required");
      const { jwk, payload } = await readRegistration(jwt).catch(() => ({ jwk: null, payload: null }));
      const isRight = jwk && isSame(payload.jti, challengeFor("register", session.id, 1));
      if (!isOffered || session.kind !== "browser" || !isRight) throw refused();
      const device_key = JSON.stringify(jwk);
      if (session.device_key === device_key) return session;
      const proposal = { device_key, device_session: crypto.randomUUID() };
      if (!(await store.sessions.propose(session.id, proposal, clock() - LIMITS.bindWithinMs)))
        throw refused();
      return { ...session, ...proposal };
    },

    /**
     * The first signature with the key that was registered: from now on it holds the session. Returns the session as it is then.
     * Effects: `sessions` and the security event, both or neither.
     */
    async confirm(session: OwnedSession, jwt: string | null, device: Device): Promise<OwnedSession> {
      if (session.key_thumbprint !== null || session.device_key === null) return session;
      if ((await read(session, jwt)) === null) return session;
      const thumbprint = await calculateJwkThumbprint(JSON.parse(session.device_key) as JWK);
      await commit(async (tx) => {
        if (!(await tx.sessions.bind(session.id, thumbprint, session.device_session!))) return;
        await security.note(
          { kind: "key_bound", userId: session.user_id, sessionId: session.id },
          device,
          tx,
        );
      });
      const current = await store.sessions.find(session.id);
      return current && isOwned(current) ? current : session;
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
    async shown(session: SessionWithUser, jwt: string | null): Promise<Shown> {
      const generation = await read(session, jwt);
      return generation === null
        ? { generation: session.generation, key: null }
        : { generation, key: session.key_thumbprint };
    },
  };

  /** The generation whose challenge was signed with the session's key; null where none was, or with another. */
  async function read(session: SessionWithUser, jwt: string | null): Promise<number | null> {
    if (jwt === null || session.device_key === null || !isCanonical(jwt)) return null;
    const jwk = JSON.parse(session.device_key) as JWK;
    const key = importJWK(jwk, jwk.kty === "RSA" ? "RS256" : "ES256");
    const verified = await key.then((imported) => jwtVerify(jwt, imported, OPTIONS)).catch(() => null);
    if (!verified) return null;
    for (let generation = session.generation; generation > Math.max(0, session.generation - 3); generation--)
      if (isSame(verified.payload.jti, challengeFor("refresh", session.id, generation))) return generation;
    // Of older ones none can be alive.
    return session.generation - 3;
  }
}

/** The key in a registration, which signed it. */
async function readRegistration(jwt: string | null): Promise<{ jwk: JWK; payload: JWTPayload }> {
  if (jwt === null || !isCanonical(jwt)) throw new Error("none");
  const { protectedHeader, payload } = await jwtVerify(jwt, EmbeddedJWK, OPTIONS);
  const { kty, crv, x, y, n, e } = protectedHeader.jwk!;
  // The key, and nothing that was put beside it.
  return { jwk: (kty === "RSA" ? { kty, n, e } : { kty, crv, x, y }) as JWK, payload };
}

function isSame(shown: unknown, expected: string): boolean {
  const bytes = Buffer.from(typeof shown === "string" ? shown : "");
  return bytes.length === expected.length && timingSafeEqual(bytes, Buffer.from(expected));
}
