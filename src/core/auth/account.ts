import { DuetError, invalidField } from "../../errors.ts";
import type { Store } from "../../store/index.ts";
import type { SecurityEventRow } from "../../store/security.ts";
import { networkOf } from "../addresses.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import { everyRow } from "../page.ts";
import type { Viewer } from "../viewer.ts";
import type { AccountPart, Departures } from "./departures.ts";
import type { StepUp } from "./step-up.ts";
import type { Device } from "./devices.ts";
import type { Endings } from "./endings.ts";
import type { Emails } from "./emails.ts";
import type { Letters } from "./letters.ts";
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
  stepUp: StepUp;
  letters: Letters;
  emails: Emails;
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
    stepUp,
    letters,
    emails,
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
     * Changes the viewer's name, address or both; an empty or null address is none. Where there is mail the address that was is
     * theirs until the new one is confirmed. Error codes:
     * `proof_required` for another address, `validation_failed`, `username_taken`, `email_taken`, `user_not_found`,
     * `rate_limited`. Effects: `users` and the security event.
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
      const { columns, shapes } = profile;
      const { userId: id } = viewer;
      const isOther = columns.email !== viewer.email;
      if (isOther) await stepUp.require(viewer, "email_change", device);
      // It tells which names are taken.
      await throttle.take(["profile_account", id]);
      const isToConfirm = letters.isOn && isOther && columns.email !== null;
      if (isToConfirm) await throttle.take(["email_account", id]);
      await commit(async (tx) => {
        if ((await tx.users.setName({ id, ...columns })) === 0) throw new DuetError("user_not_found");
        await tx.users.setShapes(id, shapes);
        // What was asked for before is given up by whatever is asked for now, the present address too.
        if (input.email !== undefined) {
          await tx.links.removeOf(id, "verify");
          await tx.users.setPendingEmail(id, isToConfirm ? columns.email : null);
        }
        if (isToConfirm) {
          await letters.put(tx, { kind: "verify", user_id: id, address: columns.email });
          tx.afterCommit(() => void letters.wake());
        } else if (isOther) {
          const before = await tx.users.findToRely(id);
          if (before) await emails.tellBefore(tx, before);
          await tx.users.setUnconfirmedEmail({ id, ...columns });
        }
        await security.note({ kind: "profile_change", ...idsOf(viewer) }, device, tx);
      });
      return { id, username: columns.username, email: isToConfirm ? viewer.email : columns.email };
    },

    /**
     * Changes the viewer's password, ends all their sessions, this one too (whoever has copied its tokens loses them),
     * and starts a new one. Error codes:
     * `proof_required`, `validation_failed` (`current_password` with `wrong_password`, or what is wrong with `new_password`),
     * `user_not_found`, `rate_limited`, `too_busy`. Effects: `users`, `sessions`, the security event, all or none.
     */
    async changePassword(
      viewer: Viewer,
      input: { currentPassword?: string | undefined; newPassword: string },
      device: Device,
    ): Promise<IssuedTokens> {
      const { currentPassword: password } = input;
      const { row, hash } = await passwords.inTurn(viewer.userId, networkOf(device.ip), async (hashing) => {
        const shown = { field: "current_password", password };
        const row = await stepUp.requireOrConfirm(viewer, "password_change", shown, device, hashing);
        await throttle.take(...judgingOf(row.id, networkOf(device.ip)));
        const weakness = await passwords.judge(input.newPassword, wordsOf(row));
        if (weakness)
          throw new DuetError("validation_failed", { fields: [{ field: "new_password", ...weakness }] });
        return { row, hash: await hashing.hash(input.newPassword) };
      });
      const session = sessions.draft(
        row,
        viewer.start,
        device,
        viewer.amr,
        password ? clock() : viewer.authenticatedAt,
      );
      await commit(async (tx) => {
        await endings.assertNotEnded(tx, viewer.sessionId);
        if ((await tx.users.replacePasswordHash(row.id, row.password_hash, hash)) === 0)
          throw invalidField("current_password", "wrong_password");
        await endings.endAll(tx, row.id, "password_changed", device);
        await tx.links.removeOf(row.id, "reset");
        await tx.challenges.removeOf(row.id);
        await tx.sessions.insert(session);
        await tx.deviceNames.passOn(viewer.sessionId, session.id);
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
     * Deletes the viewer's account with what is theirs alone, in every part. Error codes: `proof_required`, `validation_failed`
     * (`password` with `wrong_password`), `user_not_found`, `rate_limited`, `too_busy`. Effects: the name is free, every
     * session over and nothing of it to be found, all or none; then its rows are cleared away, much of it after the answer.
     */
    async remove(viewer: Viewer, input: { password?: string | undefined }, device: Device): Promise<void> {
      const { id } = await passwords.inTurn(viewer.userId, networkOf(device.ip), (hashing) =>
        stepUp.requireOrConfirm(
          viewer,
          "account_delete",
          { field: "password", password: input.password },
          device,
          hashing,
        ),
      );
      await commit(async (tx) => {
        await endings.assertNotEnded(tx, viewer.sessionId);
        await endings.endAll(tx, id, "user_deleted", null);
        await tx.links.removeBy(id);
        await tx.links.removeOf(id);
        await tx.factors.removeOf(id);
        await tx.challenges.removeOf(id);
        await tx.letters.removeOf(id);
        if ((await tx.users.depart(id)) === 0) throw new DuetError("user_not_found");
      });
      // It is deleted whether this succeeds or not; housekeeping begins again.
      await departures.begin(id).catch(() => {});
    },

    /**
     * Everything that is kept about the viewer in every part, as plain data; nothing of others, no secret. Lists are read
     * as they are taken, however long. Error codes: `proof_required`, `user_not_found`,
     * `rate_limited`.
     */
    async exportAll(viewer: Viewer, device: Device): Promise<Record<string, object | AsyncIterable<object>>> {
      await stepUp.require(viewer, "account_export", device);
      await throttle.take(["export_account", viewer.userId], ["export_network", networkOf(device.ip)]);
      const user = await store.users.find(viewer.userId);
      if (!user) throw new DuetError("user_not_found");
      return {
        user: {
          id: user.id,
          username: user.username,
          email: user.email,
          email_pending: user.email_pending,
          created_at: time(user.created_at),
          exported_at: time(clock()),
        },
        factors: factorsOf(viewer.userId),
        sessions: devicesOf(viewer),
        security_events: eventsOf(viewer.userId),
        ...Object.assign({}, ...parts.map((part) => part.exportOf(viewer.userId))),
      };
    },
  };

  async function* factorsOf(userId: string) {
    for (const { kind, name, created_at, last_used_at } of await store.factors.listOf(userId, {
      confirmed: true,
    }))
      yield { kind, name, created_at: time(created_at), last_used_at: last_used_at && time(last_used_at) };
  }

  async function* devicesOf(viewer: Viewer) {
    for await (const session of ownSessions.everyLive(viewer)) {
      const { id, kind, device_name: name, key_thumbprint, user_agent, ip, created_at, seen_at } = session;
      const bound = key_thumbprint !== null;
      yield { id, name, kind, bound, user_agent, ip, created_at: time(created_at), seen_at: time(seen_at) };
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
