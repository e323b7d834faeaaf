import { DuetError, invalidField } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { LetterRow } from "../../store/letters.ts";
import type { Store } from "../../store/index.ts";
import type { UserRow } from "../../store/users.ts";
import { networkOf } from "../addresses.ts";
import type { Clock } from "../clock.ts";
import type { Commit, Transaction } from "../commit.ts";
import type { Viewer, ViewerId } from "../viewer.ts";
import { nameDevice, type Device, type NameDevice } from "./devices.ts";
import type { Endings } from "./endings.ts";
import type { Guesses } from "./guesses.ts";
import type { KeyRing } from "./keys.ts";
import type { Letter, Letters } from "./letters.ts";
import type { Links } from "./links.ts";
import { isReachable, type MailedLinks } from "./mailed-links.ts";
import { emailKey } from "./profiles.ts";
import { whereOf, type SecurityEventKind, type SecurityEvents } from "./security.ts";
import type { Throttle } from "./throttle.ts";
import { usernameKey } from "./usernames.ts";

export type Emails = ReturnType<typeof createEmails>;

/** What no password is held against with success. */
const NO_PASSWORD = "";

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
  mailedLinks: MailedLinks;
  endings: Endings;
  security: SecurityEvents;
  throttle: Throttle;
  guesses: Guesses;
  keys: Pick<KeyRing, "seal">;
  clock: Clock;
}) {
  const { store, commit, letters, links, mailedLinks, endings, security, throttle, guesses, keys, clock } =
    deps;

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
    return user && isReachable(user) ? user : null;
  }

  /**
   * For a transaction that takes a confirmed address away: a letter goes there with a link that gives it back, good for 72 hours. Does
   * nothing where there is no mail, or it was not confirmed. Effects: `links`, `letters`, both or neither.
   */
  async function tellBefore(tx: Transaction, before: UserRow): Promise<void> {
    if (!letters.isOn || !isVerified(before)) return;
    const about = await mailedLinks.draftUndo(tx, before);
    await letters.put(tx, { kind: "email_changed", user_id: before.id, address: before.email, about });
    tx.afterCommit(() => void letters.wake());
  }

  /** Counted once for a letter, however often it is tried. */
  const mayBeSent = async (row: LetterRow, limit: "forgot_letters" | "verify_letters", key: string) =>
    row.tries > 0 || (await throttle.has([limit, key]));

  return {
    isOn: letters.isOn,
    assertOn,
    tellBefore,

    /** Which address is confirmed, and which one waits for that; of the viewer. */
    async stateOf(viewer: ViewerId): Promise<{ verified: string | null; pending: string | null }> {
      const { email, email_verified_at, email_pending } = await userOf(viewer);
      const isKnown = email_verified_at !== null;
      return { verified: isKnown ? email : null, pending: email_pending ?? (isKnown ? null : email) };
    },

    /** Which address a link is about, for its page. Error codes: `link_ended`, `link_of_another`, `not_found` without mail. Effects: none. */
    async find(purpose: "verify" | "undo", token: string, viewer?: ViewerId): Promise<{ email: string }> {
      assertOn();
      const link = await links.find(purpose, token);
      if (viewer && link.user_id !== viewer.userId) throw new DuetError("link_of_another");
      return { email: link.email! };
    },

    /** Sends the link once more. Error codes: `not_found` where nothing waits or there is no mail, `rate_limited`. Effects: `letters`. */
    async sendAgain(viewer: Viewer): Promise<void> {
      assertOn();
      const { pending } = await this.stateOf(viewer);
      if (pending === null) throw new DuetError("not_found");
      await throttle.take(["email_account", viewer.userId]);
      await letters.put(store, { kind: "verify", user_id: viewer.userId, address: pending });
      void letters.wake();
    },

    /**
     * From now on the address is the viewer's. Error codes: `link_ended`, `link_of_another`,
     * `email_taken` where another has confirmed it, `not_found` without mail. Effects: the link, `users`, the security event and a
     * letter to the address before it, all or none.
     */
    async confirm(viewer: Viewer, token: string, device: Device): Promise<{ email: string }> {
      assertOn();
      const link = await links.find("verify", token);
      if (link.user_id !== viewer.userId) throw new DuetError("link_of_another");
      const email = link.email!;
      await commit(async (tx) => {
        await links.use(tx, link);
        const before = await tx.users.findToRely(viewer.userId);
        // One that was given up, or taken away, since.
        const isAwaited = before?.email_pending === email || (before?.email === email && !isVerified(before));
        if (!before || !isAwaited) throw new DuetError("link_ended");
        const { userId, sessionId } = viewer;
        // Whoever had this address before, and has it again, leaves no link behind to who had it in between.
        const isBack = await mailedLinks.useUndoFor(tx, userId, email);
        if (!isBack && before.email !== email) await tellBefore(tx, before);
        await tx.users.setEmail(userId, email, emailKey(email), clock());
        await security.note({ kind: "email_confirm", userId, sessionId }, device, tx);
      });
      return { email };
    },

    /**
     * The address before a change again, for who holds that mailbox; every session ends (`revoked`). For whoever letters let in the password
     * is void, too, which may be another's by now, and the answer is the secret of a link that sets a new one; null for others. The address that it takes away is told. Error codes: `link_ended`,
     * `not_found` without mail. Effects: the links, `users`, `sessions`, the security event and a letter, all or none.
     */
    async undo(token: string, device: Device): Promise<string | null> {
      assertOn();
      const link = await links.find("undo", token);
      const userId = link.user_id!;
      return commit(async (tx) => {
        await links.use(tx, link);
        const before = await tx.users.findToRely(userId);
        if (!before) throw new DuetError("link_ended");
        // Before the change: its notice goes where letters go until then.
        await security.note({ kind: "email_undo", userId }, device, tx);
        await tx.users.setEmail(userId, link.email, emailKey(link.email!), clock());
        // Of a later change nothing counts any more; an older one does: whoever had the address first has the last word.
        await tx.links.removeLater(link, "undo");
        await tx.links.removeOf(userId, "reset");
        await tx.links.removeOf(userId, "verify");
        await tx.challenges.removeOf(userId);
        await endings.endAll(tx, userId, "revoked", device);
        if (!isReachable({ ...before, email_verified_at: clock() })) return null;
        await tx.users.replacePasswordHash(userId, before.password_hash, NO_PASSWORD);
        return mailedLinks.openReset(tx, userId);
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
      const about = await keys.seal.close(FORGOTTEN, JSON.stringify({ name, network }));
      await letters.put(store, { kind: "forgotten", user_id: null, about });
      void letters.wake();
    },

    /** The letter that a row stands for; null where nobody is to be written to. Error code: `link_ended`. Effects: the link that is in it. */
    async compose(row: LetterRow): Promise<Letter | null> {
      if (row.kind === "forgotten") {
        const { name, network } = JSON.parse(await keys.seal.open(FORGOTTEN, row.about!)) as Forgotten;
        const user = await findReachable(name);
        if (!user) return null;
        // Strangers use up what is sent for strangers: from where its owner signs in there is always a letter.
        const isKnown = await guesses.isKnown(user.id, network);
        if (!isKnown && !(await mayBeSent(row, "forgot_letters", user.id))) return null;
        const link = await mailedLinks.forReset(user, row.id, row.tries > 0);
        return { kind: "reset", link, ...addressOf(user, user.email!) };
      }
      const user = row.user_id === null ? null : await store.users.find(row.user_id);
      if (!user) return null;
      const address = row.address!;
      switch (row.kind) {
        case "verify": {
          const isAwaited = user.email_pending === address || (user.email === address && !isVerified(user));
          if (!isAwaited || !(await mayBeSent(row, "verify_letters", mailboxOf(address)))) return null;
          const link = await mailedLinks.forAddress(user, address, row.id, row.tries > 0);
          return { kind: "verify", link, ...addressOf(user, address) };
        }
        case "email_changed": {
          const link = await mailedLinks.revealUndo(row.about!);
          return link === null
            ? null
            : { kind: "email_changed", link, email: user.email, ...addressOf(user, address) };
        }
        case "notice": {
          const event = await store.security.find(row.about!);
          if (!event) return null;
          const { userAgent = "", ip = null } = whereOf(event);
          const deviceName: NameDevice = (on) => nameDevice(userAgent, on);
          const about = { event: event.kind as SecurityEventKind, at: event.created_at, deviceName, ip };
          return { kind: "notice", ...about, ...addressOf(user, address) };
        }
      }
    },
  };
}

/** What most servers deliver to the same box, whatever follows a plus. */
const mailboxOf = (address: string) => emailKey(address).replace(/\+[^@]*@/, "@");

/** Who asks for a letter, by which name, and from where. */
type Forgotten = { name: string; network: string };

const isVerified = ({ email_verified_at }: UserRow) => email_verified_at !== null;

const addressOf = ({ username, language }: UserRow, to: string) => ({ to, username, language });
