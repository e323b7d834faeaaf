import { DuetError, invalidField } from "../../errors.ts";
import type { Store } from "../../store/index.ts";
import type { UserRow } from "../../store/users.ts";
import { networkOf } from "../addresses.ts";
import type { Viewer } from "../viewer.ts";
import type { Device } from "./devices.ts";
import type { Guesses } from "./guesses.ts";
import type { Hashing } from "./passwords.ts";
import type { SecurityEventKind, SecurityEvents } from "./security.ts";
import { hashingOf, isCode, type LimitKey, type Throttle } from "./throttle.ts";

export type Confirm = ReturnType<typeof createConfirm>;

/**
 * The viewer's password once more, for what only its owner may do. Only a wrong one is counted, and written down under the
 * kind of what it was for. Error codes: `validation_failed` (`field` with `wrong_password`), `user_not_found`,
 * `rate_limited`. Effects: permits, and a security event where it was wrong.
 */
export function createConfirm(deps: {
  store: Store;
  security: SecurityEvents;
  throttle: Throttle;
  guesses: Pick<Guesses, "isKnown">;
}) {
  const { store, security, throttle, guesses } = deps;
  return async function confirm(
    viewer: Pick<Viewer, "userId" | "sessionId">,
    shown: { field: string; password: string; kind: SecurityEventKind },
    device: Device,
    { verify }: Hashing,
  ): Promise<UserRow> {
    const row = await store.users.find(viewer.userId);
    if (!row) throw new DuetError("user_not_found");
    const network = networkOf(device.ip);
    // Whoever has a copied token, and guesses elsewhere, does not lock the owner out.
    const limits: LimitKey[] = [["password_account_and_network", `${row.id}\n${network}`]];
    if (!(await guesses.isKnown(row.id, network))) limits.push(["password_account", row.id]);
    return throttle.counting(limits, isCode("validation_failed"), async () => {
      await throttle.take(...hashingOf(row.id, network));
      const { ok } = await verify(shown.password, row.password_hash);
      if (ok) return row;
      const { userId, sessionId } = viewer;
      await security.note({ kind: shown.kind, outcome: "failure", userId, sessionId }, device);
      throw invalidField(shown.field, "wrong_password");
    });
  };
}
