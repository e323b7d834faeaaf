import { createHmac } from "node:crypto";
import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Store, Tables } from "../../store/index.ts";
import type { LinkRow } from "../../store/links.ts";
import type { UserRow } from "../../store/users.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import { newId, newIdAfter } from "../ids.ts";
import type { Device } from "./devices.ts";
import type { KeyRing } from "./keys.ts";
import { sha256 } from "./links.ts";
import type { User } from "./profiles.ts";
import type { SecurityEvents } from "./security.ts";

export type MailedLinks = ReturnType<typeof createMailedLinks>;

/** Where no operator did it. */
const NOBODY: Device = { userAgent: "", ip: "" };

type Mailed = Pick<LinkRow, "purpose" | "user_id"> & { id: string; email?: string };

/**
 * Links that go into letters. What stands in one is made of its id under a secret of the server, so that all copies of a letter have
 * the same: one that seemed lost may have been taken by the mail server.
 */
export function createMailedLinks(deps: {
  store: Store;
  commit: Commit;
  security: SecurityEvents;
  keys: Pick<KeyRing, "derive">;
  clock: Clock;
  issuer: string;
}) {
  const { store, commit, security, keys, clock, issuer } = deps;
  const key = keys.derive("duet links in letters");

  const secretOf = (id: string) => createHmac("sha256", key).update(id).digest("base64url");

  const resetUrl = (id: string) => `${issuer}/reset?token=${secretOf(id)}`;

  async function insert(tx: Tables, link: Mailed, lifeMs: number): Promise<void> {
    const now = clock();
    const times = { created_at: now, ends_at: now + lifeMs };
    const maker = { made_by: "", maker_id: null, without_factors: 0 };
    await tx.links.insert({
      email: null,
      ...link,
      secret_hash: sha256(secretOf(link.id)),
      ...maker,
      ...times,
    });
  }

  return {
    /**
     * A link by which `user` sets a new password within half an hour, for the letter of that id; `isRetry` where that was tried
     * before. Those that an operator has made stay good, since anybody may ask for a letter. Error code: `link_ended` for one
     * that was used, for an account that has another address since, or that no letter lets in. Effects: `links` and the security
     * event, both or neither.
     */
    forReset: (user: UserRow, letterId: string, isRetry: boolean): Promise<string> =>
      commit(async (tx) => {
        const row = await tx.users.findToRely(user.id);
        const made = isRetry ? await tx.links.find(letterId) : null;
        const isOver = !row || !isReachable(row) || row.email_key !== user.email_key;
        if (isOver || (made && made.used_at !== null)) throw new DuetError("link_ended");
        if (made && (await tx.links.extend(letterId, clock(), clock() + LIMITS.resetLinkMs)))
          return resetUrl(letterId);
        // What is gone by then does not come back: another link, under another id.
        const id = isRetry ? newId(clock()) : letterId;
        await insert(tx, { purpose: "reset", user_id: user.id, id }, LIMITS.resetLinkMs);
        await security.note({ kind: "reset_link", userId: user.id }, NOBODY, tx);
        return resetUrl(id);
      }),

    /** The same for who goes on to it at once, in the transaction of what let them. Answers what stands in it. Effects: `links`. */
    async openReset(tx: Tables, userId: string): Promise<string> {
      const id = newId(clock());
      await insert(tx, { purpose: "reset", user_id: userId, id }, LIMITS.resetLinkMs);
      return secretOf(id);
    },

    /**
     * A link that confirms an address of `user`, for the letter of that id; that of a letter before is good no more. Error code:
     * `link_ended` where a later one has its own. Effects: `links`.
     */
    forAddress: (user: User, email: string, letterId: string, isRetry: boolean): Promise<string> =>
      store.tx(async (tx) => {
        if (!isRetry) await tx.links.removeOf(user.id, "verify");
        const link = { purpose: "verify" as const, user_id: user.id, email, id: letterId };
        if (!(await tx.links.extend(letterId, clock(), clock() + LIMITS.verifyLinkMs))) {
          const last = await tx.links.lastOf(user.id, "verify");
          if (last && (last.id !== letterId || last.used_at !== null)) throw new DuetError("link_ended");
          await tx.links.removeOf(user.id, "verify");
          await insert(tx, link, LIMITS.verifyLinkMs);
        }
        return `${issuer}/account/email?token=${secretOf(letterId)}`;
      }),

    /**
     * A link that gives `user` the address again which is taken away now; it goes out by `revealUndo`. Which of two was there first
     * is known from now on. Answers its id. Effects: `links`.
     */
    async draftUndo(tx: Tables, { id: user_id, email }: User): Promise<string> {
      const last = await tx.links.lastOf(user_id, "undo");
      const id = newIdAfter(last?.id ?? "", clock());
      await insert(tx, { purpose: "undo", user_id, email: email!, id }, LIMITS.undoLinkMs);
      return id;
    },

    /** The link of a draft, good for 72 hours from now on; null where it was used or is over. Effects: `links`. */
    async revealUndo(id: string): Promise<string | null> {
      const now = clock();
      const isThere = await store.links.extend(id, now, now + LIMITS.undoLinkMs);
      return isThere ? `${issuer}/email/undo?token=${secretOf(id)}` : null;
    },

    /**
     * Uses up the first link that would give `userId` this very address again, with those that were made after it. Answers whether
     * there was one. Effects: `links`.
     */
    async useUndoFor(tx: Tables, userId: string, email: string): Promise<boolean> {
      const undo = await tx.links.firstOpen(userId, "undo", email, clock());
      if (!undo || !(await tx.links.use(undo.id, clock()))) return false;
      await tx.links.removeLater(undo, "undo");
      return true;
    },
  };
}

/** Whether letters let somebody in: for an operator links come from the command line alone. */
export const isReachable = (user: UserRow): boolean =>
  user.email_verified_at !== null && user.disabled_at === null && user.operator_since === null;
