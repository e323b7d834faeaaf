import { DuetError, invalidField } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { MemberRow } from "../../store/members.ts";
import { isCode } from "../auth/throttle.ts";
import { usernameKey } from "../auth/usernames.ts";
import type { ViewerId } from "../viewer.ts";
import { noteChange } from "./changes.ts";
import type { Conversation, WithinConversations } from "./conversations.ts";
import { writeNote } from "./notes.ts";

export type Member = MemberRow;
export type Members = ReturnType<typeof createMembers>;

/** Who is in a conversation. */
export function createMembers({ store, commit, conversations, throttle, clock }: WithinConversations) {
  /** Those of a conversation that was loaded through one of them. */
  const listIn = (conversation: Conversation): Promise<Member[]> => store.members.list(conversation.id);

  return {
    listIn,

    /** Error code: `not_found`. */
    list: async (viewer: ViewerId, id: string): Promise<Member[]> =>
      listIn(await conversations.get(viewer, id)),

    /**
     * Names to add, of people with whom the viewer shares one of their latest conversations; never of all. Error code: `not_found`, for
     * whoever may not add anybody.
     */
    async listKnown(viewer: ViewerId, id: string): Promise<string[]> {
      await conversations.getOwned(viewer, id);
      return store.members.listKnown(viewer.userId, id, LIMITS.conversationsForNames, LIMITS.namesShown);
    },

    /** The owner lets someone in; who is in already stays in. Error codes: `not_found`, `validation_failed`, `rate_limited`. */
    async add(
      viewer: ViewerId,
      id: string,
      input: { username: string },
    ): Promise<{ member: Member; isNew: boolean }> {
      await conversations.getOwned(viewer, id);
      const name = input.username;
      if (name.trim() === "") throw invalidField("username", "required");
      // It tells which names are taken.
      await throttle.take(["conversation_account", viewer.userId]);
      const user = await throttle.counting(
        [["invite_account", viewer.userId]],
        isCode("validation_failed"),
        async () => {
          const isName = name.isWellFormed() && [...name].length <= LIMITS.usernameCharsMax;
          const found = isName && (await store.users.findByUsername(usernameKey(name.trim())));
          return found || Promise.reject(invalidField("username", "no_such_user"));
        },
      );
      return commit(async (tx) => {
        await tx.conversations.takeTurn(id);
        await conversations.getOwned(viewer, id, tx);
        if (!(await tx.users.findToRely(user.id))) throw invalidField("username", "no_such_user");
        const now = clock();
        const added = await tx.members.add(id, user.id, now);
        await tx.members.unbar(id, user.id);
        const all = await tx.members.list(id);
        if (all.length > LIMITS.membersPerConversationMax)
          throw invalidField("username", "too_many", LIMITS.membersPerConversationMax);
        if (added > 0)
          await writeNote(tx, {
            conversation_id: id,
            kind: "added",
            actor_id: viewer.userId,
            subject_id: user.id,
            created_at: now,
          });
        await noteChange(tx, { conversation_id: id, kind: "members", created_at: now });
        return { member: all.find((member) => member.user_id === user.id)!, isNew: added > 0 };
      });
    },

    /** The owner removes anyone else; anyone else leaves. Error codes: `not_found`, `owner_cannot_leave`. */
    async remove(viewer: ViewerId, id: string, userId: string): Promise<void> {
      await conversations.get(viewer, id);
      await commit(async (tx) => {
        await tx.conversations.takeTurn(id);
        // Only now: an owner who goes makes somebody else the owner.
        const conversation = await conversations.get(viewer, id, tx);
        const mayRemove = userId === viewer.userId || conversation.owner_id === viewer.userId;
        if (!mayRemove) throw new DuetError("not_found");
        if (userId === conversation.owner_id) throw new DuetError("owner_cannot_leave");
        if ((await tx.members.remove(id, userId)) === 0) throw new DuetError("not_found");
        const change = { conversation_id: id, created_at: clock() };
        const isOwn = userId === viewer.userId;
        if (!isOwn) await tx.members.bar(id, userId);
        await writeNote(tx, {
          ...change,
          kind: isOwn ? "left" : "removed",
          actor_id: viewer.userId,
          subject_id: isOwn ? null : userId,
        });
        await noteChange(tx, { ...change, kind: "conversation_removed", user_id: userId });
        await noteChange(tx, { ...change, kind: "members" });
      });
    },
  };
}
