import { DuetError, type SessionEnd } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Store } from "../../store/index.ts";
import type { GuestRow } from "../../store/guests.ts";
import { networkOf, wideNetworkOf } from "../addresses.ts";
import type { Clock, StepWatch } from "../clock.ts";
import { newId } from "../ids.ts";
import { createDiaries } from "./diary.ts";
import { createGuestTokens } from "./guest-tokens.ts";
import { openAccess } from "./lab.ts";
import type { KeyRing } from "./keys.ts";
import type { SessionEvent, SessionObserver } from "./observer.ts";
import { overlapOf, type OverlapSettings } from "./overlap.ts";
import { decideRotation, endReasonOf, stepOf, type SessionState } from "./rotation.ts";
import type { Throttle } from "./throttle.ts";
import type { TokenPair } from "./tokens.ts";

export type Guests = ReturnType<typeof createGuests>;

/** A browser's, held by no key. */
const AS_STARTED = { kind: "browser", key_thumbprint: null } as const;

/**
 * Sessions of nobody, on which the lab is tried without an account: the rule of rotation on a table of their own, which is bounded,
 * for an hour. Their tokens have a `typ` and an `aud` of their own and are signed by a secret that is never published.
 */
export function createGuests(deps: {
  store: Store;
  keys: Pick<KeyRing, "derive">;
  throttle: Throttle;
  clock: Clock;
  steps: StepWatch;
  issuer: string;
  settings: { accessTtlSeconds: number } & OverlapSettings;
}) {
  const { store, keys, throttle, clock, steps, issuer, settings } = deps;
  const tokens = createGuestTokens({ keys, clock, issuer, settings });
  const { accessTtlSeconds } = tokens;

  const diaries = createDiaries({
    store,
    clock,
    name: "guests",
    find: async (id) => {
      const guest = await store.guests.find(id);
      return guest && { ...guest, accessSeconds: accessTtlSeconds };
    },
  });

  const stateOf = (guest: GuestRow): SessionState => ({
    ...guest,
    ...AS_STARTED,
    idle_ends_at: guest.ends_at,
    end_reason: guest.ended_at === null ? null : "reuse_detected",
    username: "",
    disabled_at: null,
  });

  function endOf(guest: GuestRow): SessionEnd | null {
    const reason = endReasonOf(stateOf(guest), clock());
    const at = guest.ended_at ?? guest.ends_at;
    return reason && { sessionId: guest.id, reason, at, userAgent: null, ip: null, isRecorded: true };
  }

  /** Error code: `token_invalid` for one that is gone. */
  async function find(id: string): Promise<GuestRow> {
    const guest = await store.guests.find(id);
    if (!guest) throw new DuetError("token_invalid");
    return guest;
  }

  return {
    diaries,

    /**
     * Starts one. Error code: `rate_limited`. Effects: a row; beyond so many the oldest one goes.
     */
    async start(ip: string): Promise<TokenPair> {
      const now = clock();
      const guest: GuestRow = {
        id: newId(now),
        generation: 1,
        rotated_at: now,
        confirmed_at: null,
        previous_confirmed_at: null,
        created_at: now,
        ends_at: now + LIMITS.guestMs,
        ended_at: null,
      };
      await store.tx(async (tx) => {
        await throttle.takeIn(
          tx,
          ["guest_network", networkOf(ip)],
          ["guest_wide_network", wideNetworkOf(ip)],
        );
        await tx.guests.insert(guest);
        await tx.guests.keepNewest(LIMITS.guestsMax, guest.id, LIMITS.rowsClearedAtOnce);
      });
      return tokens.pairOf(guest);
    },

    /** For what does not reach the rule, and costs a little all the same. Error code: `rate_limited`. */
    permit: (sessionId: string): Promise<void> => throttle.take(["refresh_session", sessionId]),

    /** The session that a refresh token of theirs names, if it is one and that is still there. */
    async sessionOf(refreshToken: string | undefined): Promise<string | null> {
      const id = tokens.sessionIn(refreshToken);
      return (id && (await store.guests.find(id))?.id) || null;
    },

    /** The session and generation of a refresh token of theirs. Error codes: `token_missing`, `token_invalid`. */
    read(refreshToken: string | undefined): { sessionId: string; generation: number } {
      const { sid: sessionId, gen: generation } = tokens.read("refresh", refreshToken);
      return { sessionId, generation };
    },

    /**
     * As `Sessions.refresh`, by the same rule. Error codes: `token_missing`, `token_invalid`, `session_ended`, `rate_limited`.
     * Effects: at most one step, or the first use of the newest generation; a reuse ends it.
     */
    async refresh(refreshToken: string | undefined, observe: SessionObserver): Promise<TokenPair> {
      const { sid, gen } = tokens.read("refresh", refreshToken);
      await throttle.take(["refresh_session", sid]);
      // As there: if another request was first the row is read again.
      for (;;) {
        const guest = await find(sid);
        const now = clock();
        const overlap = overlapOf(AS_STARTED, settings, steps.sinceStep());
        const { kind } = decideRotation(stateOf(guest), { generation: gen }, now, overlap);
        const tell = (newestGeneration: number) => {
          const event: SessionEvent = {
            kind: "refreshed",
            sessionId: sid,
            at: now,
            decision: kind,
            shownGeneration: gen,
            newestGeneration,
            accessSeconds: accessTtlSeconds,
          };
          observe(event);
        };
        if (kind === "newest") {
          const next = { ...guest, ...stepOf(guest, now), rotated_at: now };
          if (!(await store.guests.advance(next))) continue;
          tell(next.generation);
          return tokens.pairOf(next);
        }
        if (kind === "kept" && (await store.guests.confirm(sid, gen, now)))
          observe({ kind: "used", sessionId: sid, at: now, generation: gen });
        if (kind === "reuse") await store.guests.end(sid, now);
        tell(guest.generation);
        if (kind === "kept" || kind === "unconfirmed" || kind === "overlap") return tokens.pairOf(guest);
        const end = endOf(await find(sid));
        throw end ? new DuetError("session_ended", { end }) : new DuetError("token_invalid");
      }
    },

    /**
     * Which session an access token is of; its first use is noted. Error codes: `token_missing`, `token_invalid`, `token_expired`,
     * `session_ended`.
     */
    async authenticate(accessToken: string | undefined, observe: SessionObserver): Promise<GuestRow> {
      const { sid, gen } = tokens.read("access", accessToken);
      const guest = await find(sid);
      const end = endOf(guest);
      if (end) throw new DuetError("session_ended", { end });
      const now = clock();
      if (gen === guest.generation && guest.confirmed_at === null)
        if (await store.guests.confirm(sid, gen, now))
          observe({ kind: "used", sessionId: sid, at: now, generation: gen });
      return guest;
    },

    /** Both tokens as a browser has them, as `Lab.inspect` shows those of somebody's session. */
    async inspect(guest: GuestRow, accessToken: string) {
      const diary = await diaries.of(guest.id);
      const access = openAccess(accessToken);
      const held = access.claims.gen;
      const issued = diary.generations.find(({ generation }) => generation === held);
      return {
        diary,
        now: clock(),
        access,
        refresh: tokens.describeRefresh({
          ...guest,
          generation: held,
          rotated_at: issued?.issuedAt ?? guest.rotated_at,
        }),
        held,
        newest: guest.generation,
      };
    },

    now: clock,

    settings: {
      ...settings,
      accessTtlSeconds,
      refreshTtlSeconds: LIMITS.guestMs / 1000,
      sessionTtlSeconds: LIMITS.guestMs / 1000,
    },
  };
}
