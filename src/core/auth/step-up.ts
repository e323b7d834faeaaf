import { DuetError, type Asked } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { FactorRow } from "../../store/factors.ts";
import type { Store } from "../../store/index.ts";
import type { UserRow } from "../../store/users.ts";
import { networkOf } from "../addresses.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import type { Viewer } from "../viewer.ts";
import type { Challenges, OpenChallenge } from "./challenges.ts";
import type { Confirm } from "./confirm.ts";
import type { Device } from "./devices.ts";
import { joinAmr, type Answer, type Factors, type Proved } from "./factors.ts";
import type { Guesses } from "./guesses.ts";
import type { Holders } from "./holders.ts";
import type { NamedSessions } from "./named.ts";
import type { Hashing, Passwords } from "./passwords.ts";
import type { Showing } from "./proofs.ts";
import type { SecurityEventKind, SecurityEvents } from "./security.ts";
import type { Throttle } from "./throttle.ts";
import type { Tokens } from "./tokens.ts";

/**
 * What needs a recent proof, and how old that may be (milliseconds): it cannot be undone, or opens the door to more. Whatever is
 * not here needs none.
 */
export const ACTS = {
  password_change: LIMITS.proofAgeMs,
  email_change: LIMITS.proofAgeMs,
  factor_add: LIMITS.proofAgeMs,
  factor_remove: LIMITS.proofAgeMs,
  recovery_codes: LIMITS.proofAgeMs,
  account_delete: LIMITS.proofAgeMs,
  account_export: LIMITS.proofAgeMs,
  operate: LIMITS.proofAgeMs,
};

export type Act = keyof typeof ACTS;

/** An access token whose holder has just proved who they are; nothing that could be refreshed. */
export type Elevated = { accessToken: string; accessExpiresIn: number; isHeld: boolean };

export type StepUp = ReturnType<typeof createStepUp>;

/**
 * Step-up authentication (RFC 9470): what asks for a recent proof, and how one is given, with whatever somebody has. The proof is
 * in the access token that it earns and not in the session, which others may hold, and earns nothing that could be refreshed. Having
 * signed in is a proof, too: a token that is copied within these ten minutes may do what its owner may.
 */
export function createStepUp(deps: {
  store: Store;
  commit: Commit;
  tokens: Tokens;
  named: NamedSessions;
  holders: Holders;
  challenges: Challenges;
  factors: Factors;
  guesses: Guesses;
  confirm: Confirm;
  passwords: Passwords;
  security: SecurityEvents;
  throttle: Throttle;
  clock: Clock;
}) {
  const { store, commit, tokens, named, holders, challenges, factors, guesses, confirm } = deps;
  const { passwords, security, throttle, clock } = deps;

  /** Whether the viewer's token says that they proved who they are so lately; not where the clock was set back since. */
  function isProved({ authenticatedAt }: Viewer, act: Act): boolean {
    const ageMs = clock() - authenticatedAt;
    return ageMs >= 0 && ageMs < ACTS[act];
  }

  const heldBy = (userId: string) => store.factors.listOf(userId, { confirmed: true });

  /** Error code: `proof_required` with the challenge by which it is given. */
  async function ask(viewer: Viewer, held: FactorRow[], device: Device): Promise<never> {
    const user = await store.users.find(viewer.userId);
    if (!user) throw new DuetError("user_not_found");
    const { generation } = viewer;
    const challenge = await store.tx(async (tx) => {
      // By network: whoever has copied a token does not keep its owner from being asked.
      await throttle.takeIn(tx, ["challenge_account", `${user.id}\n${networkOf(device.ip)}`]);
      const session = { id: viewer.sessionId, generation };
      return challenges.open(tx, { purpose: "step_up", user, ...viewer.start, session, amr: viewer.amr });
    });
    throw new DuetError("proof_required", { asked: await factors.askFor(held, challenge) });
  }

  /** By the password, of who has nothing else. Error codes: `validation_failed` (`password` with `wrong_password`), `rate_limited`. */
  async function proveByPassword(
    viewer: Pick<Viewer, "userId" | "sessionId">,
    password: string,
    device: Device,
  ): Promise<Proved> {
    await passwords.inTurn(viewer.userId, networkOf(device.ip), (hashing) =>
      confirm(viewer, { field: "password", password, kind: "step_up" }, device, hashing),
    );
    return { amr: ["pwd"], spend: async () => true };
  }

  async function judge(
    challenge: OpenChallenge,
    user: UserRow,
    answer: Answer & { password?: string | undefined },
    device: Device,
  ): Promise<Proved> {
    const held = await heldBy(user.id);
    const { password } = answer;
    if (held.length > 0 || password === undefined)
      return guesses.judge({ kind: "step_up", challenge, user, held, answer }, device);
    await challenges.countTry(challenge);
    return proveByPassword({ userId: user.id, sessionId: challenge.row.session_id! }, password, device);
  }

  return {
    isProved,

    /** Error codes: `proof_required` with the challenge by which it is given, `rate_limited`. Effects: `challenges`. */
    async require(viewer: Viewer, act: Act, device: Device): Promise<void> {
      if (!isProved(viewer, act)) await ask(viewer, await heldBy(viewer.userId), device);
    },

    /**
     * For what has always asked for the password: who has a second factor gives a recent proof, all others the password itself.
     * Error codes: as `require` and `confirm`; `validation_failed` (`field` with `required`). Effects: as these.
     */
    async requireOrConfirm(
      viewer: Viewer,
      act: Act & SecurityEventKind,
      shown: { field: string; password: string | undefined },
      device: Device,
      hashing: Hashing,
    ): Promise<UserRow> {
      const held = await heldBy(viewer.userId);
      if (held.length > 0 && !isProved(viewer, act)) await ask(viewer, held, device);
      const { field, password = "" } = shown;
      if (held.length === 0 || password !== "")
        return confirm(viewer, { field, password, kind: act }, device, hashing);
      const user = await store.users.find(viewer.userId);
      if (!user) throw new DuetError("user_not_found");
      return user;
    },

    /** The challenge for who asks to prove who they are before anything is refused. Error code: `rate_limited`. Effects: `challenges`. */
    async begin(viewer: Viewer, device: Device): Promise<Asked> {
      return ask(viewer, await heldBy(viewer.userId), device).catch((error: unknown) => {
        const asked = error instanceof DuetError ? error.details.asked : undefined;
        if (!asked) throw error;
        return asked;
      });
    },

    /**
     * Answers a challenge of `require`: one access token with a newer `auth_time`; the session's row is as it was. A page's is answered
     * on a page, by its own session. Error codes: as
     * `SignIns.finish`, `session_ended`; `validation_failed` where the password is wrong. Effects: the challenge, the factor and
     * the security event, all or none; or a try and the event.
     */
    async finish(
      token: string,
      answer: Answer & { password?: string | undefined },
      by: Showing | { viewer: Viewer; showing: Showing },
    ): Promise<Elevated> {
      const challenge = await challenges.find(token, "step_up");
      const { session_id, session_kind, generation, amr, user_id } = challenge.row;
      const showing = "viewer" in by ? by.showing : by;
      // On a page it is that browser's own, whose tokens no script is given.
      const isOwn = "viewer" in by ? by.viewer.sessionId === session_id : session_kind === "program";
      if (!isOwn) throw new DuetError("challenge_ended");
      const session = await named.requireLive({ sid: session_id!, sub: user_id! });
      const device = showing.device();
      const isHeld = session.kind === "program" && session.key_thumbprint !== null;
      const proof = isHeld ? await holders.proofFor(session, showing) : null;
      if (isHeld && proof?.key !== session.key_thumbprint) return holders.refuse(session, proof, showing);
      const user = await challenges.userOf(challenge);
      const proved = await judge(challenge, user, answer, device);
      await commit(async (tx) => {
        await challenges.use(tx, challenge);
        if (!(await proved.spend(tx))) throw new DuetError("code_invalid");
        if (proof) await holders.spend(tx, proof, `step up ${session.id}`);
        await security.note({ kind: "step_up", userId: user.id, sessionId: session.id }, device, tx);
        if (proved.event) await security.note({ kind: proved.event, userId: user.id }, device, tx);
      });
      const now = { generation: generation!, amr: joinAmr(amr.split(" "), proved.amr), at: clock() };
      return { ...(await tokens.issueAccess(session, session.username, now)), isHeld };
    },
  };
}
