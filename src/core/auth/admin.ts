import { DuetError } from "../../errors.ts";
import type { Store } from "../../store/index.ts";
import type { UserRow } from "../../store/users.ts";
import type { Viewer } from "../viewer.ts";
import type { Actor } from "./actors.ts";
import type { Device } from "./devices.ts";
import type { Links } from "./links.ts";
import type { Operator } from "./operator.ts";
import type { StepUp } from "./step-up.ts";

export type Admin = ReturnType<typeof createAdmin>;

/** An operator at /admin, who has proved lately who they are. */
export type AdminViewer = Actor & { userId: string };

/**
 * What operators do from a page. It is for whom the command line has made one, from a browser's session, after a recent proof;
 * other operators are changed by the command line alone.
 */
export function createAdmin(deps: { store: Store; operator: Operator; links: Links; stepUp: StepUp }) {
  const { store, operator, links, stepUp } = deps;

  /** Asked of the database each time. Error codes: `not_found` for whom the page is not there, `proof_required`. */
  async function viewerAs(viewer: Viewer, device: Device): Promise<AdminViewer> {
    const [user, session] = await Promise.all([
      store.users.find(viewer.userId),
      store.sessions.find(viewer.sessionId),
    ]);
    if (!user || user.operator_since === null || session?.kind !== "browser")
      throw new DuetError("not_found");
    await stepUp.require(viewer, "operate", device);
    return { userId: user.id, name: user.username, device };
  }

  /** Somebody that an operator may change from the page. Error codes: `not_found`, `operator_protected`. */
  async function changeable(id: string): Promise<UserRow> {
    const user = await operator.findById(id);
    if (user.operator_since !== null) throw new DuetError("operator_protected");
    return user;
  }

  return {
    viewerAs,

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
