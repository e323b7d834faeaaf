import { DuetError, invalidField } from "../../errors.ts";
import type { Store } from "../../store/index.ts";
import type { SecurityEventRow } from "../../store/security.ts";
import { networkOf } from "../addresses.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import { everyRow } from "../page.ts";
import type { Viewer } from "../viewer.ts";
import type { AccountPart, Departures } from "./departures.ts";
import type { Confirm } from "./confirm.ts";
import type { Device } from "./devices.ts";
import type { Endings } from "./endings.ts";
import type { OwnSessions } from "./own-sessions.ts";
import type { Passwords, Weakness } from "./passwords.ts";
import { readProfile, wordsOf } from "./profiles.ts";
import { whereOf, type SecurityEvents } from "./security.ts";
import type { IssuedTokens, Sessions } from "./sessions.ts";
import { judgingOf, type Throttle } from "./throttle.ts";
import type { User } from "./users.ts";

export type Account = ReturnType<typeof createAccount>;

/** What the owner of an account may do with it as a whole. */
export function createAccount(deps: {
  store: Store;
  commit: Commit;
  sessions: Sessions;
  ownSessions: OwnSessions;
  endings: Endings;
  security: SecurityEvents;
  passwords: Passwords;
  throttle: Throttle;
  confirm: Confirm;
  parts: AccountPart[];
  departures: Departures;
  clock: Clock;
}) {
  const {
    store,
    commit,
    sessions,
    ownSessions,
    endings,
    security,
    passwords,
    throttle,
    confirm,
    parts,
    departures,
    clock,
  } = deps;

  return {
    /** How good a new password of `owner` would be, from 0 to 4, and what is wrong with it. Error code: `rate_limited`. */
    async ratePassword(
      owner: { username: string; email?: string | null | undefined; userId?: string },
      password: string,
      device: Device,
    ): Promise<{ score: number; weakness: Weakness | null }> {
      await throttle.take(...judgingOf(owner.userId, networkOf(device.ip)));
      return passwords.rate(password, wordsOf(owner));
    },

    /**
     * Changes the viewer's name, address or both; an empty or null address is none. Error codes:
     * `validation_failed`, `username_taken`, `email_taken`, `user_not_found`, `rate_limited`. Effects: `users` and
     * the security event.
     */
    async updateProfile(
      viewer: Viewer,
      input: { username?: string | undefined; email?: string | null | undefined },
      device: Device,
    ): Promise<User> {
      const { username = viewer.username, email = viewer.email } = input;
      // A name that an operator's command has given stays one.
      const profile = readProfile({ username, email }, username === viewer.username);
      if (profile.faults.length > 0) throw new DuetError("validation_failed", { fields: profile.faults });
      // It tells which names are taken.
      await throttle.take(["profile_account", viewer.userId]);
      const changed = { id: viewer.userId, ...profile.columns };
      await commit(async (tx) => {
        if ((await tx.users.setProfile(changed)) === 0) throw new DuetError("user_not_found");
        await tx.users.setShapes(viewer.userId, profile.shapes);
        await security.note({ kind: "profile_change", ...idsOf(viewer) }, device, tx);
      });
      return changed;
    },

    /**
     * Changes the viewer's password, ends all their sessions, this one too (whoever has copied its tokens loses them),
     * and starts a new one. Error codes:
     * `validation_failed` (`current_password` with `wrong_password`, or what is wrong with `new_password`),
     * `user_not_found`, `rate_limited`, `too_busy`. Effects: `users`, `sessions`, the security event, all or none.
     */
    async changePassword(
      viewer: Viewer,
      input: { currentPassword: string; newPassword: string },
      device: Device,
    ): Promise<IssuedTokens> {
      const { row, hash } = await passwords.inTurn(viewer.userId, networkOf(device.ip), async (hashing) => {
        const shown = {
          field: "current_password",
          password: input.currentPassword,
          kind: "password_change" as const,
        };
        const row = await confirm(viewer, shown, device, hashing);
        await throttle.take(...judgingOf(row.id, networkOf(device.ip)));
        const weakness = await passwords.judge(input.newPassword, wordsOf(row));
        if (weakness)
          throw new DuetError("validation_failed", { fields: [{ field: "new_password", ...weakness }] });
        return { row, hash: await hashing.hash(input.newPassword) };
      });
      const session = sessions.draft(row, viewer.start, device);
      await commit(async (tx) => {
        await endings.assertNotEnded(tx, viewer.sessionId);
        if ((await tx.users.replacePasswordHash(row.id, row.password_hash, hash)) === 0)
          throw invalidField("current_password", "wrong_password");
        await endings.endAll(tx, row.id, "password_changed", device);
        await tx.links.removeOf(row.id);
        await tx.sessions.insert(session);
        await security.note({ kind: "password_change", userId: row.id, sessionId: session.id }, device, tx);
      });
      return sessions.issue(session, row.username);
    },

    /** Ends every session of the viewer, this one too. Effects: `sessions` and the security event, both or neither. */
    logoutAll: (viewer: Viewer, device: Device): Promise<void> =>
      commit(async (tx) => {
        await endings.endAll(tx, viewer.userId, "logout_all", device);
        await security.note({ kind: "logout_all", ...idsOf(viewer) }, device, tx);
      }),

    /**
     * Deletes the viewer's account with what is theirs alone, in every part. Error codes: `validation_failed`
     * (`password` with `wrong_password`), `user_not_found`, `rate_limited`, `too_busy`. Effects: the name is free, every
     * session over and nothing of it to be found, all or none; then its rows are cleared away, much of it after the answer.
     */
    async remove(viewer: Viewer, input: { password: string }, device: Device): Promise<void> {
      const { id } = await passwords.inTurn(viewer.userId, networkOf(device.ip), (hashing) =>
        confirm(
          viewer,
          { field: "password", password: input.password, kind: "account_delete" },
          device,
          hashing,
        ),
      );
      await commit(async (tx) => {
        await endings.assertNotEnded(tx, viewer.sessionId);
        await endings.endAll(tx, id, "user_deleted", null);
        await tx.links.removeBy(id);
        if ((await tx.users.depart(id)) === 0) throw new DuetError("user_not_found");
      });
      // It is deleted whether this succeeds or not; housekeeping begins again.
      await departures.begin(id).catch(() => {});
    },

    /**
     * Everything that is kept about the viewer in every part, as plain data; nothing of others, no secret. Lists are read
     * as they are taken, however long. Error codes: `user_not_found`, `rate_limited`.
     */
    async exportAll(viewer: Viewer, device: Device): Promise<Record<string, object | AsyncIterable<object>>> {
      await throttle.take(["export_account", viewer.userId], ["export_network", networkOf(device.ip)]);
      const user = await store.users.find(viewer.userId);
      if (!user) throw new DuetError("user_not_found");
      return {
        user: {
          id: user.id,
          username: user.username,
          email: user.email,
          created_at: time(user.created_at),
          exported_at: time(clock()),
        },
        sessions: devicesOf(viewer),
        security_events: eventsOf(viewer.userId),
        ...Object.assign({}, ...parts.map((part) => part.exportOf(viewer.userId))),
      };
    },
  };

  async function* devicesOf(viewer: Viewer) {
    for await (const session of ownSessions.everyLive(viewer)) {
      const { id, kind, key_thumbprint, user_agent, ip, created_at, seen_at } = session;
      const bound = key_thumbprint !== null;
      yield { id, kind, bound, user_agent, ip, created_at: time(created_at), seen_at: time(seen_at) };
    }
  }

  async function* eventsOf(userId: string) {
    const events = everyRow<SecurityEventRow>((last, limit) =>
      store.security.listBefore(userId, last?.id ?? "~", limit),
    );
    for await (const event of events) {
      const { kind, outcome, created_at, operator } = event;
      const { userAgent: user_agent = null, ip = null } = whereOf(event);
      yield { kind, outcome, user_agent, ip, operator, created_at: time(created_at) };
    }
  }
}

const time = (ms: number) => new Date(ms).toISOString();

const idsOf = ({ userId, sessionId }: Viewer) => ({ userId, sessionId });
