import { DuetError, invalidField } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { LetterRow } from "../../store/letters.ts";
import type { Store } from "../../store/index.ts";
import type { UserRow } from "../../store/users.ts";
import { networkOf } from "../addresses.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import type { Viewer, ViewerId } from "../viewer.ts";
import { nameDevice, type Device } from "./devices.ts";
import type { Endings } from "./endings.ts";
import type { KeyRing } from "./keys.ts";
import type { Letter, Letters } from "./letters.ts";
import type { Links } from "./links.ts";
import { emailKey } from "./profiles.ts";
import { whereOf, type SecurityEventKind, type SecurityEvents } from "./security.ts";
import type { Throttle } from "./throttle.ts";
import { usernameKey } from "./usernames.ts";

export type Emails = ReturnType<typeof createEmails>;

/** What seals a name that somebody has typed. */
const FORGOTTEN = "letter";

/**
 * Addresses, where there is a mail server. One that was not confirmed recovers nothing, reserves nothing and signs nobody in; it
 * is confirmed by a link that counts in its own account's session alone, or a stranger would confirm it for whoever has typed
 * it in first.
 */
export function createEmails(deps: {
  store: Store;
  commit: Commit;
  letters: Letters;
  links: Links;
  endings: Endings;
  security: SecurityEvents;
  throttle: Throttle;
  keys: Pick<KeyRing, "seal">;
  clock: Clock;
}) {
  const { store, commit, letters, links, endings, security, throttle, keys, clock } = deps;

  /** Error code: `not_found`. */
  function assertOn(): void {
    if (!letters.isOn) throw new DuetError("not_found");
  }

  async function userOf({ userId }: ViewerId): Promise<UserRow> {
    const user = await store.users.find(userId);
    if (!user) throw new DuetError("user_not_found");
    return user;
  }

  /** The account that a name or a confirmed address is of, if letters reach it. */
  async function findReachable(identifier: string): Promise<UserRow | null> {
    const user = identifier.includes("@")
      ? await store.users.findByEmail(emailKey(identifier))
      : await store.users.findByUsername(usernameKey(identifier));
    return user && user.email_verified_at !== null && user.disabled_at === null ? user : null;
  }

  return {
    isOn: letters.isOn,
    assertOn,

    /** Which address is confirmed, and which one waits for that; of the viewer. */
    async stateOf(viewer: ViewerId): Promise<{ verified: string | null; pending: string | null }> {
      const { email, email_verified_at, email_pending } = await userOf(viewer);
      const isVerified = email_verified_at !== null;
      return { verified: isVerified ? email : null, pending: email_pending ?? (isVerified ? null : email) };
    },

    /** Which address a link is about, for its page. Error codes: `link_ended`, `not_found` without mail. Effects: none. */
    async find(purpose: "verify" | "undo", token: string, viewer?: ViewerId): Promise<{ email: string }> {
      assertOn();
      const link = await links.find(purpose, token);
      if (viewer && link.user_id !== viewer.userId) throw new DuetError("link_ended");
      return { email: link.email! };
    },

    /** Sends the link once more. Error codes: `not_found` where nothing waits or there is no mail, `rate_limited`. Effects: `letters`. */
    async sendAgain(viewer: Viewer): Promise<void> {
      assertOn();
      const { pending } = await this.stateOf(viewer);
      if (pending === null) throw new DuetError("not_found");
      await throttle.take(["email_account", viewer.userId]);
      await letters.put(store, { kind: "verify", user_id: viewer.userId, about: pending });
      void letters.wake();
    },

    /**
     * From now on the address is the viewer's. Error codes: `link_ended` for a link that is over or another account's,
     * `email_taken` where another has confirmed it, `not_found` without mail. Effects: the link, `users`, the security event and a
     * letter to the address before it, all or none.
     */
    async confirm(viewer: Viewer, token: string, device: Device): Promise<{ email: string }> {
      assertOn();
      const link = await links.find("verify", token);
      if (link.user_id !== viewer.userId) throw new DuetError("link_ended");
      const email = link.email!;
      await commit(async (tx) => {
        await links.use(tx, link);
        const before = await tx.users.findToRely(viewer.userId);
        await tx.users.setEmail(viewer.userId, email, emailKey(email), clock());
        const { userId, sessionId } = viewer;
        await security.note({ kind: "email_confirm", userId, sessionId }, device, tx);
        const isOther = before !== null && before.email_key !== emailKey(email);
        if (isOther && before.email_verified_at !== null)
          await letters.put(tx, { kind: "email_changed", user_id: userId, about: before.email });
        tx.afterCommit(() => void letters.wake());
      });
      return { email };
    },

    /**
     * The address before a change again, for who holds that mailbox; every session ends (`revoked`). Error codes: `link_ended`,
     * `not_found` without mail. Effects: the link, `users`, `sessions` and the security event, all or none.
     */
    async undo(token: string, device: Device): Promise<void> {
      assertOn();
      const link = await links.find("undo", token);
      await commit(async (tx) => {
        await links.use(tx, link);
        await tx.users.setEmail(link.user_id!, link.email, emailKey(link.email!), clock());
        // An older one still counts: whoever had the address first has the last word.
        await tx.links.removeLater(link);
        await tx.challenges.removeOf(link.user_id!);
        await endings.endAll(tx, link.user_id!, "revoked", device);
        await security.note({ kind: "email_undo", userId: link.user_id }, device, tx);
      });
    },

    /**
     * Somebody has forgotten their password. Whoever it is, the same work is done before the answer; whether there is such an
     * account is looked for when the letter is sent. Error codes: `validation_failed`, `rate_limited`, `not_found` without mail.
     * Effects: `letters`.
     */
    async forgot(identifier: string, device: Device): Promise<void> {
      assertOn();
      const name = identifier.trim().slice(0, LIMITS.emailCharsMax).toWellFormed();
      if (name === "") throw invalidField("identifier", "required");
      const network = networkOf(device.ip);
      const account = name.includes("@") ? emailKey(name) : usernameKey(name);
      await throttle.take(
        ["forgot_network", network],
        ["forgot_account_and_network", `${account}\n${network}`],
      );
      await letters.put(store, {
        kind: "forgotten",
        user_id: null,
        about: await keys.seal.close(FORGOTTEN, name),
      });
      void letters.wake();
    },

    /** The letter that a row stands for; null where nobody is to be written to. Effects: the link that is in it. */
    async compose(row: LetterRow): Promise<Letter | null> {
      if (row.kind === "forgotten") {
        const user = await findReachable(await keys.seal.open(FORGOTTEN, row.about!));
        if (!user || !(await throttle.has(["forgot_letters", user.id]))) return null;
        const link = await links.makeReset(user, null);
        return { kind: "reset", link, ...addressOf(user, user.email!) };
      }
      const user = row.user_id === null ? null : await store.users.find(row.user_id);
      if (!user) return null;
      switch (row.kind) {
        case "verify": {
          const isAwaited = user.email_pending === row.about || user.email === row.about;
          if (!isAwaited) return null;
          const link = await links.makeOfEmail("verify", user, row.about!);
          return { kind: "verify", link, ...addressOf(user, row.about!) };
        }
        case "email_changed": {
          const link = await links.makeOfEmail("undo", user, row.about!);
          return { kind: "email_changed", link, email: user.email ?? "", ...addressOf(user, row.about!) };
        }
        case "notice": {
          const event = await store.security.find(row.about!);
          if (!event || user.email_verified_at === null) return null;
          const { userAgent, ip = null } = whereOf(event);
          const device = userAgent === undefined ? null : nameDevice(userAgent);
          const about = { event: event.kind as SecurityEventKind, at: event.created_at, device, ip };
          return { kind: "notice", ...about, ...addressOf(user, user.email!) };
        }
      }
    },
  };
}

const addressOf = ({ username, language }: UserRow, to: string) => ({ to, username, language });
