import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Store } from "../../store/index.ts";
import type { UserRow } from "../../store/users.ts";
import { networkOf } from "../addresses.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import type { Viewer } from "../viewer.ts";
import type { Actor } from "./actors.ts";
import type { Confirm } from "./confirm.ts";
import type { Device } from "./devices.ts";
import type { Links } from "./links.ts";
import type { Operator } from "./operator.ts";
import type { Passwords } from "./passwords.ts";
import type { SecurityEvents } from "./security.ts";

export type Admin = ReturnType<typeof createAdmin>;

/** An operator at /admin, and whether they have proved who they are a moment ago. */
export type AdminViewer = Actor & { userId: string; isProved: boolean };

/**
 * What operators do from a page. It is for whom the command line has made one, from a browser's session, after a recent proof;
 * other operators are changed by the command line alone.
 */
export function createAdmin(deps: {
  store: Store;
  commit: Commit;
  operator: Operator;
  links: Links;
  passwords: Passwords;
  security: SecurityEvents;
  confirm: Confirm;
  clock: Clock;
}) {
  const { store, commit, operator, links, passwords, security, confirm, clock } = deps;

  /** Asked of the database each time. Error code: `not_found` for whom the page is not there. */
  async function viewerAs(viewer: Viewer, device: Device): Promise<AdminViewer> {
    const [user, session] = await Promise.all([
      store.users.find(viewer.userId),
      store.sessions.find(viewer.sessionId),
    ]);
    if (!user || user.operator_since === null || session?.kind !== "browser")
      throw new DuetError("not_found");
    const ageMs = clock() - session.authenticated_at;
    const isProved = ageMs >= 0 && ageMs < LIMITS.proofAgeMs;
    return { userId: user.id, name: user.username, device, isProved };
  }

  /** Somebody that an operator may change from the page. Error codes: `not_found`, `operator_protected`. */
  async function changeable(id: string): Promise<UserRow> {
    const user = await operator.findById(id);
    if (user.operator_since !== null) throw new DuetError("operator_protected");
    return user;
  }

  return {
    viewerAs,

    /**
     * Proves with the password who the operator is. Error codes: as `confirm`, `not_found`. Effects: the session's row and the
     * security event, both or neither.
     */
    async prove(viewer: Viewer, password: string, device: Device): Promise<void> {
      await viewerAs(viewer, device);
      const { userId, sessionId } = viewer;
      await passwords.inTurn(userId, networkOf(device.ip), (hashing) =>
        confirm(viewer, { field: "password", password, kind: "operator_proof" }, device, hashing),
      );
      await commit(async (tx) => {
        await tx.sessions.authenticate(sessionId, clock());
        await security.note({ kind: "operator_proof", userId, sessionId }, device, tx);
      });
    },

    disable: async (by: Actor, userId: string) => operator.disable(await changeable(userId), by),
    enable: async (by: Actor, userId: string) => operator.enable(await changeable(userId), by),

    /** Ends one session of somebody's. Error codes: `not_found`, `operator_protected`. */
    async endSession(by: Actor, userId: string, sessionId: string): Promise<void> {
      await operator.endSession(sessionId, by, (await changeable(userId)).id);
    },

    /** A link for somebody who has forgotten their password. Error codes: `not_found`, `operator_protected`. */
    makeReset: async (by: Actor, userId: string) => links.makeReset(await changeable(userId), by),
  };
}
