import { DuetError } from "../../errors.ts";
import type { Store } from "../../store/index.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import type { Device } from "./devices.ts";
import type { Endings } from "./endings.ts";
import { emailKey } from "./profiles.ts";
import type { SecurityEvents } from "./security.ts";
import type { User } from "./users.ts";
import { usernameKey } from "./usernames.ts";

export type Operator = ReturnType<typeof createOperator>;

/** The machine itself, on which the operator's commands run. */
const HERE: Device = { userAgent: "duet", ip: "127.0.0.1" };

/** What whoever runs Duet may do with an account, named by its username or e-mail address. */
export function createOperator(deps: {
  store: Store;
  commit: Commit;
  endings: Endings;
  security: SecurityEvents;
  clock: Clock;
}) {
  const { store, commit, endings, security, clock } = deps;

  async function find(name: string): Promise<User> {
    const user = name.includes("@")
      ? await store.users.findByEmail(emailKey(name))
      : await store.users.findByUsername(usernameKey(name));
    if (!user) throw new DuetError("not_found");
    return user;
  }

  return {
    /**
     * Ends every session of an account (`user_disabled`) and lets nobody sign in to it. Nothing of it is deleted. Error
     * code: `not_found`. Effects: `users`, `sessions` and the security event, all or none.
     */
    async disable(name: string): Promise<User> {
      const user = await find(name);
      await commit(async (tx) => {
        await tx.users.setDisabled(user.id, clock());
        await endings.endAll(tx, user.id, "user_disabled", null);
        await security.note({ kind: "account_disable", userId: user.id }, HERE, tx);
      });
      return user;
    },

    /** Lets its owner sign in again; what ended stays ended. Error code: `not_found`. Effects: as `disable`. */
    async enable(name: string): Promise<User> {
      const user = await find(name);
      await commit(async (tx) => {
        await tx.users.setDisabled(user.id, null);
        await security.note({ kind: "account_enable", userId: user.id }, HERE, tx);
      });
      return user;
    },
  };
}
