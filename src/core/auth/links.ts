import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Store, Tables } from "../../store/index.ts";
import type { LinkRow } from "../../store/links.ts";
import { networkOf } from "../addresses.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import { isId, newId } from "../ids.ts";
import type { Actor } from "./actors.ts";
import type { Device } from "./devices.ts";
import type { Endings } from "./endings.ts";
import type { Passwords } from "./passwords.ts";
import { wordsOf, type User } from "./profiles.ts";
import type { SecurityEvents } from "./security.ts";
import { hashingOf, judgingOf, type Throttle } from "./throttle.ts";

/** An invitation, and what became of it. */
export type Invitation = LinkRow;

export type Links = ReturnType<typeof createLinks>;

const SECRET_BYTES = 32;

/**
 * Links that operators make, each good once and for a while: to set a new password, and to create an account where
 * registration is closed. What stands in a link is 256 random bits, of which only a hash is kept.
 */
export function createLinks(deps: {
  store: Store;
  commit: Commit;
  endings: Endings;
  security: SecurityEvents;
  passwords: Passwords;
  throttle: Throttle;
  clock: Clock;
  issuer: string;
}) {
  const { store, commit, endings, security, passwords, throttle, clock, issuer } = deps;

  async function insert(
    tx: Tables,
    link: Pick<LinkRow, "purpose" | "user_id">,
    lifeMs: number,
    by: Actor,
    withoutFactors = false,
  ): Promise<string> {
    const secret = makeSecret();
    const now = clock();
    const times = { created_at: now, ends_at: now + lifeMs };
    const maker = { made_by: by.name, maker_id: by.userId ?? null, email: null };
    await tx.links.insert({
      id: newId(now),
      secret_hash: sha256(secret),
      ...link,
      ...maker,
      ...times,
      without_factors: Number(withoutFactors),
    });
    return secret;
  }

  /** Whose password a link sets. Error code: `link_ended`. */
  async function ownerOf(secret: string): Promise<{ link: LinkRow; row: User & { password_hash: string } }> {
    const link = await store.links.findOpen("reset", sha256(secret), clock());
    const row = link && (await store.users.find(link.user_id!));
    if (!row || row.disabled_at !== null) throw new DuetError("link_ended");
    return { link, row };
  }

  return {
    /**
     * A link by which somebody sets a new password for `user`, within half an hour; an operator's makes those good no
     * more that were made before. `withoutFactors` takes all second factors away with the old password. Error code: `link_ended`
     * for one who is disabled, whom it would not let in. Effects: `links` and the security event, both or neither.
     */
    makeReset: (user: User, by: Actor, { withoutFactors = false } = {}): Promise<string> =>
      commit(async (tx) => {
        // Of two at once one comes after the other.
        const row = await tx.users.findToRely(user.id);
        if (!row || row.disabled_at !== null) throw new DuetError("link_ended");
        await tx.links.removeOf(user.id, "reset");
        const secret = await insert(
          tx,
          { purpose: "reset", user_id: user.id },
          LIMITS.resetLinkMs,
          by,
          withoutFactors,
        );
        await security.note({ kind: "reset_link", userId: user.id, operator: by.name }, by.device, tx);
        return `${issuer}/reset?token=${secret}`;
      }),

    /** Whose password it would set. Error code: `link_ended`. Effects: none; looking does not use it up. */
    userOfReset: async (secret: string): Promise<User & { withoutFactors: boolean }> => {
      const { link, row } = await ownerOf(secret);
      return { ...row, withoutFactors: link.without_factors === 1 };
    },

    /**
     * Sets the new password of whom the link is for, and ends all of their sessions (`password_changed`): whoever had come in
     * is out. Signs nobody in; second factors are still asked for, unless the operator has said otherwise. Error codes: `link_ended` for one that is not there, was used or whose time is over,
     * `validation_failed` with what is wrong with `new_password`, `rate_limited`, `too_busy`. Effects: the link, `users`,
     * `sessions` and the security event, all or none.
     */
    async reset(input: { token: string; newPassword: string }, device: Device): Promise<User> {
      const network = networkOf(device.ip);
      await throttle.take(...judgingOf(undefined, network));
      const { link, row } = await ownerOf(input.token);
      const weakness = await passwords.judge(input.newPassword, wordsOf(row));
      if (weakness)
        throw new DuetError("validation_failed", { fields: [{ field: "new_password", ...weakness }] });
      const made = await passwords.inTurn(row.id, network, async ({ hash }) => {
        await throttle.take(...hashingOf(row.id, network));
        return hash(input.newPassword);
      });
      await commit(async (tx) => {
        const isOpen = await tx.links.use(link.id, clock());
        if (!isOpen || (await tx.users.replacePasswordHash(row.id, row.password_hash, made)) === 0)
          throw new DuetError("link_ended");
        await tx.links.removeOf(row.id, "reset");
        await tx.challenges.removeOf(row.id);
        const by = { operator: link.made_by || undefined };
        if (link.without_factors === 1) {
          await tx.factors.removeOf(row.id);
          await tx.factors.replaceCodes(row.id, []);
          await security.note({ kind: "factor_remove", userId: row.id, ...by }, device, tx);
        }
        await endings.endAll(tx, row.id, "password_changed", device);
        await security.note({ kind: "password_reset", userId: row.id, ...by }, device, tx);
      });
      return row;
    },

    /** One that may still be used. Error code: `link_ended`. */
    async find(purpose: LinkRow["purpose"], secret: string): Promise<LinkRow> {
      const link = await store.links.findOpen(purpose, sha256(secret), clock());
      if (!link) throw new DuetError("link_ended");
      return link;
    },

    /** Uses it up, with what it was for. Error code: `link_ended`. */
    async use(tx: Tables, link: LinkRow): Promise<void> {
      if (!(await tx.links.use(link.id, clock()))) throw new DuetError("link_ended");
    },

    /** A link by which one account may be created although registration is closed, within a week. Effects: as `makeReset`. */
    makeInvitation: (by: Actor): Promise<string> =>
      commit(async (tx) => {
        const secret = await insert(tx, { purpose: "invitation", user_id: null }, LIMITS.invitationMs, by);
        await security.note(
          { kind: "invitation", userId: by.userId ?? null, operator: by.name },
          by.device,
          tx,
        );
        return `${issuer}/register?invitation=${secret}`;
      }),

    /** Those that were made, newest first. */
    invitations: (): Promise<Invitation[]> => store.links.list("invitation", LIMITS.invitationsShown),

    /** Takes one back that was not used. Error code: `not_found`. Effects: as `makeReset`. */
    endInvitation: (id: string, by: Actor): Promise<void> =>
      commit(async (tx) => {
        if (!isId(id) || (await tx.links.remove("invitation", id)) === 0) throw new DuetError("not_found");
        await security.note(
          { kind: "invitation_end", userId: by.userId ?? null, operator: by.name },
          by.device,
          tx,
        );
      }),
  };
}

const makeSecret = () =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString("base64url");

/** What is kept of what stands in a link. */
export const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("base64url");
