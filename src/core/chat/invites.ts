import { DuetError, invalidField } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { InviteRow } from "../../store/invites.ts";
import type { Tables } from "../../store/index.ts";
import { sha256 } from "../auth/links.ts";
import type { ViewerId } from "../viewer.ts";
import { noteChange } from "./changes.ts";
import type { Conversation, WithinConversations } from "./conversations.ts";
import { writeNote } from "./notes.ts";

export type Invite = InviteRow;
export type Invites = ReturnType<typeof createInvites>;

const DAY_MS = 24 * 60 * 60 * 1000;
const SECRET_BYTES = 32;

/**
 * Links by which a conversation is joined by whoever has one and an account: 256 random bits, of which only a hash is kept; with an
 * end and a count, and good only for as long as its maker may invite. They make nobody an account, and are not for whoever was removed.
 */
export function createInvites({ store, commit, conversations, throttle, clock }: WithinConversations) {
  /** Error code: `link_ended`, whatever the reason. */
  async function findGood(viewer: ViewerId, token: string, tables: Tables = store) {
    const invite = await tables.invites.findUnended(sha256(token), clock());
    if (!invite || !isAlive(invite)) throw new DuetError("link_ended");
    if (await tables.members.isBarred(invite.conversation_id, viewer.userId))
      throw new DuetError("link_ended");
    const isUsedUp = invite.uses >= invite.uses_max;
    if (isUsedUp && !(await tables.invites.isUsedBy(invite.id, viewer.userId)))
      throw new DuetError("link_ended");
    return { ...invite, maker: invite.maker! };
  }

  return {
    /**
     * Makes one; what stands in it is told once. Error codes: `not_found` for whoever may not invite, `validation_failed`,
     * `rate_limited`. Effect: one row.
     */
    async create(viewer: ViewerId, id: string, input: { days: number; uses: number }): Promise<string> {
      await conversations.getOwned(viewer, id);
      if (!isOneOf(LIMITS.inviteDays, input.days)) throw invalidField("days", "invalid");
      if (!isOneOf(LIMITS.inviteUses, input.uses)) throw invalidField("uses", "invalid");
      await throttle.take(["conversation_account", viewer.userId]);
      const token = Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString("base64url");
      const now = clock();
      await commit(async (tx) => {
        await tx.conversations.takeTurn(id);
        await conversations.getOwned(viewer, id, tx);
        const open = await tx.invites.listOpen(id, viewer.userId, now, LIMITS.invitesMax);
        if (open.length >= LIMITS.invitesMax) throw invalidField("uses", "too_many", LIMITS.invitesMax);
        await tx.invites.insert({
          id: sha256(token),
          conversation_id: id,
          maker_id: viewer.userId,
          uses_max: input.uses,
          created_at: now,
          ends_at: now + input.days * DAY_MS,
        });
      });
      return token;
    },

    /** Those of a conversation that are good, for its owner; nothing for anybody else. */
    listIn: async (viewer: ViewerId, { id, owner_id }: Conversation): Promise<Invite[]> =>
      owner_id === viewer.userId ? store.invites.listOpen(id, owner_id, clock(), LIMITS.invitesMax) : [],

    /** Ends one at once. Error code: `not_found`. Effect: its row goes. */
    async end(viewer: ViewerId, id: string, inviteId: string): Promise<void> {
      await conversations.getOwned(viewer, id);
      if ((await store.invites.remove(id, inviteId)) === 0) throw new DuetError("not_found");
    },

    /** What a link is to, and by whom. Error code: `link_ended`. */
    async find(viewer: ViewerId, token: string): Promise<{ title: string; maker: string }> {
      const { title, maker } = await findGood(viewer, token);
      return { title, maker };
    },

    /** The same for whoever is not signed in yet; null for what is no good link. */
    async describe(token: string | null): Promise<{ title: string; maker: string } | null> {
      const invite = token && (await store.invites.findUnended(sha256(token), clock()));
      const isGood = invite && invite.uses < invite.uses_max && isAlive(invite);
      return isGood ? { title: invite.title, maker: invite.maker! } : null;
    },

    /**
     * Joins; whoever is in already uses nothing up. Answers the conversation's id. Error codes: `link_ended`, also where it is full;
     * `rate_limited`. Effects: the membership, the count, a note; then the event streams.
     */
    async join(viewer: ViewerId, token: string): Promise<string> {
      await throttle.take(["conversation_account", viewer.userId]);
      const { conversation_id: id } = await findGood(viewer, token);
      await commit(async (tx) => {
        await tx.conversations.takeTurn(id);
        // Its maker may have gone, or the link been ended, since it was looked at.
        const invite = await findGood(viewer, token, tx);
        const now = clock();
        if ((await tx.members.add(id, viewer.userId, now)) === 0) return;
        if (!(await tx.users.findToRely(viewer.userId))) throw new DuetError("link_ended");
        // Whoever leaves and comes back counts once.
        if (!(await tx.invites.isUsedBy(invite.id, viewer.userId))) {
          if (!(await tx.invites.count(invite.id, now))) throw new DuetError("link_ended");
          await tx.invites.noteUse(invite.id, viewer.userId);
        }
        if ((await tx.members.idsOf(id)).length > LIMITS.membersPerConversationMax)
          throw new DuetError("link_ended");
        const change = { conversation_id: id, created_at: now };
        await writeNote(tx, {
          ...change,
          kind: "joined",
          actor_id: viewer.userId,
          subject_id: viewer.userId,
        });
        await noteChange(tx, { ...change, kind: "members" });
      });
      return id;
    },
  };
}

type Made = { owner_id: string; maker_id: string; maker: string | null; disabled_at: number | null };

/** Whether its maker may still invite. */
const isAlive = ({ owner_id, maker_id, maker, disabled_at }: Made) =>
  owner_id === maker_id && maker !== null && disabled_at === null;

const isOneOf = (offered: readonly number[], given: number) => offered.includes(given);
